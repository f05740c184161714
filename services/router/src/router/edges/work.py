"""Cases, agents and offers in Postgres while they are worked on: read locked, written as changes.

Whoever needs a case and its agent locks the case first; several rows of a kind are locked in the
order of their keys. Matching never waits for a lock, it skips what is locked.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from sqlalchemy import RowMapping, Table, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.cloudevents import Record
from common.edges.outbox import enqueue
from router.core.agents import Agent, Offer
from router.core.facts import Case
from router.core.offers import HeldOut
from router.core.policy import Policy
from router.core.steps import Change
from router.core.telling import of_case
from router.core.waking import agent_asleep, asleep
from router.edges import tables
from router.edges.arrays import columns_of, names, row_of, unnested
from router.edges.signals import OFFERS, news_of, tell
from router.edges.store import case_columns, case_of

AgentKey = tuple[str, str]
Found = TypeVar("Found")
Made = TypeVar("Made")

_JSON_OF_AGENT = ("skills", "queues", "channels", "used")

LOCKING_CASES = (
    f"SELECT {names(tables.support_case)} FROM support_case "  # noqa: S608 - names of our own columns
    "WHERE case_id = ANY(CAST(:ids AS uuid[])) ORDER BY case_id FOR UPDATE"
)
_CASES = text(LOCKING_CASES)
_AGENTS = text(
    f"""
    SELECT {names(tables.agent)} FROM agent
      JOIN unnest(CAST(:tenant AS text[]), CAST(:agent AS text[])) AS asked (tenant, agent)
     USING (tenant, agent) ORDER BY tenant, agent FOR UPDATE OF agent
    """  # noqa: S608 - names of our own columns
)
_OFFERS = text(
    f"SELECT {names(tables.offer)} FROM offer WHERE offer_id = ANY(CAST(:ids AS uuid[]))"  # noqa: S608 - names of our own columns
)


def _change(table: Table, keys: Sequence[str]) -> str:
    """Return an UPDATE of every column but the keys, from arrays."""
    changing = [column.name for column in table.columns if column.name not in keys]
    sets = ", ".join(f"{name} = row.{name}" for name in changing)
    same = " AND ".join(f"stored.{name} = row.{name}" for name in keys)
    return (
        f"UPDATE {table.name} AS stored SET {sets} "  # noqa: S608 - names of our own tables
        f"FROM {unnested(table)} AS row ({names(table)}) WHERE {same}"
    )


# An offer leaves almost everything of its case and agent as it was: nothing but its end is new to
# the case's clocks.
_MAKE_OFFERS = text(
    """
    WITH offered AS (
      UPDATE support_case AS stored
         SET state = 'offered', agent = row.agent, offer = row.offer, offered_until = :until,
             version = version + 1, wake_at = least(wake_at, :until)
        FROM unnest(CAST(:cases AS uuid[]), CAST(:case_agents AS text[]), CAST(:offers AS uuid[]),
                    CAST(:agent_versions AS int[]))
             AS row (case_id, agent, offer, agent_version)
       WHERE stored.case_id = row.case_id
   RETURNING row.offer, stored.case_id, row.agent, queue, row.agent_version
    ), loaded AS (
      UPDATE agent AS stored SET used = row.used, load = row.load, version = row.version
        FROM unnest(CAST(:agents AS text[]), CAST(:used AS jsonb[]), CAST(:loads AS int[]),
                    CAST(:versions AS int[]))
             AS row (agent, used, load, version)
       WHERE stored.tenant = CAST(:tenant AS text) AND stored.agent = row.agent
    )
    INSERT INTO offer (offer_id, tenant, case_id, agent, queue, state, made_at, expires_at,
                       agent_version)
    SELECT offer, CAST(:tenant AS text), case_id, agent, queue, 'made', :made_at, :until, agent_version
      FROM offered
    """
)
_CHANGE_CASES = text(_change(tables.support_case, ("case_id",)))
_CHANGE_AGENTS = text(_change(tables.agent, ("tenant", "agent")))
_KEEP_OFFERS = text(
    f"INSERT INTO offer ({names(tables.offer)}) SELECT {names(tables.offer)} "  # noqa: S608 - names of our own columns
    f"FROM {unnested(tables.offer)} AS row ({names(tables.offer)}) "
    "ON CONFLICT (offer_id) DO UPDATE SET state = excluded.state, ended_at = excluded.ended_at, "
    "agent_version = excluded.agent_version"
)


async def locked_cases(connection: AsyncConnection, ids: Collection[UUID]) -> dict[UUID, Case]:
    """Return these cases, locked until the transaction ends."""
    rows = await connection.execute(_CASES, {"ids": list(ids)})
    return {row["case_id"]: case_of(row) for row in rows.mappings()}


async def locked_agents(
    connection: AsyncConnection, keys: Collection[AgentKey]
) -> dict[AgentKey, Agent]:
    """Return these agents, locked until the transaction ends."""
    parameters = {
        "tenant": [tenant for tenant, _ in keys],
        "agent": [agent for _, agent in keys],
    }
    rows = await connection.execute(_AGENTS, parameters)
    return {(row["tenant"], row["agent"]): agent_of(row) for row in rows.mappings()}


async def offers(connection: AsyncConnection, ids: Collection[UUID]) -> dict[UUID, Offer]:
    """Return these offers. Whoever changes one has its case locked."""
    rows = await connection.execute(_OFFERS, {"ids": list(ids)})
    return {row["offer_id"]: msgspec.convert(dict(row), Offer) for row in rows.mappings()}


async def save_changes(
    connection: AsyncConnection, changes: Sequence[Change], policy: Policy, now: datetime
) -> None:
    """Write what the steps left, each asleep until something is due, and tell the bus, in the order given.

    Of a case, agent or offer that several steps changed, the last state counts; their rows are
    locked by the caller.
    """
    cases = {change.case.case_id: change.case for change in changes}
    agents = {(agent.tenant, agent.agent): agent for change in changes if (agent := change.agent)}
    made = {offer.offer_id: offer for change in changes if (offer := change.offer)}
    if sleeping := [asleep(case, policy, now) for case in cases.values()]:
        await connection.execute(_CHANGE_CASES, case_columns(sleeping))
    await save_agents(connection, [agent_asleep(agent, policy, now) for agent in agents.values()])
    await _tell_of(connection, changes, made.values(), now)


async def save_offers(connection: AsyncConnection, made: Sequence[HeldOut], now: datetime) -> None:
    """Do as `save_changes` for new offers of one tenant, made at one time, by writing less."""
    if not made:
        return
    offers = [one.offer for one in made]
    agents = {one.agent.agent: one.agent for one in made}.values()
    rows = {
        "tenant": offers[0].tenant,
        "made_at": offers[0].made_at,
        "until": offers[0].expires_at,
        "cases": [one.case_id for one in offers],
        "case_agents": [one.agent for one in offers],
        "offers": [one.offer_id for one in offers],
        "agent_versions": [one.agent_version for one in offers],
        "agents": [agent.agent for agent in agents],
        "used": [msgspec.json.encode(agent.used).decode() for agent in agents],
        "loads": [agent.load() for agent in agents],
        "versions": [agent.version for agent in agents],
    }
    records = await beside(connection.execute(_MAKE_OFFERS, rows), lambda: _records_of(made, now))
    await enqueue(connection, records)
    await tell(connection, news_of((), offers), OFFERS)


async def beside(statement: Awaitable[Found], make: Callable[[], Made]) -> Made:
    """Return what is made while Postgres, on another processor, executes a statement."""
    _, made = await both(statement, make)
    return made


async def both(statement: Awaitable[Found], make: Callable[[], Made]) -> tuple[Found, Made]:
    """Return a statement's result, and what is made while Postgres executes it.

    However it ends, the statement has ended too: its connection may be asked the next.
    """
    executing = asyncio.ensure_future(statement)
    try:
        await asyncio.sleep(0)  # until it is sent
        made = make()
    except asyncio.CancelledError:
        executing.cancel()
        raise
    finally:
        found = await executing
    return found, made


def _records_of(made: Iterable[HeldOut], now: datetime) -> list[Record]:
    return [of_case(one.case, one.event, one.event.case_version, now) for one in made]


async def _tell_of(
    connection: AsyncConnection, changes: Iterable[Change], made: Collection[Offer], now: datetime
) -> None:
    """Write the offers, and tell the bus of everything and the agents' tools of these."""
    await _write(connection, _KEEP_OFFERS, tables.offer, [row_of(offer) for offer in made])
    await enqueue(connection, _records(changes, now))
    await tell(connection, news_of((), made), OFFERS)


def _records(changes: Iterable[Change], now: datetime) -> list[Record]:
    return [
        of_case(change.case, event, change.case.version, now)
        for change in changes
        for event in change.events
    ]


async def save_agents(connection: AsyncConnection, agents: Sequence[Agent]) -> None:
    """Write agents as they are, `wake_at` included; their rows are locked by the caller."""
    await _write(connection, _CHANGE_AGENTS, tables.agent, list(map(agent_row, agents)))


def agent_of(row: RowMapping) -> Agent:
    """Return the agent in a row of `agent`."""
    return msgspec.convert(dict(row), Agent)


def agent_row(agent: Agent) -> dict[str, Any]:
    """Return the row of an agent, with his load beside the units that it is the sum of."""
    return {**row_of(agent, _JSON_OF_AGENT), "load": agent.load()}


async def _write(
    connection: AsyncConnection, statement: TextClause, table: Table, rows: list[dict[str, Any]]
) -> None:
    if rows:
        await connection.execute(statement, columns_of(table, rows))
