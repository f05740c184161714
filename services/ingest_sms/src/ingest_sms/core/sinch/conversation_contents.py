"""What a contact's message of the Conversation API says, by the member that holds its content."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from common.core.drafting import (
    UNSUPPORTED,
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
from common.core.payloads import flattened, shaped, text_at, value_at


class Coordinates(Struct, frozen=True):
    """A point on the map, in degrees."""

    latitude: float
    longitude: float


class Place(Struct, frozen=True):
    """A place."""

    coordinates: Coordinates
    title: str | None = None
    label: str | None = None


class Media(Struct, frozen=True):
    """A file, for cards with a caption."""

    url: str
    caption: str | None = None
    filename_override: str | None = None


class Choice(Struct, frozen=True):
    """A button of `message_id` that was pressed."""

    postback_data: str
    message_id: str | None = None


class Text(Struct, frozen=True):
    """A text."""

    text: str


def content(message: object) -> Content:
    """Return what a message says; a kind that Sinch adds tomorrow is `unsupported`."""
    kind = next((name for name in _CONTENTS if value_at(message, name)), None)
    said = read_content(_CONTENTS, kind, value_at(message, kind or ""))
    return replace(said, in_reply_to=said.in_reply_to or text_at(message, "reply_to", "message_id"))


def _text(message: object) -> Content:
    text = shaped(message, Text).text
    return Content(kind=keyword_kind(text), text=text)


def _media(message: object) -> Content:
    media = shaped(message, Media)
    name = media.filename_override or media_name("application/octet-stream")
    file = remote(name, "application/octet-stream", media.url)
    return Content(text=media.caption, attachments=(file,))


def _place(message: object) -> Content:
    place = shaped(message, Place)
    at = place.coordinates
    return Content(
        text=place_text(place.title, place.label, latitude=at.latitude, longitude=at.longitude)
    )


def _choice(message: object) -> Content:
    choice = shaped(message, Choice)
    return Content(
        kind=MessageKind.POSTBACK,
        in_reply_to=choice.message_id,
        attributes={"payload": choice.postback_data},
    )


def _products(message: object) -> Content:
    return Content(text=bracketed("注文"), attributes=flattened(message, "order"))


def _form(message: object) -> Content:
    """Return the answers of a form of WhatsApp, the one message that Sinch passes on as it came."""
    if text_at(message, "message_type") != "nfm_reply":
        return UNSUPPORTED
    told = value_at(message, "message")
    body = text_at(told, "nfm_reply", "body") or text_at(told, "body")
    return Content(kind=MessageKind.POSTBACK, text=body, attributes=flattened(told))


def _fallback(message: object) -> Content:
    """Return that Sinch could not read it either, and why."""
    return labelled(UNSUPPORTED, flattened(value_at(message, "reason"), "reason"))


_CONTENTS: Mapping[str, Reader] = {
    "text_message": _text,
    "media_message": _media,
    "media_card_message": _media,
    "location_message": _place,
    "choice_response_message": _choice,
    "product_response_message": _products,
    "channel_specific_message": _form,
    "fallback_message": _fallback,
}
