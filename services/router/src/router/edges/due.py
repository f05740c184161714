"""Rows that are due: found by `wake_at`, locked unless somebody works on them, put to sleep again."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.agents import Agent
from router.core.facts import Case
from router.edges import tables
from router.edges.arrays import names
from router.edges.store import case_of
from router.edges.work import LOCKING_CASES, AgentKey, agent_of

_CASES = text(
    f"SELECT {names(tables.support_case)} FROM support_case WHERE wake_at <= :now "  # noqa: S608 - names of our own columns
    "ORDER BY wake_at LIMIT :most FOR UPDATE SKIP LOCKED"
)
_AGENTS = text(
    f"SELECT {names(tables.agent)} FROM agent WHERE wake_at <= :now "  # noqa: S608 - names of our own columns
    "ORDER BY wake_at LIMIT :most FOR UPDATE SKIP LOCKED"
)
_IDS_OF = text(
    """
    SELECT case_id FROM support_case
      JOIN unnest(CAST(:tenant AS text[]), CAST(:agent AS text[])) AS asked (tenant, agent)
     USING (tenant, agent)
    """
)
_UNLOCKED = text(f"{LOCKING_CASES} SKIP LOCKED")
_SLEEP = text(
    """
    UPDATE support_case AS stored SET wake_at = row.wake_at
      FROM unnest(CAST(:ids AS uuid[]), CAST(:moments AS timestamptz[])) AS row (case_id, wake_at)
     WHERE stored.case_id = row.case_id AND stored.wake_at IS DISTINCT FROM row.wake_at
    """
)
_NEXT = text(
    "SELECT least((SELECT min(wake_at) FROM support_case), (SELECT min(wake_at) FROM agent))"
)


async def due_cases(connection: AsyncConnection, now: datetime, most: int) -> list[Case]:
    """Return the cases that have been due longest, locked; what somebody else has locked is left."""
    rows = await connection.execute(_CASES, {"now": now, "most": most})
    return [case_of(row) for row in rows.mappings()]


async def due_agents(connection: AsyncConnection, now: datetime, most: int) -> list[Agent]:
    """Return the agents who have been due longest, locked; whom somebody else has locked is left."""
    rows = await connection.execute(_AGENTS, {"now": now, "most": most})
    return [agent_of(row) for row in rows.mappings()]


async def ids_of(connection: AsyncConnection, agents: Collection[AgentKey]) -> list[UUID]:
    """Return the cases that these agents have or are offered."""
    parameters = {
        "tenant": [tenant for tenant, _ in agents],
        "agent": [agent for _, agent in agents],
    }
    return list((await connection.execute(_IDS_OF, parameters)).scalars())


async def unlocked(connection: AsyncConnection, ids: Collection[UUID]) -> list[Case]:
    """Return those of these cases that nobody else has locked, locked now, in the order of their ids."""
    rows = await connection.execute(_UNLOCKED, {"ids": list(ids)})
    return [case_of(row) for row in rows.mappings()]


async def put_to_sleep(connection: AsyncConnection, cases: Sequence[Case]) -> None:
    """Write nothing but the `wake_at` of cases; their rows are locked by the caller."""
    if cases:
        parameters = {
            "ids": [case.case_id for case in cases],
            "moments": [case.wake_at for case in cases],
        }
        await connection.execute(_SLEEP, parameters)


async def next_wake(connection: AsyncConnection) -> datetime | None:
    """Return when the next case or agent is due, past or future; None where nothing sleeps."""
    moment: datetime | None = (await connection.execute(_NEXT)).scalar_one()
    return moment
