"""winmail.dat as Outlook would write it, for tests: [MS-OXTNEF] from the writer's side."""

from collections.abc import Mapping, Sequence

SIGNATURE = b"\x78\x9f\x3e\x22"
SUBJECT, BODY, MESSAGE_CLASS, CODEPAGE = 0x00018004, 0x0002800C, 0x00078008, 0x00069007
MESSAGE_PROPERTIES, BEGIN_FILE, FILE_PROPERTIES = 0x00069003, 0x00069002, 0x00069005
TITLE, DATA, TRANSPORT_NAME = 0x00018010, 0x0006800F, 0x00069001
TEXT, UNICODE, BINARY, OBJECT, INTEGER = 0x1E, 0x1F, 0x102, 0x0D, 0x03


def number(value: int, size: int = 4) -> bytes:
    """Return a little-endian number."""
    return value.to_bytes(size, "little")


def padded(raw: bytes) -> bytes:
    """Return the bytes filled up to a multiple of four."""
    return raw + b"\x00" * (-len(raw) % 4)


def attribute(name: int, value: bytes, checksum: int | None = None) -> bytes:
    """Return one attribute of a stream, with its right checksum unless another is given."""
    level = (
        b"\x02" if name in (TITLE, DATA, TRANSPORT_NAME, BEGIN_FILE, FILE_PROPERTIES) else b"\x01"
    )
    told = sum(value) & 0xFFFF if checksum is None else checksum
    return level + number(name) + number(len(value)) + value + number(told, 2)


def stream(*attributes: bytes, codepage: int = 932) -> bytes:
    """Return a whole winmail.dat."""
    own = attribute(CODEPAGE, number(codepage) + number(0))
    return SIGNATURE + number(1, 2) + own + b"".join(attributes)


def sized(kind: int, name: int, *values: bytes) -> bytes:
    """Return a property of text, bytes or an object."""
    held = b"".join(number(len(value)) + padded(value) for value in values)
    return number(kind, 2) + number(name, 2) + number(len(values)) + held


def integer(name: int, value: int) -> bytes:
    """Return a property that is a number."""
    return number(INTEGER, 2) + number(name, 2) + number(value)


def properties(*values: bytes) -> bytes:
    """Return a list of properties."""
    return number(len(values)) + b"".join(values)


def file(
    name: str, content: bytes, *, extra: Sequence[bytes] = (), attributes: Mapping[int, bytes] = {}
) -> bytes:
    """Return the attributes of one file; its name is Unicode."""
    told = properties(sized(UNICODE, 0x3707, name.encode("utf-16-le") + b"\x00\x00"), *extra)
    others = (attribute(key, value) for key, value in attributes.items())
    return b"".join(
        (
            attribute(BEGIN_FILE, bytes(14)),
            *others,
            attribute(DATA, content),
            attribute(FILE_PROPERTIES, told),
        )
    )


def mail(content: bytes, *, text: str = "", media_type: str = "application/ms-tnef") -> bytes:
    """Return a mail with a winmail.dat, as Exchange sends it."""
    head = (
        "From: taro@example.jp\nTo: support@acme.example\nContent-Type: multipart/mixed; boundary=b\n\n"
        f"--b\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
        f'--b\nContent-Type: {media_type}; name="winmail.dat"\n\n'
    )
    return head.encode() + content + b"\n--b--\n"
