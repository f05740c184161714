"""What can be found of an entry: its wording as it counts now, after every edit and unsend."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

import msgspec
from msgspec import Struct

from common.core.cloudevents import Event
from common.core.event_types import TYPE_OF
from common.core.events import Activity, Message, MessageKind
from timeline.core.amendments import (
    Amendments,
    edits_among,
    files,
    read_message,
    unsends_among,
    versions,
)
from timeline.core.entry import CHANGES, Entry
from timeline.core.recording import message_of_case
from timeline.core.search_text import LONGEST_TEXT, form

_ACTIVITY = TYPE_OF[Activity]
_OTHERS_WORDS = (*CHANGES, MessageKind.UNSUPPORTED)


class Wording(Struct, frozen=True):
    """What is searched, as it was written."""

    sender: str | None = None
    subject: str | None = None
    files: tuple[str, ...] = ()
    text: str | None = None

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """Return the name and text of each field, in the order of `plain`."""
        return (
            ("sender", self.sender or ""),
            ("subject", self.subject or ""),
            ("files", " / ".join(self.files)),
            ("text", self.text or ""),
        )


_read_activity = msgspec.json.Decoder(Activity).decode


def stands_alone(entry: Entry) -> bool:
    """Whether an entry has words of its own; those of a change are found at what it changes."""
    if entry.message is None:
        return entry.type == _ACTIVITY
    return entry.about is None or entry.kind not in _OTHERS_WORDS


def wording(entry: Entry, known: Amendments) -> Wording | None:
    """Return the words of an entry, or None where nobody should find it."""
    if not stands_alone(entry):
        return None
    if entry.message is None:
        return _activity(entry)
    return _message(entry, read_message(entry.body), known)


def plain(words: Wording) -> str:
    """Return the form in which the fields are searched, a line each.

    Of a very long text only the beginning is searched.
    """
    return "\n".join(form(text) for _, text in words.fields)[:LONGEST_TEXT]


def names(entries: Iterable[Entry], said: Iterable[Entry]) -> dict[UUID, set[UUID]]:
    """Return under which references something may be said of these entries: reference → events.

    On X each edit has an id of its own, by which the next one calls the message.
    """
    known: dict[UUID, set[UUID]] = defaultdict(set)
    for entry in entries:
        if entry.message is not None:
            known[entry.message].add(entry.event_id)
    edits = list(edits_among(said))
    for _ in edits:  # each round resolves one more link of a chain of edits, in whatever order
        if not [name for edit in edits for name in _learned(edit, known)]:
            break
    return dict(known)


def case_of(event: Event) -> tuple[UUID, UUID] | None:
    """Return the event of a message and the case that it belongs to, where an event tells it."""
    message = message_of_case(event.data)
    return (message, event.data.case_id) if message else None


def _learned(edit: Entry, known: dict[UUID, set[UUID]]) -> Iterator[UUID]:
    events = known.get(edit.about, set()) if edit.about else set()
    if edit.message is not None and not events <= known.get(edit.message, set()):
        known[edit.message] |= events
        yield edit.message


def _message(entry: Entry, message: Message, known: Amendments) -> Wording | None:
    said = known.of(entry, message)
    if any(unsends_among(said)):
        return None
    shown: Sequence[str] = [one.name for one in files(entry, message, said)]
    latest = None if entry.about else next(reversed(versions(entry, message, said)), None)
    return Wording(
        sender=message.sender.name,
        subject=latest.subject if latest else message.subject,
        files=tuple(shown),
        text=latest.text if latest else message.text,
    )


def _activity(entry: Entry) -> Wording | None:
    summary = _read_activity(entry.body).summary
    return Wording(text=summary) if summary else None
