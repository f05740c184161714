"""The parts of a mail (RFC 2046), found in one pass over its bytes.

Python's own parser takes seconds for a mail of many parts, and its policies decode headers too
early; here every line is looked at once, headers stay bytes, and the limits hold while reading.
"""

import re
from collections.abc import Iterator

from msgspec import Struct

from ingest_email.core.headers import Headers, read_headers
from ingest_email.core.limits import (
    DELIMITERS,
    DEPTH,
    FIELD_BYTES,
    FIELDS,
    PARTS,
    LimitExceededError,
)
from ingest_email.core.parameters import Structured, read_structured
from ingest_email.core.transfer import decode_transfer

_GUESSED_BOUNDARY = re.compile(rb"(?:\A|\n)--([^\r\n]{1,200}?)[ \t]*\r?\nContent-", re.IGNORECASE)
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}", re.ASCII)
_TEXT = Structured("text/plain")
_LONGEST_ENCODING = 3  # quoted-printable writes a byte as `=E3`
_GUESS_BYTES = 65_536
_MAX_SEARCHES = 20  # of the whole mail, for an end that may not be there


class Part(Struct, frozen=True):
    """A node of the tree. `body` is still transfer-encoded, and empty where there are children."""

    headers: Headers
    content_type: Structured
    disposition: Structured
    body: bytes = b""
    children: tuple["Part", ...] = ()

    @property
    def media_type(self) -> str:
        """Return e.g. `text/plain`."""
        return self.content_type.value

    @property
    def name(self) -> str:
        """Return the file name as the sender gave it, or an empty string."""
        return self.disposition.get("filename") or self.content_type.get("name")

    def content(self) -> bytes:
        """Return the bytes that were sent, transfer encoding removed."""
        return decode_transfer(self.body, self._encoding)

    def beginning(self, size: int) -> bytes:
        """Return at most the first `size` bytes, without decoding much more."""
        return decode_transfer(self.body[: _LONGEST_ENCODING * size], self._encoding)[:size]

    @property
    def _encoding(self) -> str:
        return self.headers.get("content-transfer-encoding").decode("latin-1")


def read_tree(raw: bytes) -> Part:
    """Return the root part of a whole mail. Raises LimitExceededError, and nothing else."""
    return _Reader(raw).read()


class _Node:
    """A part while it is being read; `end` is set once its body is complete."""

    def __init__(self, headers: Headers, content_type: Structured, start: int) -> None:
        self.headers = headers
        self.content_type = content_type
        self.start = start
        self.end = start
        self.children: list[_Node] = []

    @property
    def is_multipart(self) -> bool:
        return self.content_type.value.startswith("multipart/")


class _Reader:
    """One pass: the stack of open multiparts, and the part whose body is running."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._stack: list[_Node] = []
        self._boundaries: list[bytes] = []
        self._known: frozenset[bytes] = frozenset()
        self._searches = 0
        self._running: _Node | None = None
        self._parts = 0
        self._fields = 0

    def read(self) -> Part:
        root = self._enter(0)
        position = root.start
        for start, after, line in _dashed_lines(
            self._raw, position if self._stack else len(self._raw)
        ):
            if start < position or (found := self._match(line)) is None:
                continue
            level, closing = found
            self._close_down_to(level, _before_line_end(self._raw, start))
            if closing:
                self._close_level(start)
            else:
                position = self._enter(after).start
        self._close_down_to(0, self._end())
        root.end = len(self._raw)
        return self._part(root)

    def _end(self) -> int:
        """Return where the last body ends: its closing delimiter may have lost its line end."""
        text = self._raw.rstrip()
        closings = (b"--" + boundary + b"--" for boundary in reversed(self._boundaries))
        closing = next((closing for closing in closings if text.endswith(closing)), None)
        return len(text) - len(closing) if closing else len(self._raw)

    def _match(self, line: bytes) -> tuple[int, bool] | None:
        """Return (how many multiparts stay open, whether it closes the innermost of them)."""
        token = line[2:].rstrip()
        for candidate, closing in ((token, False), (token.removesuffix(b"--"), True)):
            if candidate in self._known:
                return len(self._boundaries) - self._boundaries[::-1].index(candidate), closing
        return None

    def _enter(self, at: int) -> _Node:
        """Begin the part whose header block is at `at`."""
        self._parts += 1
        if self._parts > PARTS:
            raise LimitExceededError("parts")
        headers, start = read_headers(self._raw, at)
        if "header-block" in headers.cut:
            raise LimitExceededError("header-block")
        self._fields += len(headers.fields)
        if self._fields > FIELDS:
            raise LimitExceededError("fields")
        node = _Node(headers, self._content_type(headers, start), start)
        if self._stack:
            self._stack[-1].children.append(node)
        boundary = self._boundary(node)
        if boundary:
            self._open(node, boundary)
        else:
            self._running = node
        return node

    def _content_type(self, headers: Headers, start: int) -> Structured:
        """Return what a part says it is.

        Of two fields that contradict each other, a multipart is believed if its end is there.
        """
        fields = headers.all("content-type")
        first = _media_type(fields[0], self._default_type()) if fields else self._default_type()
        is_doubtful = len(fields) > 1 and first.value.startswith("multipart/")
        if is_doubtful and self._searches < _MAX_SEARCHES:
            self._searches += 1
            closing = f"--{first.get('boundary')}--".encode("utf-8", "surrogateescape")
            if self._raw.find(closing, start) < 0:
                return _media_type(fields[-1], first)
        return first

    def _default_type(self) -> Structured:
        in_digest = self._stack and self._stack[-1].content_type.value == "multipart/digest"
        return Structured("message/rfc822") if in_digest else _TEXT

    def _boundary(self, node: _Node) -> bytes | None:
        """Return the boundary of a multipart.

        Where none is declared, or another than occurs, it is the first line like one.
        """
        if not node.is_multipart:
            return None
        declared = node.content_type.get("boundary").encode("utf-8", "surrogateescape").rstrip()
        beginning, end = max(0, node.start - 1), node.start + _GUESS_BYTES
        delimiter = re.compile(rb"--" + re.escape(declared) + rb"(?:--|[ \t\r\n]|\Z)")
        if declared and delimiter.search(self._raw, beginning, end):
            return declared
        guess = _GUESSED_BOUNDARY.search(self._raw, beginning, end)
        return guess[1] if guess and guess[1] not in self._known else declared or None

    def _open(self, node: _Node, boundary: bytes) -> None:
        if len(self._stack) == DEPTH:
            raise LimitExceededError("depth")
        self._stack.append(node)
        self._boundaries.append(boundary)
        self._known = frozenset(self._boundaries)
        self._running = None

    def _close_down_to(self, level: int, end: int) -> None:
        """End the running body, and every multipart deeper than `level`."""
        if self._running:
            self._running.end = max(self._running.start, end)
            self._running = None
        while len(self._stack) > level:
            self._close_level(end)

    def _close_level(self, end: int) -> None:
        node = self._stack.pop()
        node.end = max(node.start, end)
        self._boundaries.pop()
        self._known = frozenset(self._boundaries)

    def _part(self, node: _Node) -> Part:
        disposition = read_structured(node.headers.get("content-disposition")[:FIELD_BYTES])
        if node.children:
            children = tuple(self._part(child) for child in node.children)
            return Part(node.headers, node.content_type, disposition, b"", children)
        content_type = _TEXT if node.is_multipart else node.content_type
        return Part(node.headers, content_type, disposition, self._raw[node.start : node.end])


def _media_type(raw: bytes, default: Structured) -> Structured:
    field = read_structured(raw[:FIELD_BYTES])
    if not field.value:
        return default
    if not _MEDIA_TYPE.fullmatch(field.value):
        return Structured("text/plain", field.parameters)  # RFC 2045 §5.2
    return field


def _dashed_lines(raw: bytes, position: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield (start, start of the next line, line) of each line that begins with `--`.

    Raises LimitExceededError.
    """
    start = position if raw.startswith(b"--", position) else raw.find(b"\n--", position - 1) + 1
    for _ in range(DELIMITERS):
        if start <= 0 and not raw.startswith(b"--"):
            return
        newline = raw.find(b"\n", start)
        after = len(raw) if newline < 0 else newline + 1
        yield start, after, raw[start:after]
        start = raw.find(b"\n--", after - 1) + 1
        if start == 0:
            return
    raise LimitExceededError("delimiters")


def _before_line_end(raw: bytes, start: int) -> int:
    """Return where the line before ends: its CRLF or LF belongs to the delimiter."""
    return start - (2 if raw[start - 2 : start] == b"\r\n" else 1)
