"""winmail.dat: what Outlook and Exchange wrap a mail into for each other ([MS-OXTNEF]).

Only what a reader of the mail wants is taken out: its files, and its body. Every step takes bytes
away from the stream, and properties, files and depth are counted, so that the time is bounded.
"""

from collections.abc import Callable

from msgspec import Struct

from ingest_email.core import mapi
from ingest_email.core.mapi import BrokenError, Budget, Cursor, Properties
from ingest_email.core.rtf import decompress_rtf

SIGNATURE = b"\x78\x9f\x3e\x22"

_MAX_PROPERTIES = 20_000
_MAX_FILES = 200
_MAX_DEPTH = 5
_KEY_BYTES = 2
_SUBJECT, _BODY, _MESSAGE_CLASS = 0x00018004, 0x0002800C, 0x00078008
_TITLE, _DATA, _TRANSPORT_NAME = 0x00018010, 0x0006800F, 0x00069001
_BEGIN_FILE, _MESSAGE_PROPERTIES, _FILE_PROPERTIES = 0x00069002, 0x00069003, 0x00069005
_CODEPAGE = 0x00069007
_EMBEDDED_MESSAGE = 5  # PidTagAttachMethod
_INTERFACE_BYTES = 16


class Wrapped(Struct, frozen=True):
    """A file in a winmail.dat. `message` is set where it is a mail itself, and `content` empty."""

    name: str
    media_type: str = ""
    content_id: str = ""
    content: bytes = b""
    message: "Tnef | None" = None


class Tnef(Struct, frozen=True):
    """What a winmail.dat holds, as far as it could be read.

    `html` is in `html_charset`, where that is known; `rtf` is a whole RTF file. `is_whole` is false where bytes are
    missing, contradict their checksum, or are more than is read.
    """

    subject: str = ""
    message_class: str = ""
    text: str = ""
    html: bytes = b""
    html_charset: str = ""
    rtf: bytes = b""
    files: tuple[Wrapped, ...] = ()
    is_whole: bool = True


def read_tnef(raw: bytes) -> Tnef:
    """Return the content of a winmail.dat. Never raises."""
    return _Reader(raw, Budget(_MAX_PROPERTIES), _MAX_DEPTH).read()


class _File:
    """An attachment while its attributes are read."""

    def __init__(self) -> None:
        self.title = b""
        self.transport_name = b""
        self.data = b""
        self.properties: Properties = {}


class _Reader:
    """One stream. An embedded mail is a stream within, read by the same budget."""

    def __init__(self, raw: bytes, budget: Budget, depth: int) -> None:
        self._cursor = Cursor(raw)
        self._budget = budget
        self._depth = depth
        self._codepage = 0
        self._texts: dict[int, bytes] = {}
        self._properties: Properties = {}
        self._files: list[_File] = []
        self._is_whole = True
        self._handlers: dict[int, Callable[[bytes], None]] = {
            _BEGIN_FILE: self._begin_file,
            _TITLE: self._title,
            _TRANSPORT_NAME: self._transport_name,
            _DATA: self._data,
            _FILE_PROPERTIES: self._file_properties,
            _MESSAGE_PROPERTIES: self._message_properties,
            _CODEPAGE: self._set_codepage,
        }

    def read(self) -> Tnef:
        try:
            if self._cursor.take(len(SIGNATURE)) != SIGNATURE:
                return Tnef(is_whole=False)
            self._cursor.skip(_KEY_BYTES)
            while not self._cursor.at_end:
                self._attribute()
        except BrokenError:
            self._is_whole = False
            self._files = [file for file in self._files if file.data or file.properties]
        return self._content()

    def _attribute(self) -> None:
        self._budget.spend()
        self._cursor.skip(1)  # the level: the ids are different anyway
        name, size = self._cursor.number(4), self._cursor.number(4)
        value = self._cursor.take(size)
        if sum(value) & 0xFFFF != self._cursor.number(2):
            self._is_whole = False
        if name in (_SUBJECT, _BODY, _MESSAGE_CLASS):
            self._texts[name] = value
        elif name in self._handlers:
            self._handlers[name](value)

    def _begin_file(self, _value: bytes) -> None:
        if len(self._files) == _MAX_FILES:
            raise BrokenError
        self._files.append(_File())

    def _title(self, value: bytes) -> None:
        self._file().title = value

    def _transport_name(self, value: bytes) -> None:
        self._file().transport_name = value

    def _data(self, value: bytes) -> None:
        self._file().data = value

    def _file_properties(self, value: bytes) -> None:
        self._file().properties = mapi.read_properties(value, self._budget)

    def _message_properties(self, value: bytes) -> None:
        self._properties = mapi.read_properties(value, self._budget)

    def _set_codepage(self, value: bytes) -> None:
        self._codepage = Cursor(value).number(4)

    def _file(self) -> _File:
        if not self._files:
            raise BrokenError
        return self._files[-1]

    def _content(self) -> Tnef:
        files = tuple(self._wrapped(file) for file in self._files)
        html = self._properties.get(mapi.HTML)
        return Tnef(
            subject=self._text(_SUBJECT, mapi.SUBJECT),
            message_class=self._text(_MESSAGE_CLASS, None),
            text=self._text(_BODY, mapi.BODY),
            html=_html(html, self._codepage_of_text()),
            html_charset="utf-8" if html and html.kind != mapi.BINARY else self._html_charset(),
            rtf=self._rtf(),
            files=files,
            is_whole=self._is_whole,
        )

    def _text(self, attribute: int, name: int | None) -> str:
        """Return a text that is a property in new streams, and an attribute in old ones."""
        value = self._properties.get(name) if name else None
        if value is None:
            value = mapi.Value(mapi.TEXT, self._texts.get(attribute, b""))
        return value.text(self._codepage_of_text())

    def _codepage_of_text(self) -> int:
        declared = self._properties.get(mapi.MESSAGE_CODEPAGE)
        return self._codepage or (declared.number() if declared else 0)

    def _html_charset(self) -> str:
        declared = self._properties.get(mapi.INTERNET_CODEPAGE)
        return mapi.codepage_label(declared.number()) if declared else ""

    def _rtf(self) -> bytes:
        compressed = self._properties.get(mapi.RTF)
        return decompress_rtf(compressed.raw) if compressed else b""

    def _wrapped(self, file: _File) -> Wrapped:
        content, message = file.data, None
        held = file.properties.get(mapi.ATTACH_DATA)
        if held:
            message = self._message(file, held)
            # An object is preceded by the interface to read it by.
            content = held.raw[_INTERFACE_BYTES:] if held.kind == mapi.OBJECT else held.raw
        return Wrapped(
            name=self._name(file),
            media_type=self._property(file, mapi.ATTACH_MIME_TAG),
            content_id=self._property(file, mapi.ATTACH_CONTENT_ID),
            content=b"" if message else content,
            message=message,
        )

    def _message(self, file: _File, held: mapi.Value) -> Tnef | None:
        method = file.properties.get(mapi.ATTACH_METHOD)
        is_message = method is not None and method.number() == _EMBEDDED_MESSAGE
        raw = held.raw[_INTERFACE_BYTES:]
        if not (is_message and self._depth and raw.startswith(SIGNATURE)):
            return None
        inner = _Reader(raw, self._budget, self._depth - 1).read()
        self._is_whole = self._is_whole and inner.is_whole
        return inner

    def _name(self, file: _File) -> str:
        """Return the best name: the long ones first, the short one of DOS last."""
        names = [
            self._property(file, mapi.ATTACH_LONG_FILENAME),
            *(self._decoded(raw) for raw in (file.transport_name, file.title)),
            self._property(file, mapi.ATTACH_FILENAME),
            self._property(file, mapi.DISPLAY_NAME),
        ]
        return next((name for name in names if name), "")

    def _property(self, file: _File, name: int) -> str:
        value = file.properties.get(name)
        return value.text(self._codepage_of_text()) if value else ""

    def _decoded(self, raw: bytes) -> str:
        return mapi.Value(mapi.TEXT, raw).text(self._codepage_of_text())


def _html(value: mapi.Value | None, codepage: int) -> bytes:
    if value is None:
        return b""
    if value.kind == mapi.BINARY:
        return value.raw
    return value.text(codepage).encode("utf-8", "replace")
