"""What a file is by its first bytes, held against what its sender says it is.

The numbers are those of the WHATWG's "MIME Sniffing" and of the formats' own standards.
"""

from msgspec import Struct

UNKNOWN = "application/octet-stream"
_HEAD = 64


class _Magic(Struct, frozen=True):
    """Bytes at a place, what they mean, and which declared types they may stand for."""

    at: int
    bytes: bytes
    media_type: str
    also: tuple[str, ...] = ()  # prefixes


_CONTAINER = ("video/", "audio/")
_OFFICE = ("application/vnd.", "application/epub+zip", "application/java-archive")
_MAGIC = (
    _Magic(0, b"\xff\xd8\xff", "image/jpeg"),
    _Magic(0, b"\x89PNG\r\n\x1a\n", "image/png"),
    _Magic(0, b"GIF87a", "image/gif", ("video/mp4",)),
    _Magic(0, b"GIF89a", "image/gif", ("video/mp4",)),
    _Magic(8, b"WEBP", "image/webp"),
    _Magic(8, b"WAVE", "audio/wav"),
    _Magic(8, b"AVI ", "video/x-msvideo"),
    _Magic(4, b"ftyphei", "image/heic"),
    _Magic(4, b"ftypmif1", "image/heif"),
    _Magic(4, b"ftypavif", "image/avif"),
    _Magic(4, b"ftypqt", "video/quicktime", _CONTAINER),
    _Magic(4, b"ftyp3g", "video/3gpp", _CONTAINER),
    _Magic(4, b"ftypM4A", "audio/mp4", _CONTAINER),
    _Magic(4, b"ftyp", "video/mp4", _CONTAINER),
    _Magic(0, b"\x1aE\xdf\xa3", "video/webm", _CONTAINER),
    _Magic(0, b"OggS", "audio/ogg", (*_CONTAINER, "application/ogg")),
    _Magic(0, b"ID3", "audio/mpeg"),
    _Magic(0, b"\xff\xfb", "audio/mpeg"),
    _Magic(0, b"\xff\xf3", "audio/mpeg"),
    _Magic(0, b"\xff\xf1", "audio/aac"),
    _Magic(0, b"\xff\xf9", "audio/aac"),
    _Magic(0, b"#!AMR", "audio/amr"),
    _Magic(0, b"fLaC", "audio/flac"),
    _Magic(0, b"BM", "image/bmp"),
    _Magic(0, b"II*\x00", "image/tiff"),
    _Magic(0, b"MM\x00*", "image/tiff"),
    _Magic(0, b"%PDF-", "application/pdf"),
    _Magic(0, b"PK\x03\x04", "application/zip", _OFFICE),
    _Magic(
        0, b"\xd0\xcf\x11\xe0", "application/x-ole-storage", ("application/vnd.", "application/ms")
    ),
    _Magic(0, b"\x1f\x8b", "application/gzip"),
)
_DANGEROUS = (
    _Magic(0, b"MZ", "application/x-msdownload"),
    _Magic(0, b"\x7fELF", "application/x-elf"),
    _Magic(0, b"\xcf\xfa\xed\xfe", "application/x-mach-binary"),
    _Magic(0, b"#!/", "text/x-shellscript"),
)
# What a browser would run or draw where it stands; never a picture, whoever says so.
_ACTIVE = (
    (b"<!doctype html", "text/html"),
    (b"<html", "text/html"),
    (b"<script", "text/html"),
    (b"<svg", "image/svg+xml"),
    (b"<?xml", "text/xml"),
)
_BOM = b"\xef\xbb\xbf"
_RECOGNISED = ("image/", "video/", "audio/", "application/pdf", "application/zip")


def settled_type(declared: str, content: bytes) -> str | None:
    """Return the type to keep a file under, or None where it is not what it was said to be.

    A type that says little (`image/*`, octet-stream) takes what the bytes show. Programs are never
    kept; markup only under its own name.
    """
    declared = declared.partition(";")[0].strip().lower() or UNKNOWN
    # Two letters may begin a text as well as a picture or a program; those have zeros within.
    plain = declared.startswith("text/") and b"\0" not in content
    magic = None if plain else _magic(content)
    if magic in _DANGEROUS:
        return None
    if magic is not None:
        return _agreed(declared, magic)
    active = _active(content)
    if active is not None:
        return active if declared in (active, "application/xml") else None
    return None if declared.startswith(_RECOGNISED) else declared


def _agreed(declared: str, magic: _Magic) -> str | None:
    if declared == UNKNOWN or _family(declared) == _family(magic.media_type):
        return magic.media_type
    if declared.startswith(magic.also):
        return magic.media_type if declared.endswith("*") else declared
    return None


def _family(media_type: str) -> str:
    family = media_type.partition("/")[0]
    return media_type if family == "application" else family


def _magic(content: bytes) -> _Magic | None:
    return next(
        (magic for magic in _MAGIC + _DANGEROUS if content.startswith(magic.bytes, magic.at)), None
    )


def _active(content: bytes) -> str | None:
    head = content[:_HEAD].removeprefix(_BOM).lstrip().lower()
    return next((kind for start, kind in _ACTIVE if head.startswith(start)), None)
