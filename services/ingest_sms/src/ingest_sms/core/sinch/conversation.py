"""Sinch's Conversation API: many channels in one shape ("Conversation API callbacks")."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.contacts import ContactKind, scoped_contact
from common.core.delivery import DeliveryStatus
from common.core.drafting import Content, Drafting, alone
from common.core.events import Channel, Direction, MessageKind, Party
from common.core.payloads import Id, UnreadableError, flattened, shaped, text_at, value_at
from common.core.times import from_iso
from ingest_sms.core.sinch.conversation_contents import content
from ingest_sms.core.texting import (
    company_party,
    drafting,
    exchange,
    international,
    number_party,
    whatsapp_party,
)

_CHANNELS = {
    "SMS": Channel.SMS,
    "MMS": Channel.SMS,
    "RCS": Channel.SMS,
    "WHATSAPP": Channel.WHATSAPP,
    "MESSENGER": Channel.MESSENGER,
    "INSTAGRAM": Channel.INSTAGRAM,
    "TELEGRAM": Channel.TELEGRAM,
    "LINE": Channel.LINE,
}
_APP_SCOPED = {
    "MESSENGER": ContactKind.META,
    "INSTAGRAM": ContactKind.META,
    "LINE": ContactKind.LINE,
}
_FRAME = frozenset(
    [
        "app_id",
        "project_id",
        "accepted_time",
        "event_time",
        "message_metadata",
        "correlation_id",
    ]
)
_BY_NUMBER = frozenset(["SMS", "MMS", "RCS", "VIBERBM"])
_STATUSES = {
    "QUEUED_ON_CHANNEL": DeliveryStatus.SENT,
    "DELIVERED": DeliveryStatus.DELIVERED,
    "READ": DeliveryStatus.READ,
    "FAILED": DeliveryStatus.FAILED,
    "SWITCHING_CHANNEL": DeliveryStatus.QUEUED,  # it failed there and is tried elsewhere
}


class Identity(Struct, frozen=True):
    """Who somebody is on a channel; app-scoped channels name the app."""

    channel: str = ""
    identity: str = ""
    app_id: str = ""


class Incoming(Struct, frozen=True):
    """A message. `TO_CONTACT` is our own, sent by another system."""

    id: Id
    direction: str = "TO_APP"
    channel_identity: Identity = Identity()
    contact_id: str = ""
    sender_id: str | None = None


class Submission(Struct, frozen=True):
    """Our message was handed over."""

    message_id: Id
    channel_identity: Identity = Identity()
    contact_id: str = ""


class Report(Submission, frozen=True, kw_only=True):
    """What became of our message."""

    status: str


class Consent(Struct, frozen=True):
    """Somebody's wish about our messages on a channel, and what became of it there."""

    status: str
    channel: str = ""
    identity: str = ""
    contact_id: str = ""
    request_id: str = ""


def parse(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Return the message or status of one request; other notifications are of kind `system`."""
    drafts = drafting(original, account, "sinch-hmac-sha256")
    return drafts.from_json(alone, partial(_drafts, drafts))


def _drafts(drafts: Drafting, event: object) -> tuple[Draft]:
    for name, read in _EVENTS.items():
        if told := value_at(event, name):
            time = from_iso(text_at(event, "event_time")) or from_iso(
                text_at(event, "accepted_time")
            )
            return (read(drafts, told, time),)
    system = {
        name: told for name, told in shaped(event, dict[str, Any]).items() if name not in _FRAME
    }
    if not system:
        raise UnreadableError("an event that tells nothing")
    return (drafts.anonymous(Content(kind=MessageKind.SYSTEM, attributes=flattened(system))),)


def _message(drafts: Drafting, item: object, time: datetime | None) -> Draft:
    message = shaped(item, Incoming)
    drafts = _on_channel(drafts, message.channel_identity)
    customer = _customer(drafts.account, message.channel_identity, message.contact_id)
    company = company_party(message.sender_id, drafts.account)
    outbound = message.direction == "TO_CONTACT"
    parties = replace(
        exchange(customer, company, time),
        direction=Direction.OUTBOUND if outbound else Direction.INBOUND,
    )
    return drafts.message(message.id, parties, content(value_at(item, "contact_message")))


def _report(drafts: Drafting, item: object, time: datetime | None) -> Draft:
    report = shaped(item, Report)
    return _on_channel(drafts, report.channel_identity).status(
        report.message_id,
        _customer(drafts.account, report.channel_identity, report.contact_id),
        _STATUSES.get(report.status),
        heard=report.status,
        time=time,
        error_code=text_at(item, "reason", "code"),
    )


def _submitted(drafts: Drafting, item: object, time: datetime | None) -> Draft:
    report = shaped(item, Submission)
    return _on_channel(drafts, report.channel_identity).status(
        report.message_id,
        _customer(drafts.account, report.channel_identity, report.contact_id),
        DeliveryStatus.QUEUED,
        heard="submitted",
        time=time,
    )


def _consent(kind: MessageKind, drafts: Drafting, item: object, time: datetime | None) -> Draft:
    """Return that somebody stopped or started at the channel's own switch, if that went well."""
    told = shaped(item, Consent)
    identity = Identity(told.channel, told.identity)
    drafts = _on_channel(drafts, identity)
    customer = _customer(drafts.account, identity, told.contact_id)
    done = told.status.endswith("_SUCCEEDED")
    said = Content(
        kind=kind if done else MessageKind.SYSTEM,
        attributes={"event": "consent", "status": told.status},
    )
    parties = exchange(customer, company_party(None, drafts.account), time)
    moment = time or drafts.original.received_at
    name = told.request_id or f"{customer.contact}:{told.status}:{moment.isoformat()}"
    return drafts.message(name, parties, said)


def _on_channel(drafts: Drafting, identity: Identity) -> Drafting:
    return replace(drafts, channel=_CHANNELS.get(identity.channel, Channel.APP))


def _customer(account: ChannelAccount, identity: Identity, contact_id: str) -> Party:
    """Return who it is on the channel; where that is not told, who it is in Sinch's address book."""
    who, channel = identity.identity, identity.channel
    if not who:
        return Party(scoped_contact(ContactKind.APP, "sinch", contact_id))
    if channel == "WHATSAPP":
        return whatsapp_party(who, account)
    if channel in _BY_NUMBER:
        return number_party(international(who), account)
    if channel == "TELEGRAM":
        return Party(scoped_contact(ContactKind.TELEGRAM, who))
    if channel in _APP_SCOPED:
        return Party(scoped_contact(_APP_SCOPED[channel], identity.app_id or account.account, who))
    return Party(scoped_contact(ContactKind.APP, channel.lower() or "sinch", who))


_EVENTS: Mapping[str, Callable[[Drafting, object, datetime | None], Draft]] = {
    "message": _message,
    "message_delivery_report": _report,
    "message_submit_notification": _submitted,
    "opt_in_notification": partial(_consent, MessageKind.OPT_IN),
    "opt_out_notification": partial(_consent, MessageKind.OPT_OUT),
}
