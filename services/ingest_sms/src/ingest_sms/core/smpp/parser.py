"""A text message or a receipt as a message centre delivers it.

An original holds the PDUs of one message one after another: one, or the parts of a long message in
the order of their arrival.
"""

from collections.abc import Sequence
from functools import partial

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.drafting import Content, Drafting, labelled
from common.core.events import MessageKind
from common.core.keywords import keyword_kind
from common.core.payloads import UnreadableError
from common.core.signatures import sha256_hex
from common.core.text import clean
from ingest_sms.core.concatenation import GAP, Assembly, Part, assembled
from ingest_sms.core.smpp.alphabets import decoder
from ingest_sms.core.smpp.pdu import Delivery, deliveries
from ingest_sms.core.smpp.receipts import is_receipt, receipt
from ingest_sms.core.smpp.segments import segment
from ingest_sms.core.texting import drafting, exchange, international, number_party


def parse(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Return the message or receipt in an original's PDUs."""
    drafts = drafting(original, account, "smpp-bind")
    try:
        found = list(deliveries(original.body))
    except UnreadableError:
        return (drafts.unsupported(),)
    receipts = [pdu for pdu in found if is_receipt(pdu)]
    messages = assembled(part(pdu, original) for pdu in found if not is_receipt(pdu))
    return (
        *drafts.each(receipts, partial(_receipt, drafts)),
        *drafts.each(messages, partial(_message, drafts)),
    )


def part(pdu: Delivery, original: Original) -> Part[Delivery]:
    """Return the place of a PDU in its message; the series is unique while the message is awaited."""
    placed = segment(pdu)
    series = f"{pdu.source.digits}/{pdu.destination.digits}/{placed.reference}"
    return Part(series, placed.number, placed.total, pdu, original.received_at)


def _message(drafts: Drafting, parts: Assembly[Delivery]) -> tuple[Draft]:
    first = parts.parts[0].content
    customer = number_party(international(first.source.written), drafts.account)
    company = number_party(international(first.destination.written), drafts.account)
    missing = ", ".join(str(number) for number in parts.missing)
    said = labelled(
        _content(first.data_coding, parts.runs(), drafts.account),
        {"parts": str(parts.total) if parts.total > 1 else "", "missing_parts": missing},
    )
    return (drafts.message(_name(drafts, parts), exchange(customer, company), said),)


def _content(
    data_coding: int, runs: Sequence[Sequence[Delivery]], account: ChannelAccount
) -> Content:
    octets = [b"".join(segment(pdu).text for pdu in run) for run in runs]
    decode = decoder(data_coding, account.options.get("default_alphabet", "gsm"))
    if decode is None:
        told = {"data_coding": f"0x{data_coding:02x}", "data": b"".join(octets).hex()}
        return Content(kind=MessageKind.UNSUPPORTED, attributes=told)
    text = clean(GAP.join(decode(run) for run in octets))
    return Content(kind=keyword_kind(text), text=text)


def _name(drafts: Drafting, parts: Assembly[Delivery]) -> str:
    """Return an id: SMPP has none, and the same words may be sent again at another time.

    A long message is named by the part that came first, so that it keeps its name when it goes on
    incomplete, that is interrupted, and another part comes before it is tried again.
    """
    octets = parts.first.content.content
    return f"{parts.series}:{sha256_hex(octets)}:{drafts.original.received_at.isoformat()}"


def _receipt(drafts: Drafting, pdu: Delivery) -> tuple[Draft]:
    told = receipt(pdu)
    return (
        drafts.status(
            told.message_id,
            number_party(international(pdu.source.written), drafts.account),
            told.status,
            heard=str(told.state),
            error_code=told.error_code,
        ),
    )
