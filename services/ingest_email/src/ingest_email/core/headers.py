"""A header block as raw bytes: what decodes it comes later, field by field."""

import re

from msgspec import Struct

from ingest_email.core.limits import HEADER_BLOCK_BYTES, HEADER_BYTES, HEADERS

_FIELD = re.compile(rb"([!-9;-~]{1,100})[ \t]*:")
_FIELD_START_BYTES = 200
_FOLD = re.compile(rb"[\r\n]+[ \t]*")


class Headers(Struct, frozen=True):
    """Fields in order: lower-case name and unfolded raw value.

    `cut` names the soft limits that were met: `header`, `headers`, `header-block`.
    """

    fields: tuple[tuple[str, bytes], ...] = ()
    cut: tuple[str, ...] = ()

    def get(self, name: str) -> bytes:
        """Return the first value of a field, or empty bytes. Trace fields are topmost first."""
        return next((value for key, value in self.fields if key == name), b"")

    def all(self, name: str) -> tuple[bytes, ...]:
        """Return every value of a field, topmost first."""
        return tuple(value for key, value in self.fields if key == name)

    def has(self, name: str) -> bool:
        """Whether the field is there, even if empty."""
        return any(key == name for key, _ in self.fields)


def read_headers(raw: bytes, start: int) -> tuple[Headers, int]:
    """Return the header block at `start` and where the body begins.

    A line that is no field is skipped (gateways insert such lines), unless there is no field at
    all: then everything is body. A line that begins like a boundary ends the block, since parts
    come without their empty line, too.
    """
    lines: list[bytes] = []
    position, limit = start, start + HEADER_BLOCK_BYTES
    while position < min(len(raw), limit):
        end = raw.find(b"\n", position) + 1 or len(raw)
        line = raw[position : min(end, limit)]
        if line.startswith(b"--"):
            break
        position = end
        if not line.strip() and _ends_block(raw, line, end):
            break
        lines.append(line)
    headers = _fields(lines)
    if not headers.fields and lines:
        return headers, start
    if position >= limit:
        return Headers(headers.fields, (*headers.cut, "header-block")), position
    return headers, position


def _ends_block(raw: bytes, line: bytes, after: int) -> bool:
    """Whether an empty line is the end; one with blanks is if neither a field nor a fold follows."""
    if not line.strip(b"\r\n"):
        return True
    following = raw[after : after + _FIELD_START_BYTES]
    return not (following[:1] in b" \t\r\n" or _FIELD.match(following))


def _fields(lines: list[bytes]) -> Headers:
    folded: list[tuple[str, list[bytes]]] = []
    for line in lines:
        if line[:1] in b" \t":
            if folded:
                folded[-1][1].append(line)
        elif field := _FIELD.match(line):
            folded.append((field[1].decode("ascii").lower(), [line[field.end() :]]))
    cut = ["headers"] if len(folded) > HEADERS else []
    unfolded = [
        (name, _FOLD.sub(b" ", b"".join(parts)).strip()) for name, parts in folded[:HEADERS]
    ]
    if any(len(value) > HEADER_BYTES for _, value in unfolded):
        cut.append("header")
    return Headers(tuple((name, value[:HEADER_BYTES]) for name, value in unfolded), tuple(cut))
