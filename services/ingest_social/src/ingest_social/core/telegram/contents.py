"""What a Telegram message says: by the member that holds its content."""

from collections.abc import Iterator, Mapping
from functools import partial

from msgspec.structs import replace

from common.core.drafting import (
    UNSUPPORTED,
    Content,
    Reader,
    bracketed,
    media_name,
    place_text,
    read_content,
    remote,
)
from common.core.events import Attachment, MessageKind
from common.core.payloads import (
    UnreadableError,
    flattened,
    items_at,
    shaped,
    shaped_at,
    text_at,
    value_at,
)
from ingest_social.core.telegram.shapes import Contact, File, Location, Sticker, Venue

# What a file of a kind is where Telegram does not say.
_MEDIA_TYPES = {
    "photo": "image/jpeg",
    "live_photo": "video/mp4",
    "animation": "video/mp4",
    "video": "video/mp4",
    "video_note": "video/mp4",
    "audio": "audio/mpeg",
    "voice": "audio/ogg",
    "document": "application/octet-stream",
    "sticker": "image/webp",
}
_SERVICE = (
    "new_chat_members",
    "left_chat_member",
    "new_chat_title",
    "new_chat_photo",
    "delete_chat_photo",
    "group_chat_created",
    "supergroup_chat_created",
    "channel_chat_created",
    "message_auto_delete_timer_changed",
    "migrate_to_chat_id",
    "migrate_from_chat_id",
    "pinned_message",
    "users_shared",
    "chat_shared",
    "write_access_allowed",
    "successful_payment",
    "refunded_payment",
    "forum_topic_created",
    "forum_topic_edited",
    "forum_topic_closed",
    "forum_topic_reopened",
    "video_chat_started",
    "video_chat_ended",
    "chat_owner_left",
    "chat_owner_changed",
    "connected_website",
    "giveaway_created",
    "direct_message_price_changed",
)
_DEEPEST = 20  # levels of a rich message
_LABELS = {
    "story": "ストーリー",
    "game": "ゲーム",
    "invoice": "請求",
    "paid_media": "有料メディア",
    "giveaway": "プレゼント企画",
    "gift": "ギフト",
}


def content(message: object) -> Content:
    """Return what a message says; what nobody documented yet is `unsupported`."""
    name = next((name for name in _READERS if value_at(message, name) is not None), None)
    if name is None:
        return _service(message)
    said = read_content(_READERS, name, message)
    if said is UNSUPPORTED:
        return said
    return replace(
        said, text="\n".join(filter(None, (said.text, text_at(message, "caption")))) or None
    )


def _service(message: object) -> Content:
    told = {name: value_at(message, name) for name in _SERVICE}
    happened = {name: value for name, value in told.items() if value is not None}
    if not happened:
        return UNSUPPORTED
    attributes = {"event": next(iter(happened)), **flattened(happened)}
    return Content(kind=MessageKind.SYSTEM, attributes=attributes)


def _text(message: object) -> Content:
    return Content(text=shaped_at(message, "text", str))


def _file(kind: str, message: object) -> Content:
    return Content(attachments=(_attachment(kind, shaped_at(message, kind, File)),))


def _photo(message: object) -> Content:
    """Return the largest of the sizes, which is the last."""
    sizes = items_at(message, "photo")
    if not sizes:
        raise UnreadableError("a photo without a size")
    return Content(attachments=(_attachment("photo", shaped(sizes[-1], File)),))


def _live_photo(message: object) -> Content:
    """Return the photo and the film that it is cut from; older clients get the photo alone."""
    film = _attachment("live_photo", shaped_at(message, "live_photo", File))
    sizes = items_at(message, "live_photo", "photo") or items_at(message, "photo")
    still = [_attachment("photo", shaped(size, File)) for size in sizes[-1:]]
    return Content(attachments=(*still, film))


def _sticker(message: object) -> Content:
    sticker = shaped_at(message, "sticker", Sticker)
    return Content(
        text=bracketed("スタンプ", sticker.emoji), attachments=(_attachment("sticker", sticker),)
    )


def _attachment(kind: str, file: File) -> Attachment:
    media_type = file.mime_type or _MEDIA_TYPES[kind]
    name = file.file_name or media_name(media_type)
    return remote(name, media_type, f"file_id:{file.file_id}", file.file_size)


def _location(message: object) -> Content:
    point = shaped_at(message, "location", Location)
    return Content(text=place_text(latitude=point.latitude, longitude=point.longitude))


def _venue(message: object) -> Content:
    venue = shaped_at(message, "venue", Venue)
    point = venue.location
    return Content(
        text=place_text(
            venue.title, venue.address, latitude=point.latitude, longitude=point.longitude
        )
    )


def _contact(message: object) -> Content:
    contact = shaped_at(message, "contact", Contact)
    words = (contact.first_name, contact.last_name, contact.phone_number)
    return Content(text=bracketed("連絡先", *words))


def _poll(message: object) -> Content:
    poll = value_at(message, "poll")
    return Content(
        text=bracketed("投票", text_at(poll, "question")), attributes=flattened(poll, "poll")
    )


def _dice(message: object) -> Content:
    dice = value_at(message, "dice")
    return Content(text=bracketed("サイコロ", text_at(dice, "emoji"), value_at(dice, "value")))


def _labelled(name: str, message: object) -> Content:
    told = value_at(message, name)
    return Content(
        text=bracketed(_LABELS[name], text_at(told, "title")), attributes=flattened(told, name)
    )


def _checklist(message: object) -> Content:
    told = value_at(message, "checklist")
    lines = (text_at(task, "text") for task in items_at(told, "tasks"))
    title = bracketed("チェックリスト", text_at(told, "title"))
    return Content(text="\n".join([title, *(f"・{line}" for line in lines if line)]))


def _rich(message: object) -> Content:
    """Return the words of a message with headings and tables, a line for each of its texts."""
    lines = list(_texts(value_at(message, "rich_message")))
    if not lines:
        raise UnreadableError("a rich message without a word")
    return Content(text="\n".join(lines))


def _texts(value: object, depth: int = _DEEPEST, *, said: bool = False) -> Iterator[str]:
    if said and isinstance(value, str):
        yield value
    elif depth and isinstance(value, dict):
        for name, part in value.items():
            yield from _texts(part, depth - 1, said=name == "text")
    elif depth and isinstance(value, list):
        for part in value:
            yield from _texts(part, depth - 1, said=said)


def _form(message: object) -> Content:
    """Return what somebody sent from a web app of ours, opened by a button."""
    data = text_at(message, "web_app_data", "data")
    button = text_at(message, "web_app_data", "button_text")
    return Content(kind=MessageKind.POSTBACK, text=button, attributes={"payload": data or ""})


# A venue also fills `location`, an animation `document`, a live photo `photo`: the fuller one comes first.
_READERS: Mapping[str, Reader] = {
    "text": _text,
    "live_photo": _live_photo,
    "photo": _photo,
    "sticker": _sticker,
    "venue": _venue,
    "location": _location,
    "contact": _contact,
    "poll": _poll,
    "dice": _dice,
    "rich_message": _rich,
    "checklist": _checklist,
    "web_app_data": _form,
    **{name: partial(_labelled, name) for name in _LABELS},
    **{
        kind: partial(_file, kind)
        for kind in ("animation", "video", "video_note", "audio", "voice", "document")
    },
}
