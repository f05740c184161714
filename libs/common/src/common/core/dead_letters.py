"""A dead letter: the original record, byte for byte, and why, where and by whom it was refused."""

from datetime import datetime

import msgspec
from msgspec import Struct

from common.core.adapters import Original
from common.core.cloudevents import Headers, Record
from common.core.errors import PoisonError
from common.core.topics import DEAD_LETTER

# A kept request, as common.core.adapters.Original has it.
ORIGINAL_TYPE = b"application/vnd.madoguchi.original+msgpack"


class Origin(Struct, frozen=True):
    """A record as it lies on the bus."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers


def orphan(original: Original, refused_by: str) -> Record:
    """Return the dead letter of a kept request whose account was removed before it was published."""
    return Record(
        DEAD_LETTER.name,
        f"{original.provider}/{original.account}".encode(),
        msgspec.msgpack.encode(original),
        (
            ("content-type", ORIGINAL_TYPE),
            ("dl_reason", b"no-account"),
            ("dl_refused_by", refused_by.encode()),
        ),
    )


def dead_letter(origin: Origin, error: PoisonError, refused_by: str, now: datetime) -> Record:
    """Return the record for the dead-letter topic; its own headers come first, unchanged."""
    return Record(
        DEAD_LETTER.name,
        origin.key or b"",
        origin.value or b"",
        (
            *origin.headers,
            ("dl_reason", error.reason.encode()),
            ("dl_detail", error.detail.encode(errors="replace")[:2000]),
            ("dl_topic", origin.topic.encode()),
            ("dl_partition", str(origin.partition).encode()),
            ("dl_offset", str(origin.offset).encode()),
            ("dl_refused_by", refused_by.encode()),
            ("dl_refused_at", now.isoformat().encode()),
        ),
    )
