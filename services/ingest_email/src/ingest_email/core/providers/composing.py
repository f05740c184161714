"""A mail written anew from what a provider took apart: bytes that our own parser reads."""

import base64
import re
from collections.abc import Iterable, Sequence
from hashlib import sha256

from msgspec import Struct

_LINE_ENDS = re.compile(r"[\r\n]+")
_FIELD_NAME = re.compile(r"[!-9;-~]{1,100}")
_MEDIA_TYPE = re.compile(r"[!#$&^_.+0-9A-Za-z-]{1,60}/[!#$&^_.+0-9A-Za-z-]{1,80}")
_UNNAMED = "application/octet-stream"

Field = tuple[str, str]


class Body(Struct, frozen=True):
    """One body or file. `name` makes it an attachment; `content_id` comes without brackets."""

    media_type: str
    content: bytes
    charset: str = ""
    name: str = ""
    content_id: str = ""


def header_block(fields: Iterable[Field]) -> bytes:
    """Return header fields, those that say how the body is written left out, and an empty line."""
    lines = [
        f"{name}: {_LINE_ENDS.sub(' ', value)}\r\n"
        for name, value in fields
        if _FIELD_NAME.fullmatch(name) and not _describes_body(name)
    ]
    return "".join([*lines, "\r\n"]).encode()


def compose(fields: Iterable[Field], texts: Sequence[Body], files: Sequence[Body]) -> bytes:
    """Return a mail with alternatives of one text, and files beside them."""
    head = header_block(fields).removesuffix(b"\r\n")
    alternative = _multipart("alternative", [_part(text) for text in texts])
    return head + _multipart("mixed", [alternative, *(_part(file) for file in files)])


def _describes_body(name: str) -> bool:
    return name.lower().startswith(("content-", "mime-version"))


def _multipart(kind: str, parts: Sequence[bytes]) -> bytes:
    """Return an entity whose boundary is derived from its parts: equal mails are equal bytes."""
    boundary = b"=_" + sha256(b"\0".join(parts)).hexdigest()[:32].encode()
    head = b'Content-Type: multipart/%s; boundary="%s"\r\n\r\n' % (kind.encode(), boundary)
    inner = b"".join(b"--%s\r\n%s\r\n" % (boundary, part) for part in parts)
    return b"%s%s--%s--\r\n" % (head, inner, boundary)


def _part(body: Body) -> bytes:
    media_type = body.media_type if _MEDIA_TYPE.fullmatch(body.media_type) else _UNNAMED
    charset = f'; charset="{quotable(body.charset)}"' if body.charset else ""
    lines = [f"Content-Type: {media_type}{charset}", "Content-Transfer-Encoding: base64"]
    if body.name:
        lines.append(f'Content-Disposition: attachment; filename="{quotable(body.name)}"')
    if body.content_id:
        lines.append(f"Content-ID: <{quotable(body.content_id)}>")
    head = "\r\n".join(lines).encode()
    return head + b"\r\n\r\n" + base64.encodebytes(body.content).replace(b"\n", b"\r\n")


def quotable(text: str) -> str:
    """Return the text as it may stand between quotation marks."""
    return re.sub(r'["\\\r\n]', "_", text)
