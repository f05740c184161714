"""Where events enter: a batch from the bus becomes entries and profiles in one transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.events import CustomerChanged
from common.core.identity_events import DecisionKind, IdentityDecided
from common.edges.batches import Received
from common.edges.clock import Clock
from timeline.core.entry import Entry
from timeline.core.identity import Decision, Earlier, Profile, decision_of, profile_of
from timeline.core.months import months_of
from timeline.core.recording import entry_of, position_of
from timeline.edges.clusters import concerned, lock_customers
from timeline.edges.contacts import ContactKey, contact_ids, known_contacts, seen_earlier
from timeline.edges.erasure_guard import ErasureGuard
from timeline.edges.identities import write_identities
from timeline.edges.months import ensure_months
from timeline.edges.writer import write_entries

Told = Entry | Profile | Decision


class Historian:
    """The handler of common.edges.consumer.Consumer.

    `region` is the ISO 3166 country of telephone numbers that others write without one, `guard`
    what keeps the erased from being learned again.
    """

    def __init__(self, clock: Clock, region: str, guard: ErasureGuard | None = None) -> None:
        self._clock = clock
        self._region = region
        self._guard = guard or ErasureGuard()

    async def __call__(self, connection: AsyncConnection, batch: Sequence[Received]) -> None:
        """Write down what a batch tells. Raises PoisonError on what can be no entry or profile.

        The order of the steps is the order of their locks, the same for every worker: months,
        customers, contacts, events.
        """
        await self._guard.learn(connection, batch)
        told = await self._guard.admitted(connection, [self._told(one) for one in batch])
        entries = [one for one in told if isinstance(one, Entry)]
        people = [one for one in told if not isinstance(one, Entry)]
        moments = (entry.occurred_at for entry in entries)
        await ensure_months(connection, months_of(moments, self._clock()))
        heard = _first_seen(told)
        first_seen = {key: at for key, (at, _) in heard.items()}
        known = await known_contacts(connection, first_seen)
        earlier = [Earlier(*key, *heard[key]) for key in sorted(known.later)]
        await lock_customers(connection, await concerned(connection, [*earlier, *people]))
        ids = await contact_ids(connection, first_seen, known)
        await seen_earlier(connection, earlier, ids)
        await write_identities(connection, [*earlier, *people])
        await write_entries(connection, entries, ids)

    def _told(self, received: Received) -> Told | None:
        event, heard_at = received.event, received.published_at
        if isinstance(event.data, IdentityDecided):
            return decision_of(event, self._region)
        if isinstance(event.data, CustomerChanged):
            return profile_of(event, heard_at, self._region)
        position = position_of(received.topic, received.partition, received.offset)
        return entry_of(event, position, heard_at, self._region)


def _first_seen(told: Iterable[Told]) -> dict[ContactKey, tuple[datetime, UUID]]:
    """Return when each contact was first heard of, and by which event, whatever the clock shows.

    A rebuild repeats it: it is the earliest time that any event was heard of, in whatever order they
    are read.
    """
    seen: dict[ContactKey, tuple[datetime, UUID]] = {}
    for one in told:
        heard = _heard(one)
        for contact in _contacts(one):
            key = (one.tenant, contact)
            seen[key] = min(heard, seen.get(key, heard))
    return seen


def _heard(told: Told) -> tuple[datetime, UUID]:
    if isinstance(told, Decision):
        return told.data.decided_at, told.decision_id
    return told.learned_at, told.event_id


def _contacts(told: Told) -> Iterable[str]:
    if isinstance(told, Entry):
        return (told.contact,)
    if isinstance(told, Profile):
        return told.contacts
    blocks = told.data.kind in (DecisionKind.BLOCK, DecisionKind.UNBLOCK)
    return () if blocks else (*told.data.contacts, *told.data.others, *told.data.beyond)
