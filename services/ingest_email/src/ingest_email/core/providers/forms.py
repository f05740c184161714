"""Forms whose values stay bytes: mail is in any charset, whatever the form around it claims.

RFC 7578 (multipart/form-data) and the URL Standard's application/x-www-form-urlencoded.
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from common.core.payloads import UnreadableError
from common.core.text import clean

Field = tuple[str, bytes]

FIELDS = 1_000
ESCAPES = 3_000_000  # each costs 50 bytes while it is read; mail of 25 MB has half as many
PART_HEADER_BYTES = 16_000

_FIRST_LINE = re.compile(rb"--([0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-])[ \t]*\r\n")
_NAME = re.compile(rb';[ \t]*name="((?:[^"\\\r\n]|\\.)*)"', re.IGNORECASE)
_DISPOSITION = re.compile(rb"(?:^|\r\n)content-disposition:([^\r\n]*)", re.IGNORECASE)


def form_values(body: bytes) -> list[Field]:
    """Return the fields of a form in their order, files among them. Raises UnreadableError.

    The boundary is read off the first line, which signatures cover; the header is not covered.
    """
    if body.startswith(b"--"):
        return list(_multipart(body))
    return list(_urlencoded(body))


def last_values(body: bytes) -> dict[str, bytes]:
    """Return each field's last value. Raises UnreadableError."""
    return dict(form_values(body))


def single_values(body: bytes) -> dict[str, bytes]:
    """Return each field's value. Raises UnreadableError, also where one is given twice.

    SendGrid's boundary is always the same: a mail that holds it could write fields of its own.
    """
    values = form_values(body)
    named = dict(values)
    if len(named) != len(values):
        raise UnreadableError("a field is given twice")
    return named


def text_of(value: bytes) -> str:
    """Return a value that the provider itself wrote: UTF-8, as clean as every text."""
    return clean(value.decode("utf-8", "replace"))


def _urlencoded(body: bytes) -> Iterator[Field]:
    if body.count(b"&") >= FIELDS or body.count(b"%") > ESCAPES:
        raise UnreadableError("too many fields or escapes")
    for pair in filter(None, body.split(b"&")):
        name, _, value = pair.replace(b"+", b" ").partition(b"=")
        yield text_of(unquote_to_bytes(name)), unquote_to_bytes(value)


def _multipart(body: bytes) -> Iterator[Field]:
    first = _FIRST_LINE.match(body)
    if first is None:
        raise UnreadableError("not a form")
    delimiter = b"\r\n--" + first[1]
    position, count = first.end(), 0
    while count < FIELDS:
        end = body.find(delimiter, position)
        if end < 0:
            raise UnreadableError("the form is cut off")
        yield _field(body, position, end)
        count += 1
        position = end + len(delimiter)
        if body.startswith(b"--", position):
            return
        line_end = body.find(b"\r\n", position)
        if line_end < 0 or body[position:line_end].strip(b" \t"):
            raise UnreadableError("not a form")
        position = line_end + 2
    raise UnreadableError("too many fields")


def _field(body: bytes, start: int, end: int) -> Field:
    blank = body.find(b"\r\n\r\n", start, min(end, start + PART_HEADER_BYTES))
    disposition = _DISPOSITION.search(body[start:blank]) if blank > 0 else None
    name = _NAME.search(disposition[1]) if disposition else None
    if name is None:
        raise UnreadableError("a part has no name")
    return text_of(name[1]), body[blank + 4 : end]
