"""Asking Bluesky for mentions: `app.bsky.notification.listNotifications`, back from the newest.

The answer's cursor leads to older notifications only, so we page back to where we were: the time
of the newest one that we know, and the names of those of that very time.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from common.core.payloads import UnreadableError
from ingest_social.core.news import News

PATH = "/xrpc/app.bsky.notification.listNotifications"
LIMIT = 100  # the most that is given at once
_REASONS = ("mention", "reply", "quote")


class Item(Struct, frozen=True, rename="camel"):
    """One notification: when the network learned of it, and its bytes as they came."""

    uri: str
    indexed_at: str
    body: bytes = b""


class Page(Struct, frozen=True):
    """One answer, newest first. `older` leads to the next one."""

    items: tuple[Item, ...]
    older: str | None


class _Answer(Struct, frozen=True):
    notifications: list[msgspec.Raw]
    cursor: str | None = None


class _Position(Struct, frozen=True, array_like=True):
    at: str = ""
    known: tuple[str, ...] = ()


def query(older: str | None) -> tuple[tuple[str, str], ...]:
    """Return the parameters of one question; `older` goes on from an earlier answer."""
    asked = (*(("reasons", reason) for reason in _REASONS), ("limit", str(LIMIT)))
    return (*asked, ("cursor", older)) if older else asked


def page(body: bytes) -> Page:
    """Return one answer. Raises UnreadableError."""
    try:
        answer = msgspec.json.decode(body, type=_Answer)
        items = tuple(_item(bytes(raw)) for raw in answer.notifications)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise UnreadableError("not a list of notifications") from error
    return Page(items, answer.cursor)


def reaches(answer: Page, position: str | None) -> bool:
    """Whether nothing older is worth asking for; without a position the newest page is enough."""
    if position is None or answer.older is None or not answer.items:
        return True
    return answer.items[-1].indexed_at < _read(position).at


def news(answers: Sequence[Page], position: str | None) -> News:
    """Return what is new in answers that go back to `position`."""
    known = _read(position)
    items = [
        item
        for answer in answers
        for item in answer.items
        if item.indexed_at >= known.at and item.uri not in known.known
    ]
    items.sort(key=lambda item: item.indexed_at)
    if not items:
        return News((), position)
    newest = items[-1].indexed_at
    names = {item.uri for item in items if item.indexed_at == newest}
    names |= set(known.known) if newest == known.at else set()
    reached = msgspec.json.encode(_Position(newest, tuple(sorted(names)))).decode()
    return News(tuple(b'{"notifications":[%b]}' % item.body for item in items), reached)


def _item(raw: bytes) -> Item:
    return msgspec.structs.replace(msgspec.json.decode(raw, type=Item), body=raw)


def _read(position: str | None) -> _Position:
    return msgspec.json.decode(position, type=_Position) if position else _Position()
