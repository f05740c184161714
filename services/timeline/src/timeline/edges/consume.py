"""Where events enter: a batch from the bus becomes entries and profiles in one transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.events import CustomerChanged
from common.edges.batches import Received
from common.edges.clock import Clock
from timeline.core.entry import Entry
from timeline.core.identity import Profile, may_link, profile_of
from timeline.core.months import months_of
from timeline.core.recording import entry_of, position_of
from timeline.edges.clusters import lock_customers
from timeline.edges.contacts import ContactKey, contact_ids
from timeline.edges.identities import write_profiles
from timeline.edges.months import ensure_months
from timeline.edges.writer import write_entries


class Historian:
    """The handler of common.edges.consumer.Consumer.

    `region` is the ISO 3166 country of telephone numbers that others write without one.
    """

    def __init__(self, clock: Clock, region: str) -> None:
        self._clock = clock
        self._region = region

    async def __call__(self, connection: AsyncConnection, batch: Sequence[Received]) -> None:
        """Write down what a batch tells. Raises PoisonError on what can be no entry or profile.

        The order of the steps is the order of their locks, the same for every worker: months,
        customers, contacts, events.
        """
        now = self._clock()
        entries = list(self._entries(batch))
        profiles = list(self._profiles(batch))
        moments = (entry.occurred_at for entry in entries)
        await ensure_months(connection, months_of(moments, now))
        await lock_customers(connection, profiles)
        ids = await contact_ids(connection, _first_seen(entries, profiles, now))
        await write_profiles(connection, profiles, now)
        await write_entries(connection, entries, ids)

    def _entries(self, batch: Iterable[Received]) -> Iterable[Entry]:
        for received in batch:
            position = position_of(received.topic, received.partition, received.offset)
            entry = entry_of(received.event, position, received.published_at, self._region)
            if entry is not None:
                yield entry

    def _profiles(self, batch: Iterable[Received]) -> Iterable[Profile]:
        for received in batch:
            if isinstance(received.event.data, CustomerChanged):
                yield profile_of(received.event, self._region)


def _first_seen(
    entries: Iterable[Entry], profiles: Iterable[Profile], now: datetime
) -> dict[ContactKey, datetime]:
    seen: dict[ContactKey, datetime] = {}
    for entry in entries:
        seen.setdefault((entry.tenant, entry.contact), entry.learned_at)
    for profile in profiles:
        for contact in filter(may_link, profile.contacts):
            seen.setdefault((profile.tenant, contact), now)
    return seen
