"""Parts of long messages among the requests of Vonage's SMS API ("Inbound SMS", concatenated)."""

from collections.abc import Mapping, Sequence

import msgspec

from common.core.adapters import Original
from common.core.payloads import UnreadableError
from common.core.text import clean
from ingest_sms.core.concatenation import Part
from ingest_sms.core.joining import Joiner, Place
from ingest_sms.core.vonage.parameters import parameters

# No request can have this method: only we make an original whose body holds others.
JOINED = "JOINED"

Fields = Mapping[str, str]

_COUNTS = {str(count): count for count in range(256)}
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[Original, ...]).decode


def fields_of(original: Original) -> Fields:
    """Return a request's parameters, cleaned. Raises UnreadableError."""
    return {clean(name): clean(value) for name, value in parameters(original).items()}


def parts_of(joined: Original) -> tuple[Part[Fields], ...]:
    """Return the parts in an original that `JOINER` made, in the order of their arrival."""
    return tuple(_part(original) for original in _decode(joined.body))


def _place(original: Original) -> Place | None:
    try:
        placed = _part(original)
    except UnreadableError:
        return None
    return Place(placed.series, placed.number, placed.total, placed.content["messageId"])


def _join(originals: Sequence[Original]) -> Original:
    first = originals[0]
    return msgspec.structs.replace(
        first, method=JOINED, url="", headers={}, body=_encode(tuple(originals))
    )


def _part(original: Original) -> Part[Fields]:
    fields = fields_of(original)
    number, total = (_count(fields.get(name)) for name in ("concat-part", "concat-total"))
    is_text = fields.get("type") != "binary" and "status" not in fields
    if not (is_text and fields.get("messageId") and 1 <= number <= total and total > 1):
        raise UnreadableError("no part of a text")
    between = (fields.get(name, "") for name in ("msisdn", "to", "concat-ref"))
    return Part("/".join(between), number, total, fields, original.received_at)


def _count(text: str | None) -> int:
    """Return a number that one octet can hold, as in the network's header; 0 for anything else."""
    return _COUNTS.get(text or "", 0)


JOINER = Joiner(_place, _join)
