"""A customer's conversations: what was written in each, by its last message."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from timeline.core.amendments import read_message
from timeline.core.cursor import cursor_before, write_cursor
from timeline.core.entry import Entry
from timeline.core.items import Item

_MOMENT = timedelta(microseconds=1)


class ConversationView(Struct, frozen=True, kw_only=True):
    """One conversation. `key` is the channel's own name for it, `case` that of its last message.

    `began_at` and `entries` (how many there are) count what was looked at. `last` is its last entry.
    """

    id: UUID
    key: str
    channel: str | None
    subject: str | None
    began_at: datetime
    entries: int
    case: UUID | None
    last: Item


class Conversations(Struct, frozen=True, kw_only=True):
    """Conversations, the one with the newest entry first.

    `next` is the `before` of the page after this one. Where a customer has so much that not all was
    looked at, `reaches` is the moment from which on all is here; ask `until` it for what is older.
    """

    conversations: tuple[ConversationView, ...]
    next: str | None
    reaches: datetime | None


class Talk(Struct, frozen=True):
    """A conversation as far as it was looked at: its last entry, its first moment, how many."""

    conversation: UUID
    last: Entry
    began_at: datetime
    entries: int


def conversations_of(
    talks: Sequence[Talk],
    items: Mapping[UUID, Item],
    limit: int,
    mark: bytes,
    exhausted_at: datetime | None,
) -> Conversations:
    """Return a page of at most `limit` of these conversations: they are one more if there are so many.

    `items` are their last entries as they are shown, by event. What was looked at ended at
    `exhausted_at`, if not with the history.
    """
    shown = talks[:limit]
    more = len(talks) > len(shown)
    return Conversations(
        conversations=tuple(_view(talk, items[talk.last.event_id]) for talk in shown),
        next=write_cursor(cursor_before(shown[-1].last, mark)) if more else None,
        reaches=exhausted_at + _MOMENT if exhausted_at and not more else None,
    )


def _view(talk: Talk, last: Item) -> ConversationView:
    message = read_message(talk.last.body)
    return ConversationView(
        id=talk.conversation,
        key=message.conversation.key,
        channel=talk.last.channel,
        subject=message.subject if last.data is not None else None,
        began_at=talk.began_at,
        entries=talk.entries,
        case=talk.last.case,
        last=last,
    )
