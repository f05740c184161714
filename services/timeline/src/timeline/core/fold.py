"""How a page presents entries: each message with all that was later said of it."""

from collections.abc import Iterable
from typing import Any

import msgspec

from common.core.event_types import TYPE_OF
from common.core.events import Activity
from timeline.core.activities import read_activity
from timeline.core.amendments import (
    Amendments,
    delivery,
    files,
    first_files,
    once,
    reactions,
    read_message,
    reports,
    unsends_among,
    versions,
)
from timeline.core.entry import Entry
from timeline.core.items import Item

_ACTIVITY = TYPE_OF[Activity]


def present(entries: Iterable[Entry], amendments: Iterable[Entry]) -> tuple[Item, ...]:
    """Return the page of these entries, newest first.

    `amendments` are all that speak of a message which these entries are or speak of. Either may
    come in any order and repeated: the page is the same.
    """
    known = Amendments(amendments)
    newest_first = sorted(once(entries), key=lambda entry: entry.moment, reverse=True)
    return tuple(_item(entry, known) for entry in newest_first)


def _item(entry: Entry, known: Amendments) -> Item:
    if entry.message is None:
        is_activity = entry.type == _ACTIVITY
        return _shown(entry, activity=read_activity(entry.body) if is_activity else None)
    if known.speak_of(entry):
        return _folded(entry, known)
    return _shown(entry, attachments=first_files(entry))


def _folded(entry: Entry, known: Amendments) -> Item:
    """Show what was said of a message; of a change only its files, and whether it was unsent."""
    message = read_message(entry.body)
    said = known.of(entry, message)
    unsent_at = min((one.occurred_at for one in unsends_among(said)), default=None)
    if unsent_at:
        told: dict[str, Any] = {"data": None, "unsent_at": unsent_at}
    else:
        told = {"attachments": files(entry, message, said)}
    if entry.about is not None:
        return _shown(entry, **told)
    return _shown(
        entry,
        delivery=delivery(said),
        versions=() if unsent_at else versions(entry, message, said),
        reactions=reactions(said),
        reports=reports(said),
        **told,
    )


def _shown(entry: Entry, **told: Any) -> Item:
    """Return an entry's line, with what was told of it beside."""
    told.setdefault("data", msgspec.Raw(entry.body))
    return Item(
        id=entry.event_id,
        contact=entry.contact,
        occurred_at=entry.occurred_at,
        learned_at=entry.learned_at,
        type=entry.type,
        kind=entry.kind,
        channel=entry.channel,
        direction=entry.direction,
        message=entry.about or entry.message,
        conversation=entry.conversation,
        case=entry.case,
        **told,
    )
