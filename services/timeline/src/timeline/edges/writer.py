"""Entries into Postgres: a statement or two a batch, whatever its size.

Columns travel as arrays. What many rows of a batch have in common (tenant, partition, type, …) is
sent once, as a `shape`, and each row names its shape: measured, this pays for the check that an
event is new.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from timeline.core.entry import Entry
from timeline.edges.contacts import ContactKey

_COLUMNS = """
    tenant, contact_id, occurred_at, topic, partition, "offset", event_id, learned_at,
    type, kind, channel, direction, message, about, conversation, case_id, body
"""
_ROWS = f"""
    SELECT {_COLUMNS.replace("body", "CAST(convert_from(body, 'UTF8') AS json) AS body")}, listed
      FROM unnest(
             CAST(:shape AS int[]), CAST(:contact_id AS bigint[]),
             CAST(:occurred_at AS timestamptz[]), CAST(:offset AS bigint[]),
             CAST(:event_id AS uuid[]), CAST(:learned_at AS timestamptz[]),
             CAST(:message AS uuid[]), CAST(:about AS uuid[]), CAST(:conversation AS uuid[]),
             CAST(:case_id AS uuid[]), CAST(:body AS bytea[])
           ) AS batch (shape, contact_id, occurred_at, "offset", event_id, learned_at,
                       message, about, conversation, case_id, body)
      JOIN unnest(
             CAST(:tenant AS text[]), CAST(:topic AS smallint[]), CAST(:partition AS smallint[]),
             CAST(:type AS text[]), CAST(:kind AS text[]), CAST(:channel AS text[]),
             CAST(:direction AS text[]), CAST(:listed AS boolean[])
           ) WITH ORDINALITY
           AS common (tenant, topic, partition, type, kind, channel, direction, listed, shape)
           USING (shape)
"""  # noqa: S608 - column names of our own

# `fresh` are the events that nobody has written before. They are looked at in one order by
# everybody, so that two workers that meet the same events queue up and never deadlock. Live streams
# are told of them in the order in which they happened.
_WRITE = text(
    f"""
    WITH fresh AS (
      INSERT INTO seen (tenant, event_id, contact_id, occurred_at)
      SELECT tenant, event_id, contact_id, occurred_at
        FROM unnest(CAST(:shape AS int[]), CAST(:event_id AS uuid[]),
                    CAST(:contact_id AS bigint[]), CAST(:occurred_at AS timestamptz[]))
             AS batch (shape, event_id, contact_id, occurred_at)
        JOIN unnest(CAST(:tenant AS text[])) WITH ORDINALITY AS common (tenant, shape) USING (shape)
       ORDER BY event_id, tenant
      ON CONFLICT DO NOTHING
      RETURNING tenant, event_id, contact_id, occurred_at
    ), told AS (
      INSERT INTO change (tenant, contact_ids, event_ids, occurred_at, abouts)
      SELECT tenant, array_agg(contact_id), array_agg(event_id), array_agg(occurred_at),
             array_agg(about)
        FROM (
          SELECT fresh.*, about
            FROM fresh JOIN unnest(CAST(:event_id AS uuid[]), CAST(:contact_id AS bigint[]),
                                   CAST(:about AS uuid[]), CAST(:offset AS bigint[]))
                            AS batch (event_id, contact_id, about, "offset")
                       USING (event_id, contact_id)
           ORDER BY tenant, occurred_at, "offset"
        ) AS line
       GROUP BY tenant
    )
    INSERT INTO entry ({_COLUMNS})
    SELECT {_COLUMNS}
      FROM ({_ROWS}) AS row
     WHERE listed AND (tenant, event_id) IN (SELECT tenant, event_id FROM fresh)
    """  # noqa: S608 - column names of our own
)
_AMEND = text(
    f"""
    INSERT INTO amendment ({_COLUMNS})
    SELECT {_COLUMNS} FROM ({_ROWS}) AS row ORDER BY event_id
    ON CONFLICT DO NOTHING
    """  # noqa: S608 - column names of our own
)
# Whichever of several events is heard first tells it, and what counts is what was learned first.
_PUT_IN_CASES = text(
    """
    INSERT INTO case_message AS known (tenant, event_id, case_id, learned_at)
    SELECT tenant, event_id, case_id, min(learned_at)
      FROM unnest(CAST(:tenants AS text[]), CAST(:events AS uuid[]), CAST(:cases AS uuid[]),
                  CAST(:moments AS timestamptz[])) AS told (tenant, event_id, case_id, learned_at)
     GROUP BY tenant, event_id, case_id ORDER BY event_id, tenant, case_id
    ON CONFLICT (event_id, tenant, case_id) DO UPDATE SET learned_at = excluded.learned_at
     WHERE excluded.learned_at < known.learned_at
    """
)


async def write_entries(
    connection: AsyncConnection, entries: Sequence[Entry], ids: Mapping[ContactKey, int]
) -> None:
    """Add these entries, each event once: those that are already there are passed over.

    The caller has added the contacts, `ids`, and made sure of the months.
    """
    once = _first_of_each(entries)
    if once:
        await connection.execute(_WRITE, _columns(once, ids))
    amending = [entry for entry in once if entry.about]
    if amending:
        await connection.execute(_AMEND, _columns(amending, ids))
    await _put_in_cases(connection, once)


async def _put_in_cases(connection: AsyncConnection, entries: Collection[Entry]) -> None:
    """Note which messages belong to which cases, and when that was learned of."""
    told = [
        (entry.tenant, entry.routed, entry.case, entry.learned_at)
        for entry in entries
        if entry.routed
    ]
    if told:
        columns = zip(
            ("tenants", "events", "cases", "moments"), zip(*told, strict=True), strict=True
        )
        await connection.execute(_PUT_IN_CASES, dict(columns))


def _first_of_each(entries: Sequence[Entry]) -> Collection[Entry]:
    """Of an event that came twice keep the one that the bus had first."""
    return {(entry.tenant, entry.event_id): entry for entry in reversed(entries)}.values()


def _columns(entries: Collection[Entry], ids: Mapping[ContactKey, int]) -> dict[str, Sequence[Any]]:
    numbers: dict[tuple[Any, ...], int] = {}
    columns: dict[str, Sequence[Any]] = {
        "shape": [numbers.setdefault(_shape(entry), len(numbers) + 1) for entry in entries],
        "contact_id": [ids[entry.tenant, entry.contact] for entry in entries],
        "occurred_at": [entry.occurred_at for entry in entries],
        "offset": [entry.position.offset for entry in entries],
        "event_id": [entry.event_id for entry in entries],
        "learned_at": [entry.learned_at for entry in entries],
        "message": [entry.message for entry in entries],
        "about": [entry.about for entry in entries],
        "conversation": [entry.conversation for entry in entries],
        "case_id": [entry.case for entry in entries],
        "body": [entry.body for entry in entries],
    }
    names = ("tenant", "topic", "partition", "type", "kind", "channel", "direction", "listed")
    return columns | dict(zip(names, zip(*numbers, strict=True), strict=True))


def _shape(entry: Entry) -> tuple[Any, ...]:
    at = entry.position
    return (
        entry.tenant,
        at.topic,
        at.partition,
        entry.type,
        entry.kind,
        entry.channel,
        entry.direction,
        entry.listed,
    )
