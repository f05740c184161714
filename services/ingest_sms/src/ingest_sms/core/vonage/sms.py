"""Vonage's SMS API: incoming messages and delivery receipts ("Inbound SMS", "Delivery receipts").

A long message arrives in parts, each with an id of its own. Joined by the edge, it is named by the
part that came first; a part that is read alone tells its place in `part`, `parts` and `parts_reference`.
"""

from functools import partial

from msgspec.structs import replace

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.delivery import DeliveryStatus
from common.core.drafting import UNSUPPORTED, Content, Drafting, Exchange, labelled, named
from common.core.keywords import keyword_kind
from common.core.payloads import UnreadableError
from common.core.times import from_iso
from ingest_sms.core.concatenation import GAP, Assembly, assembled
from ingest_sms.core.texting import company_party, drafting, exchange, international, number_party
from ingest_sms.core.vonage.parts import JOINED, Fields, fields_of, parts_of

_STATUSES = {
    "unknown": DeliveryStatus.QUEUED,  # nothing more is known than that we sent it
    "buffered": DeliveryStatus.SENT,
    "accepted": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "expired": DeliveryStatus.FAILED,
    "failed": DeliveryStatus.FAILED,
    "rejected": DeliveryStatus.FAILED,
}
_ATTRIBUTES = {
    "keyword": "keyword",
    "concat-ref": "parts_reference",
    "concat-total": "parts",
    "concat-part": "part",
    "udh": "user_data_header",
    "data": "data",
}


def parse(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Return the message, part or delivery receipt of one request."""
    drafts = drafting(original, account, "vonage-signature")
    if original.method == JOINED:
        (parts,) = assembled(parts_of(original))
        return drafts.each([parts.first.content], partial(_joined, drafts, parts), _name)
    try:
        fields = fields_of(original)
    except UnreadableError:
        return (drafts.unsupported(),)
    return drafts.each([fields], partial(_drafts, drafts), _name)


def _joined(drafts: Drafting, parts: Assembly[Fields], first: Fields) -> tuple[Draft]:
    runs = ("".join(fields.get("text", "") for fields in run) for run in parts.runs())
    said = _content({**first, "text": GAP.join(runs)})
    missing = ", ".join(str(number) for number in parts.missing)
    told = {name: text for name, text in said.attributes.items() if name not in ("part", "keyword")}
    said = labelled(replace(said, attributes=told), {"missing_parts": missing})
    return (drafts.message(first["messageId"], _exchange(drafts, first), said),)


def _exchange(drafts: Drafting, fields: Fields) -> Exchange:
    customer = number_party(international(fields.get("msisdn", "")), drafts.account)
    company = company_party(fields.get("to"), drafts.account)
    return exchange(customer, company, from_iso(fields.get("message-timestamp")))


def _drafts(drafts: Drafting, fields: Fields) -> tuple[Draft]:
    message_id = _id(fields)
    if message_id is None:
        raise UnreadableError("neither a message nor a receipt")
    if "status" in fields:
        return (_receipt(drafts, fields, message_id),)
    return (drafts.message(message_id, _exchange(drafts, fields), _content(fields)),)


def _receipt(drafts: Drafting, fields: Fields, message_id: str) -> Draft:
    customer = number_party(international(fields.get("msisdn", "")), drafts.account)
    word, code = fields["status"], fields.get("err-code", "0")
    return drafts.status(
        message_id,
        customer,
        _STATUSES.get(word),
        heard=word,
        time=from_iso(fields.get("message-timestamp")),
        error_code=None if code == "0" else code,
    )


def _content(fields: Fields) -> Content:
    told = {label: fields.get(name) for name, label in _ATTRIBUTES.items()}
    if fields.get("type") == "binary":
        return labelled(UNSUPPORTED, told)
    text = fields.get("text")
    kind = keyword_kind(text)
    return labelled(Content(kind=kind, text=text), told)


def _name(fields: Fields) -> str | None:
    return named(_id(fields), fields.get("status"))


def _id(fields: Fields) -> str | None:
    return fields.get("messageId") or None
