"""Who is signed in, as this replica knows it: read from Postgres every second."""

import asyncio
from collections import defaultdict

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.edges.database import done_unless_passing
from common.edges.waiting import pause
from router.core.facts import Roster
from router.core.roster import Profile, roster_from

logger = structlog.get_logger()

# One snapshot: the journal's last number and what the agents are by then.
_PROFILES = text(
    """
    SELECT known.tenant, newest.sequence, there.queues, there.skills
      FROM (SELECT DISTINCT tenant FROM agent) AS known
     CROSS JOIN LATERAL (
       SELECT coalesce(max(sequence), 0) AS sequence FROM roster_event
        WHERE roster_event.tenant = known.tenant
     ) AS newest
      LEFT JOIN (
       SELECT DISTINCT tenant, queues, skills FROM agent WHERE presence <> 'offline'
     ) AS there ON there.tenant = known.tenant
    """
)
# The journal's last number of each tenant, by a loose scan of its key: every change is in it.
_NEWEST = text(
    """
    WITH RECURSIVE newest (tenant, sequence) AS (
      (SELECT tenant, sequence FROM roster_event ORDER BY tenant DESC, sequence DESC LIMIT 1)
       UNION ALL
      SELECT before.* FROM newest CROSS JOIN LATERAL (
        SELECT tenant, sequence FROM roster_event WHERE roster_event.tenant < newest.tenant
         ORDER BY tenant DESC, sequence DESC LIMIT 1
      ) AS before
    )
    SELECT tenant, sequence FROM newest
    """
)


class RosterView:
    """Holds the roster of each tenant; a component that keeps it so.

    Decisions are made on what was known a second ago. While Postgres is away they go on with what
    was known last; nothing can be decided then anyway.
    """

    name = "roster"

    def __init__(self, engine: AsyncEngine, seconds: float = 1.0) -> None:
        self._engine = engine
        self._seconds = seconds
        self._rosters: dict[str, Roster] | None = None
        self._seen: dict[str, int] = {}  # what the journal had come to before they were read

    async def run(self, stopping: asyncio.Event) -> None:
        """Read until `stopping` is set."""
        while not stopping.is_set():
            await done_unless_passing(self.name, self.refresh())
            await pause(stopping, self._seconds)

    async def settle(self, connection: AsyncConnection) -> None:
        """Before the first decision, find out who is signed in."""
        if self._rosters is None:
            await self._look(connection)

    async def refresh(self) -> None:
        """Read who is signed in now."""
        async with self._engine.connect() as connection:
            rows = (await connection.execute(_NEWEST)).all()
            newest = {row.tenant: row.sequence for row in rows}
            if self._rosters is None or newest != self._seen:
                await self._look(connection)
                self._seen = newest

    def of(self, tenant: str) -> Roster | None:
        """Return who is signed in; None where no agent was ever named: then everybody counts as there."""
        return None if self._rosters is None else self._rosters.get(tenant)

    async def _look(self, connection: AsyncConnection) -> None:
        rows = (await connection.execute(_PROFILES)).all()
        profiles: defaultdict[str, list[Profile]] = defaultdict(list)
        sequences: dict[str, int] = {}
        for row in rows:
            sequences[row.tenant] = row.sequence
            if row.queues is not None:
                profiles[row.tenant].append(Profile(tuple(row.queues), row.skills))
        self._rosters = {
            tenant: roster_from(profiles[tenant], sequence)
            for tenant, sequence in sequences.items()
        }
