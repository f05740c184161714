"""What a message of Viber says, by its type."""

from collections.abc import Mapping
from functools import partial

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
from common.core.payloads import shaped, shaped_at, text_at
from ingest_social.core.viber.shapes import File, Link, Person, Place, Sticker, Text

# Viber does not say which format it holds; the answer to the download does.
_MEDIA_TYPES = {"picture": "image/*", "video": "video/*", "file": "application/octet-stream"}


def content(message: object) -> Content:
    """Return what a message says; a type that Viber adds tomorrow is `unsupported`."""
    kind = text_at(message, "type")
    said = read_content(_READERS, kind, message)
    odd = kind if said.kind is MessageKind.UNSUPPORTED else None
    return labelled(said, {"message_type": odd, "tracking_data": text_at(message, "tracking_data")})


def _text(message: object) -> Content:
    return Content(text=shaped(message, Text).text)


def _file(kind: str, message: object) -> Content:
    file, media_type = shaped(message, File), _MEDIA_TYPES[kind]
    name = file.file_name or media_name(media_type)
    attachment = remote(name, media_type, file.media, file.file_size or file.size)
    said = Content(text=file.text, attachments=(attachment,))
    return labelled(said, {"duration_s": str(file.duration or "")})


def _sticker(message: object) -> Content:
    sticker = shaped(message, Sticker)
    files = (remote(media_name("image/png"), "image/png", sticker.media),) if sticker.media else ()
    return Content(
        text=bracketed("スタンプ"),
        attachments=files,
        attributes={"sticker_id": str(sticker.sticker_id)},
    )


def _link(message: object) -> Content:
    link = shaped(message, Link)
    words = () if link.text == link.media else (link.text,)
    return Content(text="\n".join(filter(None, (*words, link.media))))


def _contact(message: object) -> Content:
    person = shaped_at(message, "contact", Person)
    return Content(text=bracketed("連絡先", person.name, person.phone_number))


def _place(message: object) -> Content:
    place = shaped_at(message, "location", Place)
    return Content(text=place_text(latitude=place.lat, longitude=place.lon))


_READERS: Mapping[str, Reader] = {
    "text": _text,
    "sticker": _sticker,
    "url": _link,
    "contact": _contact,
    "location": _place,
    **{kind: partial(_file, kind) for kind in _MEDIA_TYPES},
}
