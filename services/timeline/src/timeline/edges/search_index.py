"""Where events enter the search: what a batch touches is read anew and written to the index.

The index is made of what the timeline's own tables say, so it follows the writer: a batch waits
until all of it has been written down. Whatever the order and however often an event comes, a
document is what the timeline would show.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.errors import PoisonError, TransientError
from common.edges.batches import Received
from timeline.core.entry import Entry
from timeline.core.recording import entry_of, position_of
from timeline.core.search_wording import case_of, stands_alone
from timeline.edges.search_documents import EventKey, index

PAUSE_SECONDS = 0.02
LONGEST_WAIT_SECONDS = 5.0
LONGEST_YIELD_SECONDS = 1.0

_NOT_WRITTEN = text(
    """
    SELECT count(*)
      FROM unnest(CAST(:topics AS text[]), CAST(:partitions AS int[]), CAST(:offsets AS bigint[]))
           AS heard (topic, partition, "offset")
      LEFT JOIN partition_offset AS written
        ON written.consumer_group = :followed AND written.topic = heard.topic
       AND written.partition = heard.partition AND written.next_offset > heard."offset"
     WHERE written.topic IS NULL
    """
)
_NAMED = text(
    """
    SELECT tenant, event_id
      FROM unnest(CAST(:tenants AS text[]), CAST(:refs AS uuid[])) AS said (tenant, ref)
      JOIN search_name USING (tenant, ref)
    """
)
_ADD_CASES = text(
    """
    INSERT INTO search_case (tenant, event_id, case_id)
    SELECT DISTINCT * FROM unnest(CAST(:tenants AS text[]), CAST(:events AS uuid[]),
                                  CAST(:cases AS uuid[])) AS told (tenant, event_id, case_id)
     ORDER BY event_id, tenant, case_id
    ON CONFLICT DO NOTHING
    """
)
# Of two indexers that touch one message the second must see what the first has made of it.
_LOCK = text(
    """
    SELECT pg_advisory_xact_lock(hashtext('timeline.search'), mark)
      FROM (SELECT DISTINCT hashtext(tenant) AS mark
              FROM unnest(CAST(:tenants AS text[])) AS tenant ORDER BY mark) AS ordered
    """
)


class WriterBehindError(TransientError):
    """The timeline has not yet written down what the bus has told."""


class Followed(Struct, frozen=True):
    """Whom the index follows: the writer's group and the prefix of its topics.

    `busy` tells that the writer of this process has much to do, which comes first.
    """

    group: str
    prefix: str = ""
    busy: Callable[[], bool] = lambda: False


class Indexer:
    """The handler of the group that builds the index; see common.edges.consumer.Consumer.

    `region` is the ISO 3166 country of telephone numbers that others write without one.
    """

    def __init__(self, followed: Followed, region: str) -> None:
        self._followed = followed
        self._region = region

    async def __call__(self, connection: AsyncConnection, batch: Sequence[Received]) -> None:
        """Index what a batch touches. Raises WriterBehindError where it cannot be done yet."""
        await self._let_pass()
        await self._wait_for_writer(connection, batch)
        await add_cases(connection, batch)
        entries = [entry for received in batch if (entry := self._entry(received))]
        await touch(connection, entries)

    async def _let_pass(self) -> None:
        """Give the writer of this process the processor, but not for ever."""

        async def has_time(waited: float) -> bool:
            return not self._followed.busy() or waited >= LONGEST_YIELD_SECONDS

        await _until(has_time)

    async def _wait_for_writer(
        self, connection: AsyncConnection, batch: Sequence[Received]
    ) -> None:
        latest: dict[tuple[str, int], int] = {}
        for one in batch:
            place = self._followed.prefix + one.topic, one.partition
            latest[place] = max(latest.get(place, 0), one.offset)
        heard = {
            "followed": self._followed.prefix + self._followed.group,
            "topics": [topic for topic, _ in latest],
            "partitions": [partition for _, partition in latest],
            "offsets": list(latest.values()),
        }

        async def written(waited: float) -> bool:
            if not await connection.scalar(_NOT_WRITTEN, heard):
                return True
            if waited >= LONGEST_WAIT_SECONDS:
                raise WriterBehindError("the timeline has not written this down yet")
            return False

        await _until(written)

    def _entry(self, received: Received) -> Entry | None:
        position = position_of(received.topic, received.partition, received.offset)
        try:
            return entry_of(received.event, position, received.published_at, self._region)
        except PoisonError:
            return None  # the writer has made a dead letter of it


async def touch(connection: AsyncConnection, entries: Sequence[Entry]) -> None:
    """Index anew the messages and activities among these entries, and what the others speak of."""
    alone = [(one.tenant, one.event_id) for one in entries if stands_alone(one)]
    said = [(one.tenant, one.about) for one in entries if one.about is not None]
    if alone or said:
        await lock_tenants(connection, (tenant for tenant, _ in (*alone, *said)))
        named = await _named(connection, said)
        # A fetched file is about the very event that it came with.
        await index(connection, {*alone, *said, *named})


async def lock_tenants(connection: AsyncConnection, tenants: Iterable[str]) -> None:
    """Let nobody else index these tenants' messages until the transaction ends."""
    await connection.execute(_LOCK, {"tenants": sorted(set(tenants))})


async def add_cases(connection: AsyncConnection, batch: Sequence[Received]) -> None:
    """Note which messages belong to which cases, as far as a batch tells."""
    told = [
        (received.event.attributes.tenant, *case)
        for received in batch
        if (case := case_of(received.event))
    ]
    if told:
        tenants, events, cases = zip(*told, strict=True)
        columns = {"tenants": tenants, "events": events, "cases": cases}
        await connection.execute(_ADD_CASES, columns)


async def _named(connection: AsyncConnection, said: Sequence[tuple[str, UUID]]) -> set[EventKey]:
    columns = {"tenants": [tenant for tenant, _ in said], "refs": [ref for _, ref in said]}
    rows = await connection.execute(_NAMED, columns)
    return {(row.tenant, row.event_id) for row in rows}


async def _until(reached: Callable[[float], Awaitable[bool]]) -> None:
    """Ask again after short pauses, telling how many seconds it has been."""
    begun = asyncio.get_running_loop().time()
    while not await reached(asyncio.get_running_loop().time() - begun):  # noqa: ASYNC110 - waits for another process
        await asyncio.sleep(PAUSE_SECONDS)
