"""Is the timeline, row for row, what the bus tells? Asked of both, past the service's own reading."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
from aiokafka import ConsumerRecord
from msgspec import Struct
from typing_extensions import override

from assignment_laws.told import read_records
from common.core.cloudevents import read
from timeline.core.entry import TOPICS, Entry
from timeline.core.recording import entry_of, position_of

REGION = "JP"
_COLUMNS = (
    'event_id, tenant, address, occurred_at, learned_at, topic, partition, "offset", type, kind, '
    "channel, direction, conversation, case_id, body::text AS body"
)
_ROWS = " UNION ALL ".join(
    f"SELECT {_COLUMNS} FROM timeline.{table} JOIN timeline.contact USING (tenant) "  # noqa: S608 - our own names
    f"WHERE contact.id = {table}.contact_id"
    for table in ("entry", "amendment")
)

Row = tuple[Any, ...]


class Difference(Struct, frozen=True):
    """How many rows the timeline has, and how many of them are not as the bus tells."""

    rows: int
    missing: int
    added: int
    different: int
    repeated: int

    @property
    def is_none(self) -> bool:
        """Whether the timeline is what the bus tells, no more and no less."""
        return not (self.missing or self.added or self.different or self.repeated)

    @override
    def __str__(self) -> str:
        return (
            f"{self.rows} rows: {self.missing} missing, {self.added} that the bus does not tell, "
            f"{self.different} different, {self.repeated} twice"
        )


async def difference(bootstrap: str, database: str) -> Difference:
    """Compare entries and amendments with the first record of each event that makes one."""
    wanted: dict[UUID, Row] = {}
    for topic in TOPICS:
        for record in await read_records(bootstrap, topic):
            if record.value is not None and (entry := _entry(record)):
                wanted.setdefault(entry.event_id, row_of(entry))
    return compared(wanted, await stored_rows(database))


async def stored_rows(database: str) -> list[Row]:
    """Return all entries and amendments, of all tenants: to a superuser."""
    connection = await asyncpg.connect(database)
    try:
        return [tuple(row) for row in await connection.fetch(_ROWS)]
    finally:
        await connection.close()


def compared(wanted: Mapping[UUID, Row], found: Iterable[Row]) -> Difference:
    """Count how rows, whose first column is the event's id, differ from what is wanted.

    What changes another message stands in both tables: two rows of one event may be the same.
    """
    rows = list(found)
    known = {row[0]: set[Row]() for row in rows}
    for row in rows:
        known[row[0]].add(row)
    return Difference(
        rows=len(known),
        missing=len(wanted.keys() - known.keys()),
        added=len(known.keys() - wanted.keys()),
        different=sum(wanted[one] not in known[one] for one in wanted.keys() & known.keys()),
        repeated=sum(len(same) > 1 for same in known.values()),
    )


def _entry(record: ConsumerRecord) -> Entry | None:
    event = read(record.headers, record.value)
    position = position_of(record.topic, record.partition, record.offset)
    return entry_of(event, position, datetime.fromtimestamp(record.timestamp / 1000, UTC), REGION)


def row_of(entry: Entry) -> Row:
    """Return the row that an entry should have become."""
    at = entry.position
    return (
        *(entry.event_id, entry.tenant, entry.contact, entry.occurred_at, entry.learned_at),
        *(at.topic, at.partition, at.offset, entry.type, entry.kind, entry.channel),
        *(entry.direction, entry.conversation, entry.case, entry.body.decode()),
    )


async def count_rows(database: str, *tables: str) -> int:
    """Return how many rows these tables of ours hold in all."""
    connection = await asyncpg.connect(database)
    try:
        counts = [
            await connection.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608 - our own names
            for table in tables
        ]
    finally:
        await connection.close()
    return sum(counts)
