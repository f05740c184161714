"""How a parser turns a provider's items into drafts, so that one odd item never harms its neighbours."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cached_property
from typing import TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.contacts import InvalidContactError
from common.core.delivery import DeliveryStatus
from common.core.events import (
    Attachment,
    AttachmentState,
    Authenticity,
    Channel,
    Conversation,
    Direction,
    Message,
    MessageKind,
    MessageStatus,
    Party,
)
from common.core.payloads import UnreadableError, json_value

Item = TypeVar("Item")

_EXTENSIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/heic": "heic",
    "video/mp4": "mp4",
    "video/3gpp": "3gp",
    "video/quicktime": "mov",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/ogg": "ogg",
    "audio/aac": "aac",
    "audio/amr": "amr",
    "application/pdf": "pdf",
    "text/vcard": "vcf",
    "text/x-vcard": "vcf",
}
_SHOWN = ("image", "video", "audio")


class Content(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What somebody said, whoever said it and wherever."""

    kind: MessageKind = MessageKind.MESSAGE
    message_id: str | None = None  # where it is not the delivery's own id
    subject: str | None = None
    text: str | None = None
    text_reply: str | None = None  # without what it quotes, and whom it names first
    language: str | None = None
    attachments: tuple[Attachment, ...] = ()
    target: str | None = None
    in_reply_to: str | None = None
    attributes: Mapping[str, str] = {}


UNSUPPORTED = Content(kind=MessageKind.UNSUPPORTED)

Reader = Callable[[object], Content]


class Exchange(Struct, frozen=True, kw_only=True):
    """Who speaks with whom, in which conversation, in which direction and when (None: not told)."""

    customer: Party
    company: Party
    conversation: str
    direction: Direction = Direction.INBOUND
    time: datetime | None = None


def named(message_id: str | None, heard: str | None = None) -> str | None:
    """Return the id of a message's event or, with what was heard of it, of a status's."""
    return f"{message_id}:{heard}" if message_id and heard else message_id or None


def unnamed(_item: object) -> str | None:
    """Identify nothing: for items that carry no id of their own."""
    return None


def alone(item: object) -> Iterable[object]:
    """Find one item in a body: the whole."""
    return (item,)


class Drafting(Struct, frozen=True, kw_only=True, dict=True):
    """What all drafts of one request share.

    `signature` says how the delivery was verified. `stranger` and `ourselves` are the contacts of
    an item that names nobody.
    """

    original: Original
    account: ChannelAccount
    channel: Channel
    signature: str
    stranger: str
    ourselves: str

    def message(self, provider_id: str, exchange: Exchange, content: Content) -> Draft:
        """Return a message's draft."""
        sender, recipients = _parties(exchange)
        message = Message(
            message_id=content.message_id or provider_id,
            kind=content.kind,
            direction=exchange.direction,
            channel=self.channel,
            provider=self.original.provider,
            account=self.account.account,
            sender=sender,
            recipients=recipients,
            conversation=Conversation(exchange.conversation, content.in_reply_to),
            sent_at=exchange.time,
            received_at=self.original.received_at,
            subject=content.subject,
            text=content.text,
            text_reply=content.text_reply,
            language=content.language,
            attachments=content.attachments,
            authenticity=Authenticity(signature=self.signature),
            target=content.target,
            team=self.account.team,
            attributes=dict(content.attributes),
        )
        time = exchange.time or self.original.received_at
        return Draft(
            provider_id=provider_id, contact=exchange.customer.contact, time=time, data=message
        )

    def status(
        self,
        message_id: str,
        recipient: Party,
        status: DeliveryStatus | None,
        *,
        heard: str,
        time: datetime | None = None,
        error_code: str | None = None,
    ) -> Draft:
        """Return the draft of what became of a message that we sent.

        `heard` is the provider's own word for it: with the message's id it names the event. A word
        that nobody documented (None) is a note of kind `system`: no customer waits for an answer.
        """
        if status is None:
            return self._note(message_id, recipient, heard, time)
        moment = time or self.original.received_at
        data = MessageStatus(
            message_id=message_id,
            status=status,
            channel=self.channel,
            provider=self.original.provider,
            account=self.account.account,
            recipient=recipient,
            occurred_at=moment,
            error_code=error_code,
        )
        return Draft(
            provider_id=f"{message_id}:{heard}",
            contact=recipient.contact,
            time=moment,
            data=data,
        )

    def _note(self, message_id: str, recipient: Party, heard: str, time: datetime | None) -> Draft:
        exchange = Exchange(
            customer=recipient,
            company=Party(self.ourselves),
            conversation=f"{self.ourselves}/{recipient.contact}",
            time=time,
        )
        told = {"event": "status", "status": heard, "message": message_id}
        content = Content(kind=MessageKind.SYSTEM, attributes=told)
        return self.message(f"{message_id}:{heard}", exchange, content)

    def anonymous(self, content: Content, provider_id: str | None = None, part: int = 0) -> Draft:
        """Return the draft of something that names nobody.

        Without an id of its own it is named by the request's bytes, what it says, and its place.
        """
        exchange = Exchange(
            customer=Party(self.stranger),
            company=Party(self.ourselves),
            conversation=f"{self.ourselves}/{self.stranger}",
        )
        return self.message(provider_id or self._name(content, part), exchange, content)

    def _name(self, content: Content, part: int) -> str:
        said = self._body_digest.copy()
        said.update(msgspec.json.encode(content))
        return f"sha256:{said.hexdigest()}:{part}"

    @cached_property
    def _body_digest(self) -> "hashlib._Hash":
        """The digest of the body, begun once: of a body that is all odd items each needs a name."""
        return hashlib.sha256(self.original.body)

    def unsupported(self, provider_id: str | None = None, part: int = 0) -> Draft:
        """Return the draft that stands for something we cannot read; its original is kept."""
        return self.anonymous(UNSUPPORTED, provider_id, part)

    def from_json(
        self,
        items: Callable[[object], Iterable[Item]],
        read: Callable[[Item], Iterable[Draft]],
        identify: Callable[[Item], str | None] = unnamed,
    ) -> tuple[Draft, ...]:
        """Return the drafts of the items in a JSON body; of `alone`, where the body is one item."""
        try:
            found = items(json_value(self.original.body))
        except UnreadableError:
            return (self.unsupported(),)
        return self.each(found, read, identify)

    def each(
        self,
        items: Iterable[Item],
        read: Callable[[Item], Iterable[Draft]],
        identify: Callable[[Item], str | None] = unnamed,
    ) -> tuple[Draft, ...]:
        """Return the drafts of every item; one that cannot be read becomes `unsupported`."""
        drafts: list[Draft] = []
        for part, item in enumerate(items):
            try:
                drafts += read(item)
            except (UnreadableError, InvalidContactError):
                drafts.append(self.unsupported(identify(item), part))
        return tuple(drafts)


def read_content(readers: Mapping[str, Reader], name: str | None, item: object) -> Content:
    """Return what the reader of that name makes of the item.

    It is `unsupported` where the reader cannot, or where nobody knows the name.
    """
    reader = readers.get(name or "")
    try:
        return reader(item) if reader else UNSUPPORTED
    except UnreadableError:
        return UNSUPPORTED


def labelled(content: Content, attributes: Mapping[str, str | None]) -> Content:
    """Return the content with further attributes, those that say something."""
    told = {name: text for name, text in attributes.items() if text}
    return replace(content, attributes={**content.attributes, **told})


def remote(name: str, media_type: str, where: str | None, size: int | None = None) -> Attachment:
    """Return an attachment whose bytes the provider still holds, under a URL or an id of its own.

    Where it names neither, it has lost them.
    """
    return Attachment(
        name=name,
        media_type=media_type,
        state=AttachmentState.REMOTE if where else AttachmentState.REFUSED,
        size=size,
        provider_ref=where,
    )


def media_name(media_type: str, number: int = 1) -> str:
    """Return a name for a file that came without one, e.g. `image-1.jpg`."""
    kind = media_type.partition("/")[0]
    kind = kind if kind in _SHOWN else "file"
    extension = _EXTENSIONS.get(media_type.partition(";")[0].strip().lower())
    return f"{kind}-{number}.{extension}" if extension else f"{kind}-{number}"


def bracketed(label: str, *words: object) -> str:
    """Return the text form of what is no text, e.g. `[スタンプ: うれしい]`."""
    told = " ".join(str(word) for word in words if word)
    return f"[{label}: {told}]" if told else f"[{label}]"


def place_text(*names: str | None, latitude: float | str, longitude: float | str) -> str:
    """Return a place as people read it, e.g. `[位置情報: 東京駅 (35.681236, 139.767125)]`."""
    return bracketed("位置情報", *names, f"({latitude}, {longitude})")


def _parties(exchange: Exchange) -> tuple[Party, tuple[Party, ...]]:
    if exchange.direction is Direction.OUTBOUND:
        return exchange.company, (exchange.customer,)
    return exchange.customer, (exchange.company,)
