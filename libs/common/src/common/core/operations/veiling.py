"""Showing what a letter holds without showing what a person wrote or who it was.

What is shown is a closed list: a new field is veiled until somebody says that it tells nobody
anything about a person. Numbers, too, may be somebody's.
"""

import re
from typing import Any

import msgspec
from msgspec import Struct

from common.core.adapters import Original, without_credentials
from common.core.cloudevents import Headers, read
from common.core.contacts import ContactKind
from common.core.dead_letters import ORIGINAL_TYPE
from common.core.errors import PoisonError
from common.core.operations.letters import Letter

MOST_BYTES = 4096  # shown of what is no JSON

_PLAIN_FIELDS = frozenset(
    {
        *("id", "specversion", "source", "type", "time", "datacontenttype", "dataschema", "tenant"),
        *("traceparent", "kind", "direction", "channel", "provider", "state", "status", "language"),
        *("media_type", "size", "sent_at", "received_at", "occurred_at", "spf", "dkim", "dmarc"),
        *("method", "decided_at", "queue", "plan", "priority", "account", "team", "content-type"),
        *("replayed_from", "replayed_by", "replayed_at"),
    }
)
# A field of the list may hold anything: what is wrong with it may be why it was refused.
_PLAIN_VALUE = re.compile(r"[A-Za-z0-9_./:;=+ -]{1,100}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
# A contact's kind says on which channel somebody wrote, and not who.
_CONTACT = re.compile(rf"(?:[a-z0-9-]{{1,63}}\|)?(?:{'|'.join(ContactKind)}):")
# Behind these words stand the values that were refused, by msgspec, Postgres or SQLAlchemy.
_VALUES_BEGIN = re.compile(r"""['"]|\[SQL|\[parameters|DETAIL:|Key \(""")
_PLACE = re.compile(r" - at `\$[^`]*`$")


class Content(Struct, frozen=True):
    """What a letter holds: `form` is `json`, `request` or `bytes`, `value` made of JSON's values."""

    form: str
    value: Any


def content_of(letter: Letter, *, veiled: bool) -> Content:
    """Return a letter's payload, decoded as far as it can be."""
    if ("content-type", ORIGINAL_TYPE) in letter.headers:
        return _request(letter.value, veiled=veiled)
    try:
        decoded = msgspec.json.decode(letter.value)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _bytes(letter.value, veiled=veiled)
    return Content("json", veil(decoded) if veiled else decoded)


def headers_of(headers: Headers, *, veiled: bool) -> dict[str, str]:
    """Return the headers as text; of several of one name the last."""
    shown = {name: value.decode(errors="backslashreplace") for name, value in headers}
    if not veiled:
        return shown
    return {
        name: veil(value, plain=name.removeprefix("ce_") in _PLAIN_FIELDS)
        for name, value in shown.items()
    }


def detail_of(letter: Letter, *, veiled: bool) -> str:
    """Return why a letter was refused; veiled, without the values that were refused."""
    found = _VALUES_BEGIN.search(letter.detail) if veiled else None
    if found is None:
        return letter.detail
    place = _PLACE.search(letter.detail)
    return f"{letter.detail[: found.start()].rstrip()} …{place[0] if place else ''}"


def reads_today(letter: Letter) -> str:
    """Return what today's code makes of a letter: the event's type, or why it is still refused."""
    if not letter.topic:
        return "a request that never became an event"
    try:
        event = read(letter.headers, letter.value)
    except PoisonError as error:
        return f"refused: {error.reason}"
    known = "" if event.data is not None else ", a type that this version does not know"
    return f"{event.attributes.type}{known}, id {event.attributes.id}"


def veil(value: Any, *, plain: bool = False) -> Any:
    """Return the same shape with what may be about a person hidden. `plain`: may be shown by its name."""
    match value:
        case dict():
            return {
                _shown(name): veil(inner, plain=name in _PLAIN_FIELDS)
                for name, inner in value.items()
            }
        case list():
            return [veil(item, plain=plain) for item in value]
        case None | bool():
            return value
        case _:
            return value if plain and _PLAIN_VALUE.fullmatch(str(value)) else hidden(str(value))


def hidden(text: str) -> str:
    """Return how long a text is instead of it, behind the kind of contact, if it is one."""
    kind = _CONTACT.match(text)
    unit = "character" if len(text) == 1 else "characters"
    return f"{kind[0] if kind else ''}‹{len(text)} {unit}›"


def _shown(name: str) -> str:
    return name if _NAME.fullmatch(name) else hidden(name)


def _request(value: bytes, *, veiled: bool) -> Content:
    try:
        original = without_credentials(msgspec.msgpack.decode(value, type=Original))
    except (msgspec.DecodeError, UnicodeError):
        return _bytes(value, veiled=veiled)
    told = msgspec.to_builtins(msgspec.structs.replace(original, body=b""))
    told["body"] = _text(original.body)
    return Content("request", veil(told) if veiled else told)


def _bytes(value: bytes, *, veiled: bool) -> Content:
    return Content("bytes", f"‹{len(value)} bytes›" if veiled else _text(value))


def _text(value: bytes) -> str:
    return value[:MOST_BYTES].decode(errors="backslashreplace")
