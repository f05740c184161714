"""What a message of the Messages API says, by its type."""

from collections.abc import Mapping
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from common.core.drafting import (
    Content,
    Reader,
    bracketed,
    labelled,
    media_name,
    place_text,
    read_content,
    remote,
)
from common.core.events import MessageKind
from common.core.keywords import keyword_kind
from common.core.payloads import flattened, shaped, shaped_at, text_at, value_at

# The format is known to whoever downloads the file; the webhook only tells what it is for.
_MEDIA_TYPES = {
    "image": "image/*",
    "audio": "audio/*",
    "video": "video/*",
    "sticker": "image/webp",
    "vcard": "text/vcard",
    "file": "application/octet-stream",
}


class _Text(Struct, frozen=True):
    text: str


class _Reply(Struct, frozen=True):
    id: str = ""
    title: str = ""
    description: str = ""


class _Button(Struct, frozen=True):
    text: str = ""
    payload: str = ""


class _File(Struct, frozen=True):
    url: str
    name: str | None = None
    caption: str | None = None


class _Place(Struct, frozen=True):
    lat: float
    long: float
    name: str | None = None
    address: str | None = None


class _Reaction(Struct, frozen=True):
    action: str = "react"
    emoji: str | None = None


def content(webhook: object) -> Content:
    """Return what the message says; in version 0.1 that is nested."""
    kind, said = text_at(webhook, "message_type"), webhook
    if kind is None:
        said = value_at(webhook, "message", "content")
        kind = text_at(said, "type")
    found = labelled(read_content(_READERS, kind, said), _told_beside(webhook))
    quoted = text_at(webhook, "context", "message_uuid")
    if found.kind is MessageKind.REACTION:
        return replace(found, target=quoted)
    return replace(found, in_reply_to=quoted)


def _told_beside(webhook: object) -> dict[str, str]:
    """Return what is said around a message: its advertisement, network, segments, what it quotes."""
    status = text_at(webhook, "context_status")
    return {
        **({"context_status": status} if status == "unavailable" else {}),
        **flattened(value_at(webhook, "whatsapp", "referral"), "referral"),
        **flattened(value_at(webhook, "origin"), "origin"),
        **flattened(value_at(webhook, "sms"), "sms"),
    }


def _text(message: object) -> Content:
    text = shaped(message, _Text).text
    return Content(kind=keyword_kind(text), text=text)


def _file(kind: str, message: object) -> Content:
    file = shaped_at(message, kind, _File)
    media_type = _MEDIA_TYPES[kind]
    attachment = remote(file.name or media_name(media_type), media_type, file.url)
    return Content(text=file.caption, attachments=(attachment,))


def _place(message: object) -> Content:
    place = shaped_at(message, "location", _Place)
    return Content(
        text=place_text(place.name, place.address, latitude=place.lat, longitude=place.long)
    )


def _reply(message: object) -> Content:
    chosen = shaped_at(message, "reply", _Reply)
    return Content(kind=MessageKind.POSTBACK, text=chosen.title, attributes={"payload": chosen.id})


def _button(message: object) -> Content:
    pressed = shaped_at(message, "button", _Button)
    return Content(
        kind=MessageKind.POSTBACK, text=pressed.text, attributes={"payload": pressed.payload}
    )


def _reaction(message: object) -> Content:
    reaction = shaped_at(message, "reaction", _Reaction)
    return Content(
        kind=MessageKind.REACTION, text=reaction.emoji, attributes={"action": reaction.action}
    )


def _labelled(label: str, name: str, message: object) -> Content:
    return Content(text=bracketed(label), attributes=flattened(value_at(message, name), name))


_READERS: Mapping[str, Reader] = {
    "text": _text,
    "location": _place,
    "reply": _reply,
    "button": _button,
    "reaction": _reaction,
    "contact": partial(_labelled, "連絡先", "contact"),
    "order": partial(_labelled, "注文", "order"),
    **{kind: partial(_file, kind) for kind in _MEDIA_TYPES},
}
