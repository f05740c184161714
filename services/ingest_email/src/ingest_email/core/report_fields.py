"""The machine-readable parts of reports, all of them blocks of header fields.

Delivery status (RFC 3464), feedback (RFC 5965) and disposition (RFC 8098).
"""

import re
from collections.abc import Iterator

from msgspec import Struct

from ingest_email.core.cleaning import one_line
from ingest_email.core.headers import Headers, read_headers
from ingest_email.core.limits import ATTRIBUTE_CHARACTERS, HEADER_BLOCK_BYTES
from ingest_email.core.tree import Part
from ingest_email.core.words import decode_header

DELIVERY_STATUS = ("message/delivery-status", "message/global-delivery-status")
FEEDBACK = ("message/feedback-report",)
DISPOSITION = ("message/disposition-notification", "message/global-disposition-notification")
RETURNED = ("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers")

_EMPTY_LINES = re.compile(rb"\n{2,}")
_MAX_BLOCKS = 100


class Delivery(Struct, frozen=True):
    """What became of a mail at one recipient. Any of it may be empty."""

    recipient: str = ""
    action: str = ""
    status: str = ""
    diagnostic: str = ""


def leaves(part: Part) -> Iterator[Part]:
    """Yield the parts that hold something, in the mail's order."""
    if not part.children:
        yield part
    for child in part.children:
        yield from leaves(child)


def find_leaf(root: Part, media_types: tuple[str, ...]) -> Part | None:
    """Return the first part of one of these types."""
    return next((part for part in leaves(root) if part.media_type in media_types), None)


def read_deliveries(part: Part) -> tuple[Delivery, ...]:
    """Return the recipients of a delivery status, those that failed first.

    The first block speaks of the whole mail, each further one of a recipient (RFC 3464 §2.1).
    """
    found = [_delivery(block) for block in _blocks(part) if _names_recipient(block)]
    return tuple(sorted(found, key=lambda delivery: delivery.action != "failed"))


def read_fields(part: Part) -> Headers:
    """Return all fields of a report together."""
    return Headers(tuple(field for block in _blocks(part) for field in block.fields))


def typed_address(raw: bytes) -> str:
    """Return the address in `rfc822; taro@example.jp`."""
    kind, semicolon, address = _text(raw).partition(";")
    return (address if semicolon else kind).strip(" <>")


def returned_headers(root: Part) -> Headers | None:
    """Return the headers of the mail that a report sends back.

    Some gateways leave out the part's own headers, so that the mail's headers stand in their place.
    """
    part = find_leaf(root, RETURNED)
    if part:
        return read_headers(part.content().lstrip(b"\r\n"), 0)[0]
    bare = (child for child in root.children if child.headers.has("message-id"))
    return next((child.headers for child in bare), None)


def _blocks(part: Part) -> list[Headers]:
    raw = part.beginning(HEADER_BLOCK_BYTES).replace(b"\r\n", b"\n").strip(b"\n")
    blocks = _EMPTY_LINES.split(raw, maxsplit=_MAX_BLOCKS)[:_MAX_BLOCKS]
    return [read_headers(block, 0)[0] for block in blocks]


def _names_recipient(block: Headers) -> bool:
    return block.has("final-recipient") or block.has("original-recipient")


def _delivery(block: Headers) -> Delivery:
    # The original recipient is whom we wrote to; the final one may be an alias of its own system's.
    written_to = typed_address(block.get("original-recipient"))
    return Delivery(
        recipient=written_to if "@" in written_to else typed_address(block.get("final-recipient")),
        action=_text(block.get("action")).partition(" ")[0].lower(),
        status=_text(block.get("status")).partition(" ")[0],
        diagnostic=_text(block.get("diagnostic-code")),
    )


def _text(raw: bytes) -> str:
    return one_line(decode_header(raw), ATTRIBUTE_CHARACTERS)
