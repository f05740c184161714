"""Parts of long messages among PDUs, and what makes two deliveries the same PDU."""

from collections.abc import Sequence

from msgspec.structs import replace

from common.core.adapters import Original
from common.core.payloads import UnreadableError
from common.core.signatures import sha256_hex
from ingest_sms.core.joining import Joiner, Place
from ingest_sms.core.smpp.parser import part
from ingest_sms.core.smpp.pdu import HEADER_BYTES, deliveries
from ingest_sms.core.smpp.receipts import is_receipt


def fingerprint(pdu: bytes) -> str:
    """Return what is equal in every delivery of a PDU: all but its header, which has the sequence number."""
    return sha256_hex(pdu[HEADER_BYTES:])


def speaker(pdu: bytes) -> str:
    """Return who wrote a PDU, and "" for one that cannot be read: what he writes stays in order."""
    try:
        first = next(deliveries(pdu), None)
    except UnreadableError:
        return ""
    return first.source.digits if first else ""


def _place(original: Original) -> Place | None:
    try:
        found = list(deliveries(original.body))
    except UnreadableError:
        return None
    if len(found) != 1 or is_receipt(found[0]):
        return None
    placed = part(found[0], original)
    if placed.total == 1:
        return None
    return Place(placed.series, placed.number, placed.total, fingerprint(original.body))


def _join(originals: Sequence[Original]) -> Original:
    return replace(originals[0], body=b"".join(original.body for original in originals))


JOINER = Joiner(_place, _join)
