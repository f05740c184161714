"""Deletes what is over: whole partitions where every tenant allows it, else some entries at a time."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from msgspec import Struct
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.edges import metrics
from common.edges.clock import Clock
from common.edges.database import done_unless_passing
from common.edges.leading import leading
from common.edges.waiting import pause
from timeline.core.entry import Entry
from timeline.core.erasure import objects_of
from timeline.core.retention import Cut, RetentionRule, cuts, whole_before
from timeline.core.selection import STARTS, Order
from timeline.edges.erasure_rounds import delete_entries
from timeline.edges.histories import PLACE, PLACE_GIVEN, place_of
from timeline.edges.reader import COLUMNS, row_entry

logger = structlog.get_logger()

AT_ONCE = 500
LOOK_SECONDS = 3600.0

_RULES = text("SELECT tenant, kind, channel, days FROM retention_rule ORDER BY 1, 2, 3")
# Whoever is under a legal hold, by what its id means today.
_HELD = text(
    """
    WITH RECURSIVE up AS (
      SELECT customer.id, customer.merged_into FROM legal_hold
        JOIN customer ON customer.id = legal_hold.customer_id
       WHERE released_at IS NULL
       UNION
      SELECT above.id, above.merged_into FROM customer AS above JOIN up ON above.id = up.merged_into
    )
    SELECT contact.tenant, contact.id FROM up JOIN contact ON contact.customer_id = up.id
     WHERE up.merged_into IS NULL
    """
)
_OVER = text(
    f"""
    SELECT {COLUMNS}, contact.id AS contact_row
      FROM entry JOIN contact ON contact.id = entry.contact_id
     WHERE entry.tenant = :tenant AND occurred_at < :before
       AND (CAST(:kind AS text) IS NULL OR kind = :kind)
       AND (CAST(:channel AS text) IS NULL OR channel = :channel)
       AND entry.contact_id <> ALL(CAST(:held AS bigint[]))
     LIMIT :most
    """  # noqa: S608 - column names of our own
)
_PARTITIONS = text(
    """
    SELECT span.name, span.starts, span.ends
      FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
     CROSS JOIN LATERAL entry_span(to_date(substr(relname, 7), 'YYYY_MM')) AS span
     WHERE inhparent = to_regclass('entry') AND relname ~ '^entry_[0-9]{4}(_[0-9]{2})?$'
     ORDER BY span.starts
    """
)
_WITHIN = "occurred_at >= :starts AND occurred_at < :ends"
_TENANTS = text(f"SELECT DISTINCT tenant FROM entry WHERE {_WITHIN}")  # noqa: S608 - our own
_HOLDING = text(
    f"SELECT count(*) FROM entry WHERE {_WITHIN} AND contact_id = ANY(CAST(:held AS bigint[]))"  # noqa: S608
)
_COUNT = text(f"SELECT count(*) FROM entry WHERE {_WITHIN}")  # noqa: S608
# In the order of the index that pages are read by: each row is looked at once.
_ROWS_WITHIN = text(
    f"""
    SELECT {COLUMNS}, contact.id AS contact_row FROM (
      SELECT * FROM entry
       WHERE {_WITHIN} AND (contact_id, {PLACE}) > (:contact, {PLACE_GIVEN})
       ORDER BY contact_id, {PLACE} LIMIT :most
    ) AS entry JOIN contact ON contact.id = entry.contact_id
     ORDER BY contact_id, {PLACE}
    """  # noqa: S608 - column names of our own
)
_SAID_OF = text(
    """
    DELETE FROM amendment WHERE tenant = :tenant AND about = ANY(CAST(:refs AS uuid[]))
    RETURNING event_id
    """
)
_SEEN = text("DELETE FROM seen WHERE tenant = :tenant AND event_id = ANY(CAST(:events AS uuid[]))")
_LEFT_OVER = text(
    """
    INSERT INTO erasure_object (tenant, ref)
    SELECT :tenant, ref FROM unnest(CAST(:refs AS text[])) AS ref ORDER BY ref
    ON CONFLICT DO NOTHING
    """
)
_OLDEST = text(
    """
    SELECT min(occurred_at) FROM entry
     WHERE tenant = :tenant AND occurred_at < :before
       AND contact_id <> ALL(CAST(:held AS bigint[]))
    """
)


class _Partition(Struct, frozen=True):
    """A partition of the history, and when what lies in it happened."""

    name: str
    starts: datetime
    ends: datetime


class Retention:
    """A component. Of several replicas one works."""

    name = "retention"

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def run(self, stopping: asyncio.Event) -> None:
        """Look every hour until `stopping` is set."""
        while not stopping.is_set():
            await done_unless_passing("retention", self.look(stopping))
            await pause(stopping, LOOK_SECONDS)

    async def look(self, stopping: asyncio.Event | None = None) -> int:
        """Delete what is over now; return how many entries. Raises TransientError."""
        async with leading(self._engine, "retention") as session:
            if session is None:
                return 0
            rules, held = await _rules(session), await _held(session)
            return await self._apply(rules, held, stopping or asyncio.Event())

    async def _apply(
        self,
        rules: dict[str, list[RetentionRule]],
        held: dict[str, list[int]],
        stopping: asyncio.Event,
    ) -> int:
        found = {tenant: cuts(its, self._clock()) for tenant, its in rules.items()}
        deleted = await self._drop_partitions(found, held) if found else 0
        for tenant, its in found.items():
            for cut in its:
                while not stopping.is_set():
                    done = await self._some(tenant, cut, held[tenant])
                    deleted += done
                    if done < AT_ONCE:
                        break
        await self._tell(found, held)
        return deleted

    async def _some(self, tenant: str, cut: Cut, held: Sequence[int]) -> int:
        asked = {
            "tenant": tenant,
            "before": cut.before,
            "kind": cut.kind,
            "channel": cut.channel,
            "held": list(held),
            "most": AT_ONCE,
        }
        async with self._engine.begin() as connection:
            rows = (await connection.execute(_OVER, asked)).all()
            await _delete(connection, rows)
        metrics.retention_deleted.inc(len(rows))
        return len(rows)

    async def _drop_partitions(
        self, found: dict[str, tuple[Cut, ...]], held: dict[str, list[int]]
    ) -> int:
        limits = {tenant: limit for tenant, its in found.items() if (limit := whole_before(its))}
        async with self._engine.connect() as connection:
            rows = await connection.execute(_PARTITIONS)
            partitions = [_Partition(*row) for row in rows]
        over = [one for one in partitions if any(one.ends <= at for at in limits.values())]
        return sum([await self._drop(one, limits, held) for one in over])

    async def _drop(
        self, partition: _Partition, limits: Mapping[str, datetime], held: dict[str, list[int]]
    ) -> int:
        """Drop a partition if everybody who has something in it allows it."""
        within = {"starts": partition.starts, "ends": partition.ends}
        everybody = [row for its in held.values() for row in its]
        async with self._engine.connect() as connection:
            tenants = set(await connection.scalars(_TENANTS, within))
            holding = await connection.scalar(_HOLDING, within | {"held": everybody})
        allowing = {tenant for tenant, limit in limits.items() if partition.ends <= limit}
        if holding or not tenants <= allowing:
            return 0
        followed = await self._follow(within)
        async with self._engine.begin() as connection:
            await connection.execute(text("SET LOCAL lock_timeout = '2s'"))
            await connection.execute(
                text(f'LOCK TABLE "{partition.name}" IN ACCESS EXCLUSIVE MODE')
            )
            if await connection.scalar(_COUNT, within) != followed:
                return 0  # something came meanwhile: the next look has it
            await connection.execute(text(f'ALTER TABLE entry DETACH PARTITION "{partition.name}"'))
            await connection.execute(text(f'DROP TABLE "{partition.name}"'))
        metrics.retention_deleted.inc(followed)
        logger.info("partition dropped", partition=partition.name, entries=followed)
        return followed

    async def _follow(self, within: Mapping[str, datetime]) -> int:
        """Delete all that was made of the entries within some time; return how many these are."""
        followed, after = 0, {"contact": 0, **place_of(STARTS[Order.OLDEST])}
        while True:
            asked = {**within, **after, "most": AT_ONCE}
            async with self._engine.begin() as connection:
                rows = (await connection.execute(_ROWS_WITHIN, asked)).all()
                await _delete(connection, rows, rows_too=False)
            followed += len(rows)
            if len(rows) < AT_ONCE:
                return followed
            after = {"contact": rows[-1].contact_row, **place_of(rows[-1])}

    async def _tell(self, found: dict[str, tuple[Cut, ...]], held: dict[str, list[int]]) -> None:
        """Show by how many days the oldest entry that must go is too old."""
        overdue = 0.0
        for tenant, its in found.items():
            if (limit := whole_before(its)) is not None:
                asked = {"tenant": tenant, "before": limit, "held": held[tenant]}
                async with self._engine.connect() as connection:
                    oldest = await connection.scalar(_OLDEST, asked)
                overdue = max(overdue, (limit - oldest).days if oldest else 0)
        metrics.retention_overdue_days.set(overdue)


async def _rules(connection: AsyncConnection) -> dict[str, list[RetentionRule]]:
    found: dict[str, list[RetentionRule]] = defaultdict(list)
    for row in await connection.execute(_RULES):
        found[row.tenant].append(RetentionRule(row.kind, row.channel, row.days))
    return found


async def _held(connection: AsyncConnection) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for row in await connection.execute(_HELD):
        found[row.tenant].append(row.id)
    return found


async def _delete(
    connection: AsyncConnection, rows: Collection[Row[Any]], *, rows_too: bool = True
) -> None:
    """Delete entries with what was said of them, and note where their files lie."""
    by_tenant: dict[str, dict[int, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        by_tenant[row.tenant][row.contact_row].append(row_entry(row))
    for tenant, by_contact in by_tenant.items():
        entries = [entry for its in by_contact.values() for entry in its]
        await delete_entries(connection, tenant, by_contact, rows_too=rows_too)
        refs = {ref for entry in entries for ref in (entry.message, entry.event_id) if ref}
        said = await connection.scalars(_SAID_OF, {"tenant": tenant, "refs": list(refs)})
        await connection.execute(_SEEN, {"tenant": tenant, "events": list(said)})
        objects = sorted({ref for entry in entries for ref in objects_of(entry)})
        await connection.execute(_LEFT_OVER, {"tenant": tenant, "refs": objects})
