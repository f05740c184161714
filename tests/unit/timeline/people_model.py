"""The plain model of who is one person: a union-find over what profiles name, and its exceptions.

It shares no code with the timeline and knows nothing of batches, orders, locks or rows: it is given
everything that was ever said, sorts it by when it was so, and joins. `said_of` reads profiles' events.

    model = PeopleModel(shared={"email:info@example.jp"})
    for event in profiles: model.hear(event)
    model.people()      # a frozenset of contacts for each person
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from common.core.cloudevents import Event

FULL = 50  # contacts of one person
BUSY = 20  # joins of one person within an hour
KNOWN_TO_ALL = 20  # references that name one contact


@dataclass
class PeopleModel:
    """Everything that profiles said. `shared` contacts link nobody."""

    shared: frozenset[str] = frozenset()
    said: dict[tuple[str, str], tuple[datetime, str, str]] = field(default_factory=dict)
    contacts: set[str] = field(default_factory=set)

    def hear(self, event: Event) -> None:
        """Take in a profile whose contacts are written as everybody writes them."""
        told = event.data
        for contact in told.contacts:
            self.contacts.add(contact)
            new = (told.changed_at, str(event.attributes.id), event.attributes.source)
            old = self.said.get((told.customer_ref, contact), new)
            self.said[told.customer_ref, contact] = min(old, new)

    def people(self) -> set[frozenset[str]]:
        """Return the contacts of each person."""
        joined = _Joined(self.contacts, self.said)
        named = Counter(contact for _, contact in self.said)
        nobodys = self.shared | {one for one, times in named.items() if times > KNOWN_TO_ALL}
        in_order = sorted(
            (when, name, ref, contact) for (ref, contact), (when, name, _) in self.said.items()
        )
        for when, _, ref, contact in in_order:
            if contact not in nobodys:
                joined.join(f"profile {ref}", contact, when)
        return joined.groups(self.contacts)


class _Joined:
    def __init__(
        self, contacts: Iterable[str], said: Mapping[tuple[str, str], tuple[datetime, str, str]]
    ) -> None:
        self.above: dict[str, str] = {}
        self.size: dict[str, int] = {}
        self.only_one: dict[str, set[str]] = {}
        self.joins: dict[str, list[datetime]] = {}
        for contact in contacts:
            kind, _, rest = contact.partition(":")
            personal = kind in ("line", "whatsapp", "telegram")
            scope = f"{kind} {rest.rpartition(':')[0]}"
            self._add(contact, 1, {scope} if personal else set())
        for (ref, _), (_, _, system) in sorted(said.items(), key=lambda one: one[1]):
            self._add(f"profile {ref}", 0, {f"system {system}"})

    def _add(self, thing: str, size: int, only_one: set[str]) -> None:
        if thing not in self.above:
            self.above[thing] = thing
            self.size[thing], self.only_one[thing], self.joins[thing] = size, only_one, []

    def root(self, thing: str) -> str:
        while self.above[thing] != thing:
            self.above[thing] = self.above[self.above[thing]]
            thing = self.above[thing]
        return thing

    def join(self, one: str, other: str, when: datetime) -> None:
        one, other = self.root(one), self.root(other)
        if one == other or self.only_one[one] & self.only_one[other]:
            return
        two = bool(self.size[one] and self.size[other])
        joins = self.joins[one] + self.joins[other]
        recent = [moment for moment in joins if when - timedelta(hours=1) < moment <= when]
        if self.size[one] + self.size[other] > FULL or (two and len(recent) >= BUSY):
            return
        self.above[one] = other
        self.size[other] += self.size[one]
        self.only_one[other] = self.only_one[one] | self.only_one[other]
        self.joins[other] = [*joins, when] if two else joins

    def groups(self, contacts: Iterable[str]) -> set[frozenset[str]]:
        found: dict[str, set[str]] = {}
        for contact in contacts:
            found.setdefault(self.root(contact), set()).add(contact)
        return {frozenset(group) for group in found.values()}
