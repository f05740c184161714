"""The files of a mail: names that are safe to write down, types, and the bytes."""

import re
from hashlib import sha256

from msgspec import Struct

from common.core.adapters import File
from common.core.events import Attachment, AttachmentState
from ingest_email.core.cleaning import one_line
from ingest_email.core.headers import read_headers
from ingest_email.core.limits import FIELD_BYTES
from ingest_email.core.sniffing import media_type
from ingest_email.core.tree import Part
from ingest_email.core.words import decode_header

_NAME_BYTES = 200
_EXTENSION_CHARACTERS = 10
_UNSAFE = re.compile(
    '[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]|[\x00-\x1f\x7f-\x9f<>:"/\\\\|?*]'
)
_EXTENSIONS = {
    "application/pdf": ".pdf",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "text/calendar": ".ics",
    "text/html": ".html",
    "text/plain": ".txt",
    "message/rfc822": ".eml",
}


class Files(Struct, frozen=True):
    """What goes into the event, and the bytes that go to object storage, in the same order."""

    attachments: tuple[Attachment, ...] = ()
    contents: tuple[File, ...] = ()


def read_files(parts: tuple[Part, ...]) -> Files:
    """Return the files of a mail. Archives are never opened here; forwarded mails stay whole."""
    read = [_file(part, number) for number, part in enumerate(parts, start=1)]
    return Files(tuple(found for found, _ in read), tuple(content for _, content in read))


def safe_name(name: str) -> str:
    """Return a file name without a path, control or text-direction characters; may be empty.

    Names of Japanese senders stay as they are written. 200 bytes fit every file system.
    """
    base = name.replace("\\", "/").rpartition("/")[2]
    visible = _UNSAFE.sub("", one_line(base, 4 * _NAME_BYTES))
    cleaned = one_line(visible, 4 * _NAME_BYTES).strip(" .")
    stem, dot, extension = cleaned.rpartition(".")
    if not stem or len(extension) > _EXTENSION_CHARACTERS:
        stem, dot, extension = cleaned, "", ""
    room = _NAME_BYTES - len(f"{dot}{extension}".encode())
    return f"{stem.encode()[:room].decode('utf-8', 'ignore').rstrip()}{dot}{extension}"


def _file(part: Part, number: int) -> tuple[Attachment, File]:
    content = part.content()
    kind = media_type(part.media_type, content)
    digest = sha256(content).hexdigest()
    content_id = one_line(part.headers.get("content-id").decode("latin-1"), _NAME_BYTES).strip("<>")
    attachment = Attachment(
        name=_name(part, content, kind) or f"part-{number}{_EXTENSIONS.get(kind, '')}",
        media_type=kind,
        state=AttachmentState.STORED,
        size=len(content),
        sha256=digest,
        content_id=content_id or None,
        inline=_is_inline(part, content_id),
    )
    return attachment, File(digest, content, kind)


def _name(part: Part, content: bytes, kind: str) -> str:
    name = safe_name(part.name)
    return _subject_of(content) if not name and kind == "message/rfc822" else name


def _subject_of(mail: bytes) -> str:
    """Return the name of a forwarded mail, `<subject>.eml`."""
    headers, _ = read_headers(mail, 0)
    subject = safe_name(decode_header(headers.get("subject")[:FIELD_BYTES]).replace("/", "／"))
    return f"{subject}.eml" if subject else ""


def _is_inline(part: Part, content_id: str) -> bool:
    """Whether it is shown within the text: said so, or a picture with an id and nothing said."""
    if part.disposition.value:
        return part.disposition.value == "inline"
    return bool(content_id) and part.media_type.startswith("image/")
