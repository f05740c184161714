"""What Messenger and Instagram messages say, and what hangs on them."""

from msgspec import Struct

from common.core.drafting import (
    UNSUPPORTED,
    Content,
    bracketed,
    labelled,
    media_name,
    place_text,
    remote,
)
from common.core.events import Attachment, MessageKind
from common.core.payloads import Id, flattened, text_at, value_at

# Meta's name for a file and what it is; the CDN's answer knows better.
_FILES = {
    "image": "image/*",
    "sticker": "image/*",
    "video": "video/*",
    "audio": "audio/*",
    "file": "application/octet-stream",
}
# Copies on Meta's own servers, gone within days; the picture or film tells itself when fetched.
_COPIES = frozenset(["ig_reel", "story_mention"])
_LABELS = {
    "appointment_booking": "予約",
    "fallback": "リンク",
    "ig_post": "投稿",
    "ig_reel": "リール",
    "post": "投稿",
    "reel": "リール",
    "share": "共有",
    "story_mention": "ストーリーでのメンション",
    "template": "テンプレート",
}


class Message(Struct, frozen=True):
    """A message. `is_echo`: the page's own, whoever sent it."""

    mid: Id
    text: str | None = None
    attachments: list[object] | None = None
    is_echo: bool = False
    is_deleted: bool = False
    is_unsupported: bool = False


class Edit(Struct, frozen=True):
    """Another text for a message, the `num_edit`th."""

    mid: Id
    text: str
    num_edit: int = 1


class Reaction(Struct, frozen=True):
    """A reaction to a message, or its end (`unreact`)."""

    mid: Id
    action: str = "react"
    emoji: str | None = None
    reaction: str | None = None


def message_content(message: Message, told: object) -> Content:
    """Return what a message says; one that was taken back is an `unsend`."""
    if message.is_deleted:
        return Content(kind=MessageKind.UNSEND, target=message.mid)
    if message.is_unsupported:
        return UNSUPPORTED
    shared = [_shared(attachment) for attachment in message.attachments or ()]
    payload = text_at(told, "quick_reply", "payload")
    content = Content(
        kind=MessageKind.POSTBACK if payload else MessageKind.MESSAGE,
        text="\n".join(text for text in (message.text, *shared) if text) or None,
        attachments=_files(message.attachments or []),
        in_reply_to=text_at(told, "reply_to", "mid"),
    )
    return labelled(
        content,
        {
            "payload": payload,
            "story_id": text_at(told, "reply_to", "story", "id"),
            "story_url": text_at(told, "reply_to", "story", "url"),
            "sticker_id": _sticker(message),
            **flattened(value_at(told, "app_id"), "app_id"),
            "metadata": text_at(told, "metadata"),
            **flattened(value_at(told, "referral"), "referral"),
        },
    )


def _sticker(message: Message) -> str | None:
    told = (
        value_at(attachment, "payload", "sticker_id") for attachment in message.attachments or ()
    )
    return next((str(sticker) for sticker in told if sticker), None)


def _files(attachments: list[object]) -> tuple[Attachment, ...]:
    found = []
    for number, attachment in enumerate(attachments, 1):
        media_type = _media_type(text_at(attachment, "type") or "")
        url = text_at(attachment, "payload", "url")
        if media_type and url:
            found.append(remote(media_name(media_type, number), media_type, url))
    return tuple(found)


def _media_type(kind: str) -> str | None:
    return "application/octet-stream" if kind in _COPIES else _FILES.get(kind)


def _shared(attachment: object) -> str | None:
    """Return what is no file as text: a place, a post, a reel, a story, a link."""
    kind = text_at(attachment, "type") or ""
    if kind in _FILES:
        return None
    latitude = value_at(attachment, "payload", "coordinates", "lat")
    longitude = value_at(attachment, "payload", "coordinates", "long")
    if latitude is not None and longitude is not None:
        return place_text(latitude=str(latitude), longitude=str(longitude))
    title = text_at(attachment, "title") or text_at(attachment, "payload", "title")
    url = text_at(attachment, "payload", "url") or text_at(attachment, "url")
    return bracketed(_LABELS.get(kind, "添付"), title, url)
