"""What a file is by its first bytes, since senders' labels are habits."""

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"%PDF-", "application/pdf"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"BM", "image/bmp"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftyp", "video/mp4"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (8, b"WAVE", "audio/wav"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"MZ", "application/vnd.microsoft.portable-executable"),
    (0, b"\x7fELF", "application/x-elf"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"BEGIN:VCARD", "text/vcard"),
    (0, b"BEGIN:VCALENDAR", "text/calendar"),
)
_CONTAINERS = ("application/zip", "application/x-ole-storage")


def sniff(content: bytes) -> str | None:
    """Return the media type that the first bytes show, or None where they show nothing."""
    return next(
        (kind for offset, magic, kind in _MAGIC if content.startswith(magic, offset)),
        None,
    )


def media_type(declared: str, content: bytes) -> str:
    """Return the media type to handle a file as.

    The bytes win over the label, except inside containers: a .docx is a zip file too, and its label
    says more.
    """
    sniffed = sniff(content)
    if sniffed is None or (sniffed in _CONTAINERS and declared.startswith("application/vnd.")):
        return declared or "application/octet-stream"
    return sniffed
