"""Entries into Postgres: a few statements a batch, whatever its size."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from timeline.core.entry import Entry
from timeline.core.months import months_of
from timeline.edges.contacts import ContactKey, contact_ids

_AS_THEY_ARE = (
    "tenant", "occurred_at", "event_id", "learned_at", "type", "kind", "channel", "direction",
    "message", "body", "listed", "amends",
)  # fmt: skip

_ENSURE_MONTHS = text(
    "SELECT ensure_entry_month(month) FROM unnest(CAST(:months AS date[])) AS month"
)

# `fresh` are the events that nobody has written before: everything else follows from it.
_WRITE = text(
    """
    WITH batch AS (
      SELECT * FROM unnest(
        CAST(:tenant AS text[]), CAST(:contact_id AS bigint[]),
        CAST(:occurred_at AS timestamptz[]), CAST(:topic AS smallint[]),
        CAST(:partition AS smallint[]), CAST(:offset AS bigint[]), CAST(:event_id AS uuid[]),
        CAST(:learned_at AS timestamptz[]), CAST(:type AS text[]), CAST(:kind AS text[]),
        CAST(:channel AS text[]), CAST(:direction AS text[]), CAST(:message AS uuid[]),
        CAST(:body AS text[]), CAST(:listed AS boolean[]), CAST(:amends AS boolean[])
      ) AS batch (tenant, contact_id, occurred_at, topic, partition, "offset", event_id,
                  learned_at, type, kind, channel, direction, message, body, listed, amends)
    ), fresh AS (
      INSERT INTO seen (tenant, event_id, contact_id, occurred_at)
      SELECT tenant, event_id, contact_id, occurred_at FROM batch ORDER BY tenant, event_id
      ON CONFLICT DO NOTHING
      RETURNING tenant, event_id
    ), amending AS (
      INSERT INTO amendment
      SELECT tenant, contact_id, occurred_at, topic, partition, "offset", event_id, learned_at,
             type, kind, channel, direction, message, CAST(body AS json)
        FROM batch JOIN fresh USING (tenant, event_id) WHERE amends
    )
    INSERT INTO entry
    SELECT tenant, contact_id, occurred_at, topic, partition, "offset", event_id, learned_at,
           type, kind, channel, direction, message, CAST(body AS json)
      FROM batch JOIN fresh USING (tenant, event_id) WHERE listed
    """
)


async def write_entries(
    connection: AsyncConnection, entries: Sequence[Entry], now: datetime
) -> None:
    """Add these entries, each event once: those that are already there are passed over."""
    # Latest first, so that of two deliveries in one batch the one that the bus had first remains.
    fresh = {(entry.tenant, entry.event_id): entry for entry in reversed(entries)}.values()
    if not fresh:
        return
    await ensure_months(connection, months_of((entry.occurred_at for entry in fresh), now))
    ids = await contact_ids(connection, _first_seen(fresh))
    await connection.execute(_WRITE, _columns(fresh, ids))


async def ensure_months(connection: AsyncConnection, months: Iterable[date]) -> None:
    """Make sure that entries of these months have a partition to lie in."""
    await connection.execute(_ENSURE_MONTHS, {"months": sorted(months)})


def _first_seen(entries: Iterable[Entry]) -> dict[ContactKey, datetime]:
    seen: dict[ContactKey, datetime] = {}
    for entry in entries:
        key = ContactKey(entry.tenant, entry.contact)
        seen[key] = min(seen.get(key, entry.learned_at), entry.learned_at)
    return seen


def _columns(entries: Collection[Entry], ids: Mapping[ContactKey, int]) -> dict[str, list[Any]]:
    columns = {name: list(map(attrgetter(name), entries)) for name in _AS_THEY_ARE}
    return columns | {
        "contact_id": [ids[ContactKey(entry.tenant, entry.contact)] for entry in entries],
        "topic": [entry.position.topic for entry in entries],
        "partition": [entry.position.partition for entry in entries],
        "offset": [entry.position.offset for entry in entries],
    }
