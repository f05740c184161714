"""Where a page of history ended, as an opaque text that a client hands back."""

import base64
import binascii
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, structs

from timeline.core.entry import Entry

_INT16 = Annotated[int, Meta(ge=0, le=2**15 - 1)]
_INT64 = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Cursor(Struct, frozen=True, array_like=True):
    """A page begins just after this place in its order. Further fields may follow, with defaults.

    `mark` tells which selection it was made for (timeline.core.selection).
    """

    occurred_at: Annotated[datetime, Meta(tz=True)]
    topic: _INT16
    partition: _INT16
    offset: _INT64
    mark: bytes = b""


# Later than any entry: the page that begins here is the newest.
NEWEST = Cursor(datetime.max.replace(tzinfo=UTC), 2**15 - 1, 2**15 - 1, 2**63 - 1)
# Earlier than any entry.
OLDEST = Cursor(datetime.min.replace(tzinfo=UTC), 0, 0, 0)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Cursor).decode


def cursor_before(entry: Entry, mark: bytes = b"") -> Cursor:
    """Return where the page after this entry, its last, begins."""
    at = entry.position
    return Cursor(entry.occurred_at, at.topic, at.partition, at.offset, mark)


def write_cursor(cursor: Cursor) -> str:
    """Return the cursor as URL-safe text."""
    return base64.urlsafe_b64encode(_encode(cursor)).rstrip(b"=").decode()


def read_cursor(text: str, mark: bytes = b"") -> Cursor:
    """Return the cursor in a text from outside.

    Raises ValueError where there is none, or one that was made for another selection.
    """
    padded = text + "=" * (-len(text) % 4)
    try:
        found = _decode(base64.b64decode(padded, altchars=b"-_", validate=True))
        found = structs.replace(found, occurred_at=found.occurred_at.astimezone(UTC))
    except (binascii.Error, msgspec.DecodeError, OverflowError) as error:
        raise ValueError("not a cursor of ours") from error
    if found.mark != mark:
        raise ValueError("a cursor that was made for other filters")
    return found
