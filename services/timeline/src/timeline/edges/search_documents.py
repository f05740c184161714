"""The rows of the index: written for what the timeline's tables say, in every generation."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.edges.database import ReadConnection
from timeline.core.amendments import Amendments
from timeline.core.entry import Entry
from timeline.core.search_query import tenant_mark
from timeline.core.search_text import terms
from timeline.core.search_wording import names, plain, wording
from timeline.edges.reader import COLUMNS, amendments_of, row_entry

EventKey = tuple[str, UUID]  # tenant and event

_ENTRIES = text(
    f"""
    SELECT {COLUMNS}, contact_id, contact.customer_id
      FROM unnest(CAST(:tenants AS text[]), CAST(:events AS uuid[])) AS wanted (tenant, event_id)
      JOIN seen USING (tenant, event_id)
      JOIN entry USING (contact_id, occurred_at, tenant, event_id)
      JOIN contact ON contact.id = contact_id
    """  # noqa: S608 - column names of our own
)
_GENERATIONS = (
    "(SELECT number FROM search_generation WHERE number = ANY(CAST(:only AS smallint[])) OR :every)"
)
_FORGET = text(
    f"""
    DELETE FROM search_document
     USING unnest(CAST(:tenants AS text[]), CAST(:events AS uuid[])) AS gone (tenant, event_id)
     WHERE search_document.tenant = gone.tenant AND search_document.event_id = gone.event_id
       AND generation IN {_GENERATIONS}
    """  # noqa: S608 - a query of our own
)
# Terms travel as one text a row, because an array of arrays must be a rectangle; no term has a blank.
_WRITE = text(
    f"""
    INSERT INTO search_document AS known (generation, tenant, event_id, contact_id, occurred_at,
                                          kind, channel, direction, plain, terms)
    SELECT number, tenant, event_id, contact_id, occurred_at, kind, channel, direction, plain,
           array_to_tsvector(string_to_array(terms, ' '))
      FROM unnest(CAST(:tenants AS text[]), CAST(:events AS uuid[]), CAST(:contacts AS bigint[]),
                  CAST(:moments AS timestamptz[]), CAST(:kinds AS text[]),
                  CAST(:channels AS text[]), CAST(:directions AS text[]), CAST(:plains AS text[]),
                  CAST(:terms AS text[]))
           AS new (tenant, event_id, contact_id, occurred_at, kind, channel, direction, plain, terms)
     CROSS JOIN {_GENERATIONS} AS generation
     ORDER BY event_id, tenant
    ON CONFLICT (event_id, tenant, generation) DO UPDATE
       SET plain = excluded.plain, terms = excluded.terms
     WHERE known.plain <> excluded.plain
    """  # noqa: S608 - a query of our own
)
_ADD_NAMES = text(
    """
    INSERT INTO search_name (tenant, ref, event_id, contact_id)
    SELECT * FROM unnest(CAST(:tenants AS text[]), CAST(:refs AS uuid[]), CAST(:events AS uuid[]),
                         CAST(:contacts AS bigint[])) AS new (tenant, ref, event_id, contact_id)
     ORDER BY ref, tenant, event_id
    ON CONFLICT DO NOTHING
    """
)


class Held(Struct, frozen=True):
    """An entry, the row of its contact, and whom that belongs to today."""

    entry: Entry
    contact_id: int
    customer: UUID

    @property
    def key(self) -> EventKey:
        """Return what names the entry."""
        return self.entry.tenant, self.entry.event_id


async def held(connection: AsyncConnection, keys: Collection[EventKey]) -> list[Held]:
    """Return the entries of these events; what is no entry is left out."""
    rows = await connection.execute(_ENTRIES, _keys(keys))
    return [Held(row_entry(row), row.contact_id, row.customer_id) for row in rows]


async def index(
    connection: AsyncConnection, keys: Collection[EventKey], generation: int | None = None
) -> int:
    """Write what these events say now to the index, or to one generation of it only.

    The caller has locked the tenants. Returns how many are to be found.
    """
    by_tenant: dict[str, list[Held]] = defaultdict(list)
    for one in await held(connection, keys):
        by_tenant[one.entry.tenant].append(one)
    target = {"only": [generation or 0], "every": generation is None}
    indexed = [await _index(connection, entries, target) for entries in by_tenant.values()]
    return sum(indexed)


async def _index(
    connection: AsyncConnection, entries: Sequence[Held], target: dict[str, Any]
) -> int:
    tenant = entries[0].entry.tenant
    alone = [one.entry for one in entries]
    said = await amendments_of(ReadConnection(connection), tenant, alone)
    known = Amendments(said)
    worded = [(one, wording(one.entry, known)) for one in entries]
    await _add_names(connection, entries, names(alone, said))
    shown = [(one, plain(words)) for one, words in worded if words]
    gone = [one.key for one, words in worded if words is None]
    if gone:
        await connection.execute(_FORGET, _keys(gone) | target)
    if shown:
        await connection.execute(_WRITE, _columns(tenant, shown) | target)
    return len(shown)


async def _add_names(
    connection: AsyncConnection, entries: Sequence[Held], named: Mapping[UUID, set[UUID]]
) -> None:
    by_event = {one.entry.event_id: one for one in entries}
    rows = [
        (by_event[event].entry.tenant, ref, event, by_event[event].contact_id)
        for ref, events in named.items()
        for event in events
    ]
    if rows:
        columns = dict(
            zip(("tenants", "refs", "events", "contacts"), zip(*rows, strict=True), strict=True)
        )
        await connection.execute(_ADD_NAMES, columns)


def _columns(tenant: str, shown: Sequence[tuple[Held, str]]) -> dict[str, Any]:
    entries = [one.entry for one, _ in shown]
    return {
        "tenants": [tenant] * len(shown),
        "events": [entry.event_id for entry in entries],
        "contacts": [one.contact_id for one, _ in shown],
        "moments": [entry.occurred_at for entry in entries],
        "kinds": [entry.kind for entry in entries],
        "channels": [entry.channel for entry in entries],
        "directions": [entry.direction for entry in entries],
        "plains": [words for _, words in shown],
        "terms": [_terms(tenant, words) for _, words in shown],
    }


def _terms(tenant: str, words: str) -> str:
    mark = tenant_mark(tenant)
    return " ".join(mark + term for term in terms(words))


def _keys(keys: Iterable[EventKey]) -> dict[str, Any]:
    ordered = sorted(keys)
    return {
        "tenants": [tenant for tenant, _ in ordered],
        "events": [event for _, event in ordered],
    }
