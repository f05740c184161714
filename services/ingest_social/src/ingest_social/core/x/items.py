"""Taking X's two envelopes apart into the same items."""

from collections.abc import Iterator, Mapping

from msgspec import Struct

from common.core.payloads import UnreadableError, flattened, items_at, text_at, value_at

POST, POST_DELETED, MESSAGE, MESSAGE_READ, NOTICE = "post", "deleted", "message", "read", "notice"

_LISTS = {
    "tweet_create_events": POST,
    "tweet_delete_events": POST_DELETED,
    "direct_message_events": MESSAGE,
    "direct_message_mark_read_events": MESSAGE_READ,
}


class Item(Struct, frozen=True):
    """One thing that happened to our user `ours`.

    `name` is X's own word for it; `people` are names by id and `media` files by key, as far as the
    envelope tells.
    """

    kind: str
    name: str
    ours: str
    told: object
    event_id: str | None = None
    people: Mapping[str, str] = {}
    media: Mapping[str, object] = {}


def items(body: object) -> list[Item]:
    """Return the items of a request. Raises UnreadableError where it tells nothing."""
    activity = value_at(body, "data")
    found = list(_account_activity(body) if activity is None else _activity(activity))
    if not found:
        raise UnreadableError("a request that tells nothing")
    return found


def _activity(data: object) -> Iterator[Item]:
    """X Activity API: one event, whose payload may hold several direct messages."""
    name, event_id = text_at(data, "event_type") or "", flattened(data).get("event_uuid")
    ours, payload = text_at(data, "filter", "user_id") or "", value_at(data, "payload")
    people = _by_id(items_at(data, "includes", "users")) | _by_key(value_at(payload, "users"))
    if name.startswith("post."):
        kind = POST_DELETED if name == "post.delete" else POST
        files = {
            text_at(file, "media_key") or "": file for file in items_at(data, "includes", "media")
        }
        yield Item(kind, name, ours, payload, event_id, people, files)
        return
    told = list(_listed(payload, ours, people))
    yield from told or [Item(NOTICE, name, ours, payload, event_id)]


def _account_activity(body: object) -> Iterator[Item]:
    """Account Activity API: lists by kind, and the user they are for."""
    ours = text_at(body, "for_user_id") or ""
    yield from _listed(body, ours, _by_key(value_at(body, "users")))
    for name, told in body.items() if isinstance(body, Mapping) else ():
        if name not in _LISTS and name.endswith(("_events", "_event")):
            yield Item(NOTICE, name, ours, told)


def _listed(holder: object, ours: str, people: Mapping[str, str]) -> Iterator[Item]:
    for name, kind in _LISTS.items():
        for told in items_at(holder, name):
            yield Item(kind, name, ours, told, people=people)


def _by_id(people: list[object]) -> dict[str, str]:
    return {text_at(one, "id") or "": text_at(one, "name") or "" for one in people}


def _by_key(people: object) -> dict[str, str]:
    named = people if isinstance(people, Mapping) else {}
    return {user: text_at(one, "name") or "" for user, one in named.items()}
