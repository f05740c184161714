"""The parts of Bluesky's records that we use, named as in the lexicons."""

from typing import Any

from msgspec import Struct, field

from common.core.payloads import Id


class Author(Struct, frozen=True, rename="camel"):
    """Somebody: `did` for ever, `handle` until they choose another."""

    did: Id
    handle: str | None = None
    display_name: str | None = None


class Notification(Struct, frozen=True, rename="camel"):
    """Somebody did something that concerns us. `indexed_at` is the network's time, not theirs."""

    uri: Id
    author: Author
    reason: str
    reason_subject: str | None = None
    record: dict[str, Any] = {}
    indexed_at: str | None = None


class Link(Struct, frozen=True):
    """The content's own id."""

    link: str = field(name="$link")


class Blob(Struct, frozen=True, rename="camel"):
    """A file within its author's repository."""

    ref: Link
    mime_type: str = "application/octet-stream"
    size: int | None = None


class Sender(Struct, frozen=True):
    """Who sent a direct message."""

    did: Id


class Direct(Struct, frozen=True, rename="camel"):
    """A direct message."""

    id: Id
    sender: Sender
    text: str = ""
    sent_at: str | None = None


class Reaction(Struct, frozen=True, rename="camel"):
    """An emoji on a direct message."""

    value: str
    sender: Sender
    created_at: str | None = None


class Log(Struct, frozen=True, rename="camel"):
    """Something that happened in a conversation. `rev` orders all of them."""

    rev: Id
    convo_id: Id
    type: str = field(name="$type")
