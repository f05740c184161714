"""Structured fields with parameters: Content-Type and Content-Disposition (RFC 2045, 2183, 2231)."""

import re

from msgspec import Struct

from ingest_email.core.charsets import decode
from ingest_email.core.words import decode_words

_PARAMETER = re.compile(
    r'[;\s]\s{0,20}([^\s=;"]{1,100})\s{0,20}=\s{0,20}("(?:[^"\\]|\\.)*(?:"|$)|[^;]*)',
    re.DOTALL,
)
_VALUE = re.compile(r"\s*[^\s;]*")  # the semicolon after it is forgotten now and then
_QUOTED_PAIR = re.compile(r'\\(["\\])')
_SECTION = re.compile(r"(.+?)\*(?:(\d{1,3})(\*)?)?")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_MAX_PARAMETERS = 100


class Structured(Struct, frozen=True):
    """A lower-case value such as `text/plain`, and its parameters by lower-case name."""

    value: str = ""
    parameters: dict[str, str] = {}

    def get(self, name: str) -> str:
        """Return a parameter, or an empty string."""
        return self.parameters.get(name, "")


def read_structured(raw: bytes, hint: str = "") -> Structured:
    """Return a field's value and parameters, decoded. Never raises.

    The sections of one parameter (RFC 2231 §3) are joined as bytes before they are decoded once:
    senders split them inside a character. Encoded words in a quoted value are illegal and usual.
    """
    text = decode(raw, "", hint)
    value = _VALUE.match(text)
    sections: dict[str, list[tuple[int, bool, str]]] = {}
    for number, found in enumerate(_PARAMETER.finditer(text)):
        if number == _MAX_PARAMETERS:
            break
        name, index, extended = _section(found[1].casefold())
        sections.setdefault(name, []).append((index, extended, _unquoted(found[2])))
    return Structured(
        value[0].strip().casefold() if value else "",
        {name: _value(parts, hint) for name, parts in sections.items()},
    )


def _section(name: str) -> tuple[str, int, bool]:
    """Return (name, section, percent-encoded) of `name`, `name*`, `name*0` or `name*0*`."""
    found = _SECTION.fullmatch(name)
    if not found:
        return name, -1, False
    base, index, star = found.groups()
    return base, int(index or 0), index is None or star is not None


def _unquoted(value: str) -> str:
    value = value.strip()
    if value.startswith('"'):
        return _QUOTED_PAIR.sub(r"\1", value[1:].removesuffix('"'))
    return value


def _value(parts: list[tuple[int, bool, str]], hint: str) -> str:
    continued = sorted(part for part in parts if part[0] >= 0)
    if not continued:
        return decode_words(parts[0][2], hint).strip()
    if not any(extended for _, extended, _ in continued):
        return decode_words("".join(text for _, _, text in continued), hint).strip()
    charset, first = _charset(continued[0])
    raw = _bytes(continued[0][1], first)
    raw += b"".join(_bytes(extended, text) for _, extended, text in continued[1:])
    return decode(raw, charset, hint).strip()


def _charset(part: tuple[int, bool, str]) -> tuple[str, str]:
    """Split `charset'language'value`."""
    _, extended, text = part
    charset, quote, rest = text.partition("'")
    _language, second_quote, value = rest.partition("'")
    return (charset, value) if extended and quote and second_quote else ("", text)


def _bytes(extended: bool, text: str) -> bytes:  # noqa: FBT001 - a property of the section, read off it
    raw = text.encode("utf-8", "surrogatepass")
    return _PERCENT.sub(lambda code: bytes((int(code[1], 16),)), raw) if extended else raw
