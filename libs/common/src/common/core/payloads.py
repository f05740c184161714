"""Payloads as other people's programs write them: read what can be read, say plainly what cannot."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta

from common.core.text import clean

Id = Annotated[str, Meta(min_length=1)]  # an empty id would make strangers' messages one
"""A name that tells one thing from another."""

T = TypeVar("T")

SMALL_FORM = 10_000  # characters; larger ones are not worth keeping

_MAX_ATTRIBUTES = 64
_MAX_DEPTH = 4
_MAX_TEXT = 1000


class UnreadableError(ValueError):
    """The payload is not what its provider documents."""


def json_value(body: bytes) -> object:
    """Return the value of a JSON text; every text in it is clean (common.core.text).

    Lenient where meaning is not in doubt: a byte order mark, control characters, bytes outside
    UTF-8 and lone surrogates are survived. Raises UnreadableError.
    """
    if b"\\u0000" not in body:  # msgspec is fast and strict; only the odd text takes the long way
        try:
            return msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            pass
    try:
        return _cleaned(json.loads(body.decode("utf-8-sig", "replace"), strict=False))
    except (ValueError, RecursionError) as error:
        raise UnreadableError("not JSON") from error


def form_fields(text: bytes | str) -> tuple[tuple[str, str], ...]:
    """Return the decoded fields of a form or query in their order, empty ones included.

    They stay as they were signed: clean them before they enter an event.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return _small_form(text) if len(text) <= SMALL_FORM else _form(text)


def _form(text: str) -> tuple[tuple[str, str], ...]:
    return tuple(parse_qsl(text, keep_blank_values=True))


# The signature check and the parser read the same form one after the other.
_small_form = lru_cache(maxsize=256)(_form)


def shaped(value: object, shape: type[T]) -> T:
    """Return the value as a Struct; numbers and flags may be written as text.

    Raises UnreadableError.
    """
    try:
        return msgspec.convert(value, shape, strict=False)
    except (msgspec.ValidationError, RecursionError) as error:
        raise UnreadableError(str(error)) from error


def shaped_at(value: object, name: str, shape: type[T]) -> T:
    """Return what lies under a name as a Struct. Raises UnreadableError, also where it is missing."""
    return shaped(value_at(value, name), shape)


def value_at(value: object, *path: str) -> object:
    """Return what lies under nested names, or None where there is nothing."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def text_at(value: object, *path: str) -> str | None:
    """Return the text under nested names, or None where there is none."""
    found = value_at(value, *path)
    return found if isinstance(found, str) else None


def items_at(value: object, *path: str) -> list[object]:
    """Return the list under nested names, empty where there is none."""
    found = value_at(value, *path)
    return found if isinstance(found, list) else []


def flattened(value: object, prefix: str = "") -> dict[str, str]:
    """Return nested values as attributes, e.g. `{"beacon.type": "enter"}`.

    Bounded in number, depth and length: attributes are labels, the original is kept elsewhere.
    """
    flat: dict[str, str] = {}
    _flatten(value, prefix, _MAX_DEPTH, flat)
    return flat


def _flatten(value: Any, prefix: str, depth: int, flat: dict[str, str]) -> None:
    if isinstance(value, dict | list) and depth:
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for name, part in pairs:
            _flatten(part, f"{prefix}.{name}" if prefix else str(name), depth - 1, flat)
    elif value is not None and len(flat) < _MAX_ATTRIBUTES:
        flat[prefix] = _label(value)[:_MAX_TEXT]


def _label(value: object) -> str:
    try:
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except RecursionError:  # nested just less deeply than what cannot be read at all
        return ""


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(part) for part in value]
    if isinstance(value, dict):
        return {clean(name): _cleaned(part) for name, part in value.items()}
    return value
