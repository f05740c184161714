"""The generic provider's payload, as docs/generic-provider.md documents it."""

from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.contacts import ContactKind, normalised, scoped_contact
from common.core.delivery import DeliveryStatus
from common.core.drafting import Content, Drafting, Exchange, alone
from common.core.events import (
    Attachment,
    AttachmentState,
    Channel,
    Direction,
    MessageKind,
    Party,
)
from common.core.payloads import Id, UnreadableError, flattened, shaped, text_at
from common.core.times import from_iso


class Person(Struct, frozen=True):
    """Somebody: by a contact that is known elsewhere too, or by an id of the sending system."""

    contact: str | None = None
    id: str | None = None
    name: str | None = None


class File(Struct, frozen=True):
    """A file that lies at a URL."""

    url: str
    name: str = "file"
    media_type: str = "application/octet-stream"
    size: int | None = None
    sha256: str | None = None


class Message(Struct, frozen=True, kw_only=True):
    """`data` of `message.received` and `message.sent`. `id` is the sending system's own."""

    id: Id
    customer: Person
    kind: MessageKind = MessageKind.MESSAGE
    channel: Channel = Channel.APP
    conversation: str | None = None
    subject: str | None = None
    text: str | None = None
    language: str | None = None
    target: str | None = None
    in_reply_to: str | None = None
    attachments: list[File] = []
    attributes: dict[str, Any] = {}


class Status(Struct, frozen=True, kw_only=True):
    """`data` of `message.status`."""

    id: Id
    customer: Person
    status: DeliveryStatus
    channel: Channel = Channel.APP
    error_code: str | None = None


class Payload(Struct, frozen=True):
    """The frame that Standard Webhooks recommends."""

    type: str
    data: dict[str, Any]
    timestamp: str | None = None


def parse(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Return the one message or status of a request."""
    drafts = Drafting(
        original=original,
        account=account,
        channel=Channel.APP,
        signature="standard-webhooks-v1",
        stranger=scoped_contact(ContactKind.APP, account.account, "unknown"),
        ourselves=scoped_contact(ContactKind.APP, account.account),
    )
    return drafts.from_json(alone, partial(_drafts, drafts), _name)


def _drafts(drafts: Drafting, item: object) -> tuple[Draft]:
    payload = shaped(item, Payload)
    if payload.type == "message.status":
        return (_status(drafts, payload),)
    if payload.type not in _DIRECTIONS:
        raise UnreadableError("a type that is not documented")
    return (_message(drafts, payload),)


def _name(item: object) -> str | None:
    return text_at(item, "data", "id")


def _message(drafts: Drafting, payload: Payload) -> Draft:
    told = shaped(payload.data, Message)
    customer = _party(drafts.account, told.customer)
    exchange = Exchange(
        customer=customer,
        company=Party(drafts.ourselves),
        conversation=f"{drafts.ourselves}/{told.conversation or customer.contact}",
        direction=_DIRECTIONS[payload.type],
        time=from_iso(payload.timestamp),
    )
    content = Content(
        kind=told.kind,
        subject=told.subject,
        text=told.text,
        language=told.language,
        target=told.target,
        in_reply_to=told.in_reply_to,
        attachments=tuple(_attachment(file) for file in told.attachments),
        attributes=flattened(told.attributes),
    )
    return replace(drafts, channel=told.channel).message(told.id, exchange, content)


def _status(drafts: Drafting, payload: Payload) -> Draft:
    told = shaped(payload.data, Status)
    return replace(drafts, channel=told.channel).status(
        told.id,
        _party(drafts.account, told.customer),
        told.status,
        heard=told.status,
        time=from_iso(payload.timestamp),
        error_code=told.error_code,
    )


def _party(account: ChannelAccount, person: Person) -> Party:
    """Return who it is. Raises InvalidContactError."""
    if person.contact:
        return Party(normalised(person.contact, account.region), person.name, person.contact)
    return Party(scoped_contact(ContactKind.APP, account.account, person.id or ""), person.name)


def _attachment(file: File) -> Attachment:
    return Attachment(
        name=file.name,
        media_type=file.media_type,
        state=AttachmentState.REMOTE,
        size=file.size,
        sha256=file.sha256,
        provider_ref=file.url,
    )


_DIRECTIONS = {"message.received": Direction.INBOUND, "message.sent": Direction.OUTBOUND}
