"""Asking a Mastodon instance for mentions: `GET /api/v1/notifications`, forward from an id."""

import msgspec
from msgspec import Struct

from common.core.payloads import UnreadableError
from ingest_social.core.news import News

PATH = "/api/v1/notifications"
LIMIT = 40  # the most that an instance gives at once


class _Named(Struct, frozen=True):
    id: str


def query(position: str | None) -> tuple[tuple[str, str], ...]:
    """Return the parameters that ask for what follows a position; at first for the newest page."""
    asked = (("types[]", "mention"), ("limit", str(LIMIT)))
    return (*asked, ("min_id", position)) if position else asked


def news(body: bytes, position: str | None) -> News:
    """Return the notifications of one answer, which lists the newest first.

    Raises UnreadableError.
    """
    try:
        listed = msgspec.json.decode(body, type=list[msgspec.Raw])
        names = [msgspec.json.decode(item, type=_Named).id for item in listed]
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise UnreadableError("not a list of notifications") from error
    newest = max(names, key=_age, default=position)
    more = position is not None and len(listed) >= LIMIT and newest != position
    return News(tuple(bytes(item) for item in reversed(listed)), newest, more)


def _age(name: str) -> tuple[int, str]:
    return len(name), name  # numbers as text: the longer one is the newer one
