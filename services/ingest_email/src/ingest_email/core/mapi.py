"""MAPI properties as they travel in a winmail.dat ([MS-OXTNEF] §2.1.3.4)."""

from collections.abc import Container, Mapping
from struct import unpack_from

from msgspec import Struct

from ingest_email.core.charsets import decode

BODY, HTML, RTF = 0x1000, 0x1013, 0x1009
SUBJECT, INTERNET_CODEPAGE, MESSAGE_CODEPAGE = 0x0037, 0x3FDE, 0x3FFD
ATTACH_DATA, ATTACH_METHOD, ATTACH_MIME_TAG, ATTACH_CONTENT_ID = 0x3701, 0x3705, 0x370E, 0x3712
DISPLAY_NAME, ATTACH_FILENAME, ATTACH_LONG_FILENAME = 0x3001, 0x3704, 0x3707
_OF_A_MESSAGE = (BODY, HTML, RTF, SUBJECT, INTERNET_CODEPAGE, MESSAGE_CODEPAGE)
_OF_A_FILE = (ATTACH_DATA, ATTACH_METHOD, ATTACH_MIME_TAG, ATTACH_CONTENT_ID)
_NAMES = (DISPLAY_NAME, ATTACH_FILENAME, ATTACH_LONG_FILENAME)
_WANTED = frozenset((*_OF_A_MESSAGE, *_OF_A_FILE, *_NAMES))

INTEGER, TEXT, UNICODE, OBJECT, BINARY = 0x03, 0x1E, 0x1F, 0x0D, 0x102
_SIZED = (TEXT, UNICODE, OBJECT, BINARY)
_FIXED_BYTES = {
    **dict.fromkeys((0x02, INTEGER, 0x04, 0x0A, 0x0B), 4),
    **dict.fromkeys((0x05, 0x06, 0x07, 0x14, 0x40), 8),
    0x48: 16,
}
_CODEPAGES = {
    0: "",
    1200: "utf-16-le",
    10001: "x-mac-japanese",
    20127: "us-ascii",
    20866: "koi8-r",
    20932: "euc-jp",
    21866: "koi8-u",
    50225: "iso-2022-kr",
    51949: "euc-kr",
    52936: "hz-gb-2312",
    54936: "gb18030",
    65000: "utf-7",
    65001: "utf-8",
}
_BEFORE_ISO_8859_1, _LAST_ISO_8859 = 28590, 16
_SEVERAL = 0x1000
_FIRST_NAMED = 0x8000
_SET_BYTES = 16  # the GUID that a named property's name belongs to


class BrokenError(Exception):
    """The bytes end too early, or say what cannot be."""


class Budget:
    """How many properties are still read: their number is free to choose for a stranger."""

    def __init__(self, properties: int) -> None:
        self._left = properties

    def spend(self) -> None:
        """Count one. Raises BrokenError."""
        if not self._left:
            raise BrokenError
        self._left -= 1


class Cursor:
    """Little-endian numbers and byte runs, one after another. Raises BrokenError at the end."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._position = 0

    @property
    def at_end(self) -> bool:
        """Whether every byte was read."""
        return self._position >= len(self._raw)

    def number(self, size: int) -> int:
        """Return the next number of 1, 2 or 4 bytes."""
        at = self._pass(size)
        value: int = unpack_from({1: "<B", 2: "<H", 4: "<I"}[size], self._raw, at)[0]
        return value

    def take(self, size: int) -> bytes:
        """Return the next bytes."""
        at = self._pass(size)
        return self._raw[at : at + size]

    def skip(self, size: int) -> None:
        """Go on behind the next bytes."""
        self._pass(size)

    def skip_padding(self, size: int) -> None:
        """Go on behind what fills `size` up to a multiple of four; it may be missing at the end."""
        self._position = min(self._position + -size % 4, len(self._raw))

    def _pass(self, size: int) -> int:
        at = self._position
        if at + size > len(self._raw):
            raise BrokenError
        self._position += size
        return at


class Value(Struct, frozen=True):
    """The bytes of a property, and what kind of value they are."""

    kind: int
    raw: bytes

    def text(self, codepage: int) -> str:
        """Return the characters; `codepage` is the one of text that is not Unicode."""
        if self.kind == UNICODE:
            return self.raw.decode("utf-16-le", "replace").rstrip("\x00")
        return decode(self.raw.rstrip(b"\x00"), codepage_label(codepage))

    def number(self) -> int:
        """Return the number that it is, or 0 where it is none."""
        return int.from_bytes(self.raw, "little") if self.kind == INTEGER else 0


Properties = Mapping[int, Value]


def codepage_label(codepage: int) -> str:
    """Return the charset that Windows numbers so, or an empty string for none."""
    if 0 < codepage - _BEFORE_ISO_8859_1 <= _LAST_ISO_8859:
        return f"iso-8859-{codepage - _BEFORE_ISO_8859_1}"
    return _CODEPAGES.get(codepage, f"cp{codepage}")


def read_properties(raw: bytes, budget: Budget) -> Properties:
    """Return the wanted ones of a list of properties by id, the first value of each.

    Raises BrokenError.
    """
    cursor = Cursor(raw)
    found: dict[int, Value] = {}
    for _ in range(cursor.number(4)):
        budget.spend()
        kind, name = cursor.number(2), cursor.number(2)
        if name >= _FIRST_NAMED:
            _skip_name(cursor)
        value = _value(cursor, kind, budget, wanted=_wants(name, found))
        if value is not None:
            found[name] = Value(kind, value)
    return found


def _wants(name: int, found: Container[int]) -> bool:
    return name in _WANTED and name not in found


def _skip_name(cursor: Cursor) -> None:
    cursor.skip(_SET_BYTES)
    if cursor.number(4) == 0:  # a number
        cursor.skip(4)
        return
    size = cursor.number(4)
    cursor.skip(size)
    cursor.skip_padding(size)


def _value(cursor: Cursor, kind: int, budget: Budget, *, wanted: bool) -> bytes | None:
    """Return the value if it is wanted and single; several are never of use here."""
    single = kind & ~_SEVERAL
    if single in _SIZED:
        return _sized(cursor, budget, wanted=wanted)
    if single not in _FIXED_BYTES:
        raise BrokenError
    if kind & _SEVERAL:
        cursor.skip(cursor.number(4) * _FIXED_BYTES[single])
        return None
    value = cursor.take(_FIXED_BYTES[single])
    return value if wanted else None


def _sized(cursor: Cursor, budget: Budget, *, wanted: bool) -> bytes | None:
    first: bytes | None = None
    for _ in range(cursor.number(4)):
        budget.spend()
        size = cursor.number(4)
        if wanted and first is None:
            first = cursor.take(size)
        else:
            cursor.skip(size)
        cursor.skip_padding(size)
    return first
