"""A text message or a receipt as a message centre delivers it.

An original holds the PDUs of one message one after another: one, or the parts of a long message in
the order of their arrival.
"""

from collections.abc import Sequence
from functools import partial
from itertools import groupby

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.drafting import UNSUPPORTED, Content, Drafting, labelled
from common.core.keywords import keyword_kind
from common.core.payloads import UnreadableError
from common.core.signatures import sha256_hex
from common.core.text import clean
from ingest_sms.core.concatenation import GAP, Assembly, Part, assembled
from ingest_sms.core.smpp.alphabets import decoder
from ingest_sms.core.smpp.gsm import Shifts
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
        _content(parts.runs(), drafts.account),
        {"parts": str(parts.total) if parts.total > 1 else "", "missing_parts": missing},
    )
    return (drafts.message(_name(drafts, parts), exchange(customer, company), said),)


def _content(runs: Sequence[Sequence[Delivery]], account: ChannelAccount) -> Content:
    texts = [_text(run, account) for run in runs]
    if None in texts:
        return _unreadable([pdu for run in runs for pdu in run])
    text = clean(GAP.join(text for text in texts if text is not None))
    return Content(kind=keyword_kind(text), text=text)


def _text(run: Sequence[Delivery], account: ChannelAccount) -> str | None:
    """Return the text of neighbouring parts, None where it is none.

    A character may be cut between parts of one coding; a telephone may choose one for each part.
    """
    default = account.options.get("default_alphabet", "gsm")
    texts = []
    for (data_coding, shifts), parts in groupby(run, _coding):
        decode = decoder(data_coding, default, shifts)
        if decode is None:
            return None
        texts.append(decode(b"".join(segment(pdu).text for pdu in parts)))
    return "".join(texts)


def _coding(pdu: Delivery) -> tuple[int, Shifts]:
    return pdu.data_coding, segment(pdu).shifts


def _unreadable(pdus: Sequence[Delivery]) -> Content:
    octets, (data_coding, shifts) = [segment(pdu).text for pdu in pdus], _coding(pdus[0])
    told = {"data_coding": f"0x{data_coding:02x}", "data": b"".join(octets).hex()}
    language = str(shifts.locking or "")
    return labelled(UNSUPPORTED, {**told, "shift_language": language})


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
