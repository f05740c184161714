"""The parts of Mastodon's entities that we use."""

from msgspec import Struct

from common.core.payloads import Id


class Account(Struct, frozen=True):
    """Somebody. `acct` lacks the instance where it is the one that tells."""

    acct: Id
    url: str = ""
    display_name: str = ""


class Media(Struct, frozen=True):
    """A file; `remote_url` is where another instance has it."""

    type: str = "unknown"
    url: str | None = None
    remote_url: str | None = None
    description: str | None = None


class Status(Struct, frozen=True):
    """What somebody wrote: to all, to followers, or as `direct` to those it names."""

    id: Id
    account: Account
    content: str = ""
    created_at: str | None = None
    edited_at: str | None = None
    spoiler_text: str = ""
    visibility: str = "public"
    in_reply_to_id: str | None = None
    language: str | None = None
    media_attachments: list[Media] = []


class Notification(Struct, frozen=True):
    """Somebody did something that concerns us."""

    id: Id
    type: str
    created_at: str | None = None
    account: Account | None = None
    status: Status | None = None


class Conversation(Struct, frozen=True):
    """An exchange of direct statuses."""

    id: Id
    last_status: Status | None = None
