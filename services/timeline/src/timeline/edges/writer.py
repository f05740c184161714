"""Entries into Postgres: a few statements a batch, whatever its size."""

from collections.abc import Collection, Mapping, Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from timeline.core.entry import Entry
from timeline.edges.contacts import ContactKey

_AS_THEY_ARE = (
    "tenant", "occurred_at", "event_id", "learned_at", "type", "kind", "channel", "direction",
    "message", "body",
)  # fmt: skip

_Row = tuple[Entry, int]  # with its contact's id

# In one order for everybody: two workers that meet the same events queue up, never deadlock.
_SEE = text(
    """
    INSERT INTO seen (tenant, event_id, contact_id, occurred_at)
    SELECT * FROM unnest(CAST(:tenant AS text[]), CAST(:event_id AS uuid[]),
                         CAST(:contact_id AS bigint[]), CAST(:occurred_at AS timestamptz[]))
                  AS batch (tenant, event_id, contact_id, occurred_at)
     ORDER BY event_id, tenant
    ON CONFLICT DO NOTHING
    RETURNING tenant, event_id
    """
)
_INSERT = """
    INSERT INTO {table} (tenant, contact_id, occurred_at, topic, partition, "offset", event_id,
                         learned_at, type, kind, channel, direction, message, body)
    SELECT * FROM unnest(
      CAST(:tenant AS text[]), CAST(:contact_id AS bigint[]), CAST(:occurred_at AS timestamptz[]),
      CAST(:topic AS smallint[]), CAST(:partition AS smallint[]), CAST(:offset AS bigint[]),
      CAST(:event_id AS uuid[]), CAST(:learned_at AS timestamptz[]), CAST(:type AS text[]),
      CAST(:kind AS text[]), CAST(:channel AS text[]), CAST(:direction AS text[]),
      CAST(:message AS uuid[]), CAST(CAST(:body AS text[]) AS json[]))
    """
_LIST = text(_INSERT.format(table="entry"))
_AMEND = text(_INSERT.format(table="amendment"))


async def write_entries(
    connection: AsyncConnection, entries: Sequence[Entry], ids: Mapping[ContactKey, int]
) -> None:
    """Add these entries, each event once: those that are already there are passed over.

    The caller has added the contacts, `ids`, and made sure of the months.
    """
    rows = [
        (entry, ids[ContactKey(entry.tenant, entry.contact)]) for entry in _first_of_each(entries)
    ]
    if not rows:
        return
    fresh = await _unseen(connection, rows)
    await _insert(connection, _LIST, [row for row in fresh if row[0].listed])
    await _insert(connection, _AMEND, [row for row in fresh if row[0].amends])


def _first_of_each(entries: Sequence[Entry]) -> Collection[Entry]:
    """Of an event that came twice keep the one that the bus had first."""
    return {(entry.tenant, entry.event_id): entry for entry in reversed(entries)}.values()


async def _unseen(connection: AsyncConnection, rows: list[_Row]) -> list[_Row]:
    """Return the rows of events that nobody has written before; from now on they are written."""
    columns = {
        "tenant": [entry.tenant for entry, _ in rows],
        "event_id": [entry.event_id for entry, _ in rows],
        "contact_id": [contact for _, contact in rows],
        "occurred_at": [entry.occurred_at for entry, _ in rows],
    }
    inserted = (await connection.execute(_SEE, columns)).all()
    if len(inserted) == len(rows):
        return rows
    fresh = {(tenant, event) for tenant, event in inserted}
    return [row for row in rows if (row[0].tenant, row[0].event_id) in fresh]


async def _insert(connection: AsyncConnection, statement: TextClause, rows: list[_Row]) -> None:
    if not rows:
        return
    entries = [entry for entry, _ in rows]
    columns: dict[str, list[Any]] = {
        name: list(map(attrgetter(name), entries)) for name in _AS_THEY_ARE
    }
    columns |= {
        "contact_id": [contact for _, contact in rows],
        "topic": [entry.position.topic for entry in entries],
        "partition": [entry.position.partition for entry in entries],
        "offset": [entry.position.offset for entry in entries],
    }
    await connection.execute(statement, columns)
