"""How a stranger's file is served: never so that a browser would run or draw it where it stands."""

import re
import unicodedata
from urllib.parse import quote

from msgspec import Struct

UNKNOWN = "application/octet-stream"
LONGEST_NAME = 200

# Nothing of these is markup or script. What is not here is bytes to whoever opens it.
_PICTURES = frozenset(
    f"image/{kind}"
    for kind in ("png", "jpeg", "gif", "webp", "bmp", "heic", "heif", "avif", "tiff")
)
_PLAIN = frozenset(
    {
        *("application/pdf", "application/zip", "application/msword", "application/rtf"),
        *("text/plain", "text/csv", "text/calendar", "message/rfc822"),
    }
)
_KINDS = ("audio/", "video/", "application/vnd.openxmlformats-", "application/vnd.ms-")
_NOT_IN_NAMES = re.compile(
    '[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff<>:"|?*;]'
)
_NOT_IN_ASCII = re.compile(r"[^A-Za-z0-9 ._()+-]")
_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


class Span(Struct, frozen=True):
    """The bytes from `start` on, `length` of them."""

    start: int
    length: int


class NoSuchRangeError(ValueError):
    """The file ends before the range begins."""


def served_type(media_type: str) -> str:
    """Return the type that a file may be served as; none that a browser would act on."""
    kind = media_type.partition(";")[0].strip().lower()
    return kind if kind in _PICTURES | _PLAIN or kind.startswith(_KINDS) else UNKNOWN


def is_picture(media_type: str) -> bool:
    """Whether it may be shown within a mail."""
    return served_type(media_type) in _PICTURES


def disposition(name: str) -> str:
    """Return the Content-Disposition of a download (RFC 6266), its name in any language (RFC 8187)."""
    base = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2])
    shown = _NOT_IN_NAMES.sub("", base).strip(" .")[:LONGEST_NAME] or "file"
    plain = _NOT_IN_ASCII.sub("_", shown)
    encoded = quote(shown.encode("utf-8", "replace"), safe="")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"


def asked_part(header: str | None, size: int) -> Span | None:
    """Return the one range that a Range header asks for; None for the whole (RFC 9110 §14.2).

    Several ranges, and what is no range, are passed over. Raises NoSuchRangeError.
    """
    found = _RANGE.fullmatch(header.strip()) if header else None
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if not first:
        start, end = max(0, size - int(last)), size - 1
    else:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
        if last and int(last) < start:
            return None
    if start > end:
        raise NoSuchRangeError(f"it has {size} bytes")
    return Span(start, end - start + 1)
