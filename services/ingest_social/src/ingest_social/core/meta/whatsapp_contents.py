"""What a WhatsApp message says, by its type ("messages webhook reference" and its neighbours)."""

from collections.abc import Mapping
from functools import partial

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
from common.core.payloads import Id, flattened, items_at, shaped_at, text_at, value_at
from common.core.signatures import unbase64

# Asked with the account's own token; the answer holds a URL that lives for minutes.
MEDIA_URL = "https://graph.facebook.com/{}"

_MEDIA = ("image", "video", "audio", "document", "sticker")
_ANSWERS = ("button_reply", "list_reply", "nfm_reply", "call_permission_reply")


class Text(Struct, frozen=True):
    """A text."""

    body: str


class Media(Struct, frozen=True):
    """A file that Meta keeps under `id` for some days. `sha256` is base64."""

    id: Id
    mime_type: str = "application/octet-stream"
    sha256: str | None = None
    caption: str | None = None
    filename: str | None = None


class Place(Struct, frozen=True):
    """A place, in degrees."""

    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None


class Button(Struct, frozen=True):
    """A button of a template that was pressed."""

    text: str = ""
    payload: str = ""


class Reaction(Struct, frozen=True):
    """A reaction to a message. Without an emoji it was taken back."""

    message_id: Id
    emoji: str | None = None


class Edit(Struct, frozen=True):
    """Another text for a message, within 15 minutes."""

    original_message_id: Id
    message: dict[str, object]


class Revoke(Struct, frozen=True):
    """A message that its sender took back, within two days."""

    original_message_id: Id


def content(message: object) -> Content:
    """Return what a message says; a type that Meta adds tomorrow is `unsupported`."""
    said = read_content(_READERS, text_at(message, "type"), message)
    told = {
        **flattened(value_at(message, "referral"), "referral"),
        **flattened(value_at(message, "context", "referred_product"), "referred_product"),
        **_forwarded(message),
        "voice": "true" if value_at(message, "audio", "voice") is True else None,
        **_error(message),
    }
    in_reply_to = said.in_reply_to or text_at(message, "context", "id")
    return labelled(replace(said, in_reply_to=in_reply_to), told)


def _forwarded(message: object) -> dict[str, str]:
    names = ("forwarded", "frequently_forwarded")
    return {name: "true" for name in names if value_at(message, "context", name) is True}


def _error(message: object) -> dict[str, str | None]:
    error = next(iter(items_at(message, "errors")), None)
    title = text_at(error, "title")
    return {"error": flattened(error).get("code"), "error_title": title}


def _text(message: object) -> Content:
    return Content(text=shaped_at(message, "text", Text).body)


def _media(kind: str, message: object) -> Content:
    media = shaped_at(message, kind, Media)
    digest = unbase64(media.sha256 or "")
    media_type = media.mime_type.partition(";")[0].strip()
    file = remote(media.filename or media_name(media_type), media_type, MEDIA_URL.format(media.id))
    file = replace(file, sha256=digest.hex() if digest else None)
    return Content(text=media.caption, attachments=(file,))


def _place(message: object) -> Content:
    place = shaped_at(message, "location", Place)
    where = place_text(
        place.name, place.address, latitude=place.latitude, longitude=place.longitude
    )
    return Content(text=where)


def _people(message: object) -> Content:
    people = items_at(message, "contacts")
    names = (text_at(person, "name", "formatted_name") for person in people)
    return Content(text=bracketed("連絡先", *names), attributes=flattened(people, "contacts"))


def _button(message: object) -> Content:
    button = shaped_at(message, "button", Button)
    attributes = {"payload": button.payload}
    return Content(kind=MessageKind.POSTBACK, text=button.text, attributes=attributes)


def _interactive(message: object) -> Content:
    told = value_at(message, "interactive")
    answer = next((name for name in _ANSWERS if value_at(told, name)), "")
    text = text_at(told, answer, "title") or text_at(told, answer, "body")
    attributes = flattened(value_at(told, answer), answer)
    return Content(kind=MessageKind.POSTBACK, text=text, attributes=attributes)


def _order(message: object) -> Content:
    order = value_at(message, "order")
    text = bracketed("注文", text_at(order, "text"))
    return Content(text=text, attributes=flattened(order, "order"))


def _reaction(message: object) -> Content:
    reaction = shaped_at(message, "reaction", Reaction)
    return Content(
        kind=MessageKind.REACTION,
        target=reaction.message_id,
        text=reaction.emoji or None,
        attributes={"action": "react" if reaction.emoji else "unreact"},
    )


def _edit(message: object) -> Content:
    edit = shaped_at(message, "edit", Edit)
    now = read_content(_EDITABLE, text_at(edit.message, "type"), edit.message)
    kind = MessageKind.EDIT if now is not UNSUPPORTED else MessageKind.UNSUPPORTED
    return replace(now, kind=kind, target=edit.original_message_id)


def _revoke(message: object) -> Content:
    revoke = shaped_at(message, "revoke", Revoke)
    return Content(kind=MessageKind.UNSEND, target=revoke.original_message_id)


def _system(message: object) -> Content:
    system = value_at(message, "system")
    return Content(
        kind=MessageKind.SYSTEM,
        text=text_at(system, "body"),
        attributes={"event": text_at(message, "type") or "", **flattened(system, "system")},
    )


_EDITABLE: Mapping[str, Reader] = {
    "text": _text,
    "location": _place,
    "contacts": _people,
    **{kind: partial(_media, kind) for kind in _MEDIA},
}
_READERS: Mapping[str, Reader] = {
    **_EDITABLE,
    "button": _button,
    "interactive": _interactive,
    "order": _order,
    "reaction": _reaction,
    "edit": _edit,
    "revoke": _revoke,
    "system": _system,
    "request_welcome": _system,
}
