"""Vonage's SMS API: incoming messages and delivery receipts ("Inbound SMS", "Delivery receipts").

A long message arrives in parts, each with an id of its own; what joins them is in the attributes
`part`, `parts` and `parts_reference`.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import partial

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.delivery import DeliveryStatus
from common.core.drafting import UNSUPPORTED, Content, Drafting, labelled, named
from common.core.events import Party
from common.core.keywords import keyword_kind
from common.core.payloads import UnreadableError
from common.core.text import clean
from common.core.times import from_iso
from ingest_sms.core.texting import company_party, drafting, exchange, international, number_party
from ingest_sms.core.vonage.parameters import parameters

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

Fields = Mapping[str, str]


def parse(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Return the message, part or delivery receipt of one request."""
    drafts = drafting(original, account, "vonage-signature")
    try:
        found = parameters(original)
    except UnreadableError:
        return (drafts.unsupported(),)
    fields = {clean(name): clean(value) for name, value in found.items()}
    return drafts.each([fields], partial(_drafts, drafts), _name)


def _drafts(drafts: Drafting, fields: Fields) -> tuple[Draft]:
    message_id = _id(fields)
    if message_id is None:
        raise UnreadableError("neither a message nor a receipt")
    customer = number_party(international(fields.get("msisdn", "")), drafts.account)
    time = from_iso(fields.get("message-timestamp"))
    if "status" in fields:
        return (_receipt(drafts, fields, message_id, customer, time),)
    company = company_party(fields.get("to"), drafts.account)
    return (drafts.message(message_id, exchange(customer, company, time), _content(fields)),)


def _receipt(
    drafts: Drafting, fields: Fields, message_id: str, customer: Party, time: datetime | None
) -> Draft:
    word, code = fields["status"], fields.get("err-code", "0")
    return drafts.status(
        message_id,
        customer,
        _STATUSES.get(word),
        heard=word,
        time=time,
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
