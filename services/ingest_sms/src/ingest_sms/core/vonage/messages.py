"""Vonage's Messages API: SMS, MMS, WhatsApp, Messenger, Viber and RCS in one shape.

Shapes by the Messages API specification, version 1 and the nested ones of version 0.1.
"""

from functools import partial
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.contacts import ContactKind, scoped_contact
from common.core.delivery import DeliveryStatus
from common.core.drafting import Drafting, alone, labelled, named
from common.core.events import Channel, Party
from common.core.payloads import Id, flattened, shaped, text_at
from common.core.times import from_iso
from ingest_sms.core.texting import (
    company_party,
    drafting,
    exchange,
    international,
    number_party,
    whatsapp_party,
)
from ingest_sms.core.vonage.contents import content

_CHANNELS = {
    "whatsapp": Channel.WHATSAPP,
    "messenger": Channel.MESSENGER,
    "viber_service": Channel.APP,
}
_STATUSES = {
    "submitted": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.READ,
    "rejected": DeliveryStatus.FAILED,
    "undeliverable": DeliveryStatus.FAILED,
}


class Webhook(Struct, frozen=True):
    """What messages and statuses share. Version 0.1 nests addresses and content."""

    message_uuid: Id
    sender: Any = field(name="from", default=None)
    to: Any = None
    timestamp: str | None = None
    channel: str | None = None
    status: str | None = None
    profile: Any = None


def parse(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Return the message or status of one request."""
    drafts = drafting(original, account, "vonage-jwt-hs256")
    return drafts.from_json(alone, partial(_drafts, drafts), _name)


def _drafts(drafts: Drafting, value: object) -> tuple[Draft]:
    webhook = shaped(value, Webhook)
    theirs, ours = webhook.sender, webhook.to
    if webhook.status is not None:
        theirs, ours = ours, theirs
    channel = webhook.channel or text_at(theirs, "type")
    drafts = replace(drafts, channel=_CHANNELS.get(channel or "", Channel.SMS))
    customer, company = _parties(drafts, theirs, ours)
    if webhook.status is not None:
        return (_status(drafts, webhook, customer, value),)
    customer = replace(customer, name=text_at(webhook.profile, "name"))
    said = labelled(content(value), {"username": text_at(webhook.profile, "username")})
    time = from_iso(webhook.timestamp)
    return (drafts.message(webhook.message_uuid, exchange(customer, company, time), said),)


def _status(drafts: Drafting, webhook: Webhook, customer: Party, value: object) -> Draft:
    word = webhook.status or ""
    details = flattened(value)
    return drafts.status(
        webhook.message_uuid,
        customer,
        _STATUSES.get(word),
        heard=word,
        time=from_iso(webhook.timestamp),
        error_code=details.get("error.title") or details.get("error.code"),
    )


def _parties(drafts: Drafting, theirs: object, ours: object) -> tuple[Party, Party]:
    """Return the customer and us; Messenger's ids are unique within our page only."""
    customer, company = _address(theirs), _address(ours)
    if drafts.channel is Channel.MESSENGER:
        page = partial(scoped_contact, ContactKind.META, company)
        return Party(page(customer)), Party(page(company))
    if drafts.channel is Channel.WHATSAPP:
        them = whatsapp_party(customer, drafts.account)
    else:
        them = number_party(international(customer), drafts.account)
    return them, company_party(company, drafts.account)


def _address(value: object) -> str:
    if isinstance(value, str):
        return value
    return text_at(value, "number") or text_at(value, "id") or ""


def _name(value: object) -> str | None:
    return named(text_at(value, "message_uuid"), text_at(value, "status"))
