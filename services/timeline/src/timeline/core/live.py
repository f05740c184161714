"""What live streams tell: which lines of the change log concern a customer, and what became of it.

A line says that an event was written of a contact. An event that speaks of a message changes the
items of that message, wherever they stand.
"""

from collections import defaultdict
from collections.abc import Iterable, KeysView, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from timeline.core.amendments import spoken_of
from timeline.core.entry import Entry
from timeline.core.fold import present
from timeline.core.items import Item

RECENT = 50  # messages of a customer of which changes are told with the item

ENTRY = "entry"
CHANGED = "changed"
AMENDED = "amended"
MERGED = "customer.merged"
UNMERGED = "customer.unmerged"


CustomerKey = tuple[str, UUID]  # tenant and id


class Place(Struct, frozen=True):
    """Where an entry lies."""

    contact: int
    occurred_at: datetime
    event_id: UUID


class Line(Struct, frozen=True, kw_only=True):
    """A line of the change log: an event was written, or contacts went to another customer.

    Numbers have no gap, and whoever sees one sees all before it. `place` is where the event lies, if
    it is an entry, `about` the message that it speaks of. A move has neither; `merged`: the contacts
    moved because their customer became the other one.
    """

    number: int
    tenant: str
    contact: int
    place: Place | None = None
    about: UUID | None = None
    moved_from: UUID | None = None
    moved_to: UUID | None = None
    merged: bool = False


class Recent(Struct, frozen=True):
    """A message that stands on a customer's newest page, and all names that it goes by."""

    place: Place
    names: frozenset[UUID]


class Told(Struct, frozen=True):
    """What a stream sends: `data` is JSON. Of one number all is sent, or told again."""

    number: int
    name: str
    data: bytes


class Reference(Struct, frozen=True):
    """A message that something new was said of, too old to be told with it."""

    message: UUID


class MovedContacts(Struct, frozen=True):
    """Contacts went `from` a customer `to` another; `customer` is whom the stream follows now."""

    customer: UUID
    from_: UUID = msgspec.field(name="from")
    to: UUID


class Recents:
    """The newest messages of one customer, by their names."""

    def __init__(self, found: Iterable[Recent]) -> None:
        self._places: dict[UUID, Recent] = {}
        self._named: defaultdict[UUID, set[UUID]] = defaultdict(set)
        for recent in sorted(found, key=lambda one: one.place.occurred_at):
            self.add(recent)

    @property
    def names(self) -> KeysView[UUID]:
        """Return what they are called."""
        return self._named.keys()

    def add(self, recent: Recent) -> None:
        """Take one in, for which the one that came first makes room."""
        self._places.pop(recent.place.event_id, None)
        self._places[recent.place.event_id] = recent
        for name in recent.names:
            self._named[name].add(recent.place.event_id)
        if len(self._places) > RECENT:
            self._drop(next(iter(self._places)))

    def concerned(self, about: UUID) -> list[Place]:
        """Return the entries of a message and of all that speaks of it, by one of its names."""
        names, seen, found = [about], {about}, dict[UUID, Recent]()
        while names:
            here = (self._places[event] for event in self._named.get(names.pop(), ()))
            for recent in here:
                found[recent.place.event_id] = recent
                names += recent.names - seen
                seen |= recent.names
        return [recent.place for recent in found.values()]

    def _drop(self, event: UUID) -> None:
        for name in self._places.pop(event).names:
            self._named[name].discard(event)
            if not self._named[name]:
                del self._named[name]


def recent_of(contact: int, entry: Entry) -> Recent | None:
    """Return an entry as one that something may be said of; None where nothing can be."""
    names = spoken_of([entry])
    place = Place(contact, entry.occurred_at, entry.event_id)
    return Recent(place, frozenset(names)) if names else None


class Followed(Struct, frozen=True):
    """A customer whom somebody follows: by these contacts, and these messages of his."""

    contacts: frozenset[int]
    recents: Recents


def lines_of_each(
    lines: Sequence[Line], followed: Mapping[CustomerKey, Followed]
) -> dict[CustomerKey, list[Line]]:
    """Return the lines that concern each customer, in their order; nobody whom none concerns."""
    holder = {contact: key for key, one in followed.items() for contact in one.contacts}
    found: defaultdict[CustomerKey, dict[int, Line]] = defaultdict(dict)
    for line in lines:
        for key in _whose(line, holder):
            if key in followed:
                found[key][line.number] = line
    speaking = [line for line in lines if line.about]
    abouts = {line.about for line in speaking}
    for key, one in followed.items():
        if not one.recents.names.isdisjoint(abouts):
            found[key] |= {line.number: line for line in speaking if _speaks_to(line, key[0], one)}
    return {key: sorted(mine.values(), key=_number) for key, mine in found.items()}


def _whose(line: Line, holder: Mapping[int, CustomerKey]) -> Iterable[CustomerKey]:
    if line.moved_from and line.moved_to:
        return (line.tenant, line.moved_from), (line.tenant, line.moved_to)
    return (holder[line.contact],) if line.contact in holder else ()


def _speaks_to(line: Line, tenant: str, one: Followed) -> bool:
    return line.tenant == tenant and line.about in one.recents.names


def _number(line: Line) -> int:
    return line.number


class Hits(Struct, frozen=True):
    """What lines mean for one customer.

    `events` are all that they tell of; `written` are those of the customer's own contacts, `changed`
    entries that they speak of, `unknown` messages that they speak of and that are not recent, each
    with the last line that does; `moved` are the moves.
    """

    events: frozenset[UUID]
    written: Mapping[Place, int]
    changed: Mapping[Place, int]
    unknown: Mapping[UUID, int]
    moved: Sequence[Line]


def hits(lines: Iterable[Line], one: Followed) -> Hits:
    """Return what the lines that concern a customer mean."""
    events = set[UUID]()
    written, changed = dict[Place, int](), dict[Place, int]()
    unknown, moved = dict[UUID, int](), list[Line]()
    for line in lines:
        if line.place is None:
            moved.append(line)
            continue
        events.add(line.place.event_id)
        concerned = one.recents.concerned(line.about) if line.about else []
        changed |= dict.fromkeys(concerned, line.number)
        if line.contact in one.contacts:
            written[line.place] = line.number
            if line.about and not concerned:
                unknown[line.about] = line.number
    return Hits(frozenset(events), written, changed, unknown, moved)


def items_of(entries: Iterable[Entry], amendments: Iterable[Entry]) -> dict[UUID, Item]:
    """Return these entries as a page shows them, by their events."""
    return {item.id: item for item in present(entries, amendments)}


def told(
    found: Hits, customer: UUID, now: Mapping[UUID, Item], before: Mapping[UUID, Item]
) -> list[Told]:
    """Return what a customer's streams send, in the order of the log.

    `before` are the items as they were without what the lines tell: of those that are the same
    now, nothing is told. What is new, or speaks of something new, is told with that.
    """
    written = {place.event_id: number for place, number in found.written.items()}
    changed = {place.event_id: number for place, number in found.changed.items()}
    new = [_item(ENTRY, written[one], now[one]) for one in now.keys() & written.keys()]
    other = [
        _item(CHANGED, changed[one], now[one])
        for one in (now.keys() & changed.keys()) - written.keys()
        if now[one] != before.get(one)
    ]
    shown = now.keys() | {item.message for item in now.values()}
    amended = [
        Told(number, AMENDED, msgspec.json.encode(Reference(about)))
        for about, number in found.unknown.items()
        if about not in shown
    ]
    moved = [_moved(line, customer) for line in found.moved]
    return sorted([*new, *other, *amended, *moved], key=lambda one: one.number)


def _item(name: str, number: int, item: Item) -> Told:
    return Told(number, name, msgspec.json.encode(item))


def _moved(line: Line, customer: UUID) -> Told:
    assert line.moved_from and line.moved_to  # noqa: S101, PT018 - only moves are asked for
    data = MovedContacts(customer, line.moved_from, line.moved_to)
    return Told(line.number, MERGED if line.merged else UNMERGED, msgspec.json.encode(data))


def numbered(all_told: Sequence[Told]) -> list[tuple[Told, int | None]]:
    """Return each with its id: only the last of one number has one, so that none is cut in two."""
    last = {one.number: one for one in all_told}
    return [(one, one.number if last[one.number] is one else None) for one in all_told]
