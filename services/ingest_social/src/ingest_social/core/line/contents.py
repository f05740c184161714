"""What a LINE event says: by the event's type and, within messages, by the content's type."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from msgspec.structs import asdict, replace

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
from common.core.payloads import flattened, shaped, shaped_at, text_at, value_at
from ingest_social.core.line.shapes import Location, Media, Postback, Sticker, Text, Unsend

CONTENT_URL = "https://api-data.line.me/v2/bot/message/{}/content"

# LINE does not say which format it holds; the answer to the download does.
_MEDIA_TYPES = {"image": "image/*", "video": "video/*", "audio": "audio/*"}
_FRAME = frozenset(
    ["type", "webhookEventId", "timestamp", "source", "mode", "replyToken", "deliveryContext"]
)


def content(event_type: str, event: object) -> Content:
    """Return what an event says; a type that LINE adds tomorrow is `unsupported`."""
    return read_content(_EVENTS, event_type, event)


def _message(event: object) -> Content:
    message = value_at(event, "message")
    kind = text_at(message, "type")
    said = read_content(_MESSAGES, kind, message)
    if said.kind is MessageKind.UNSUPPORTED:
        return labelled(replace(said, message_id=text_at(message, "id")), {"message_type": kind})
    return labelled(said, {"mark_as_read_token": text_at(message, "markAsReadToken")})


def _edited(event: object) -> Content:
    said = _message(event)
    kind = said.kind if said.kind is MessageKind.UNSUPPORTED else MessageKind.EDIT
    return replace(said, kind=kind, target=said.message_id, message_id=None)


def _unsent(event: object) -> Content:
    unsent = shaped_at(event, "unsend", Unsend)
    return Content(kind=MessageKind.UNSEND, target=unsent.message_id)


def _postback(event: object) -> Content:
    pressed = shaped_at(event, "postback", Postback)
    return Content(
        kind=MessageKind.POSTBACK,
        attributes={"data": pressed.data, **flattened(pressed.params, "params")},
    )


def _system(event: object) -> Content:
    fields = shaped(event, dict[str, Any])
    told = {name: value for name, value in fields.items() if name not in _FRAME}
    return Content(kind=MessageKind.SYSTEM, attributes={"event": fields["type"], **flattened(told)})


def _consent(kind: MessageKind, event: object) -> Content:
    """Return that somebody became our friend, or blocked us: what LINE calls follow and unfollow."""
    return replace(_system(event), kind=kind)


def _text(message: object) -> Content:
    text = shaped(message, Text)
    said = Content(message_id=text.id, text=text.text, in_reply_to=text.quoted_message_id)
    named = any(mentionee.is_self for mentionee in text.mention.mentionees)
    return labelled(said, {"quote_token": text.quote_token, "mentions_us": "true" if named else ""})


def _sticker(message: object) -> Content:
    sticker = shaped(message, Sticker)
    said = Content(
        message_id=sticker.id,
        text=bracketed("スタンプ", sticker.text or "、".join(sticker.keywords)),
        in_reply_to=sticker.quoted_message_id,
    )
    return labelled(
        said,
        {
            "package_id": sticker.package_id,
            "sticker_id": sticker.sticker_id,
            "quote_token": sticker.quote_token,
        },
    )


def _media(kind: str, message: object) -> Content:
    media = shaped(message, Media)
    media_type = _MEDIA_TYPES.get(kind, "application/octet-stream")
    where = media.content_provider.original_content_url or CONTENT_URL.format(media.id)
    file = remote(media.file_name or media_name(media_type), media_type, where, media.file_size)
    return labelled(
        Content(message_id=media.id, attachments=(file,)),
        {
            "duration_ms": str(media.duration or ""),
            "quote_token": media.quote_token,
            **flattened(media.image_set and asdict(media.image_set), "image_set"),
        },
    )


def _location(message: object) -> Content:
    place = shaped(message, Location)
    return Content(
        message_id=place.id,
        text=place_text(
            place.title, place.address, latitude=place.latitude, longitude=place.longitude
        ),
        attributes={"latitude": str(place.latitude), "longitude": str(place.longitude)},
    )


_MESSAGES: Mapping[str, Reader] = {
    "text": _text,
    "sticker": _sticker,
    "location": _location,
    **{kind: partial(_media, kind) for kind in ("image", "video", "audio", "file")},
}

_EVENTS: Mapping[str, Reader] = {
    "message": _message,
    "messageEdited": _edited,
    "unsend": _unsent,
    "postback": _postback,
    "follow": partial(_consent, MessageKind.OPT_IN),
    "unfollow": partial(_consent, MessageKind.OPT_OUT),
    **dict.fromkeys(
        (
            "join",
            "leave",
            "memberJoined",
            "memberLeft",
            "videoPlayComplete",
            "beacon",
            "accountLink",
            "membership",
            "module",
            "activated",
            "deactivated",
            "botSuspended",
            "botResumed",
            "delivery",
        ),
        _system,
    ),
}
