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
from msgspec import Struct
from msgspec.structs import asdict, replace
from sqlalchemy import RowMapping, Table, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.cloudevents import Record
from common.edges.outbox import enqueue
from router.core.agents import Agent, Offer
from router.core.facts import Case
from router.core.policy import Policy
from router.core.steps import Change
from router.core.telling import of_case
from router.core.waking import agent_asleep, asleep
from router.edges import tables
from router.edges.arrays import columns_of, names, unnested
from router.edges.signals import OFFERS, news_of, tell
from router.edges.store import case_of

AgentKey = tuple[str, str]
Made = TypeVar("Made")

_JSON_OF_CASE = ("participants", "skills", "refusals", "told")
_JSON_OF_AGENT = ("skills", "queues", "channels", "used")

_CASES = text(
    f"SELECT {names(tables.support_case)} FROM support_case "  # noqa: S608 - names of our own columns
    "WHERE case_id = ANY(CAST(:ids AS uuid[])) ORDER BY case_id FOR UPDATE"
)
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


# An offer leaves almost everything of its case and agent as it was.
_OFFER_CASES = text(
    """
    UPDATE support_case AS stored
       SET state = 'offered', agent = row.agent, offer = row.offer,
           offered_until = row.offered_until, version = row.version, wake_at = row.wake_at
      FROM unnest(CAST(:case_id AS uuid[]), CAST(:agent AS text[]), CAST(:offer AS uuid[]),
                  CAST(:offered_until AS timestamptz[]), CAST(:version AS int[]),
                  CAST(:wake_at AS timestamptz[]))
           AS row (case_id, agent, offer, offered_until, version, wake_at)
     WHERE stored.case_id = row.case_id
    """
)
_LOAD_AGENTS = text(
    """
    UPDATE agent AS stored SET used = row.used, load = row.load, version = row.version
      FROM unnest(CAST(:tenant AS text[]), CAST(:agent AS text[]), CAST(:used AS jsonb[]),
                  CAST(:load AS int[]), CAST(:version AS int[]))
           AS row (tenant, agent, used, load, version)
     WHERE stored.tenant = row.tenant AND stored.agent = row.agent
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
    sleeping = [asleep(case, policy, now) for case in cases.values()]
    case_rows = [row_of(case, _JSON_OF_CASE) for case in sleeping]
    await _write(connection, _CHANGE_CASES, tables.support_case, case_rows)
    await save_agents(connection, [agent_asleep(agent, policy, now) for agent in agents.values()])
    await _tell_of(connection, changes, made.values(), now)


async def save_offers(
    connection: AsyncConnection, changes: Sequence[Change], policy: Policy, now: datetime
) -> None:
    """Do as `save_changes` for steps that are offers and nothing else, by writing less."""
    cases = [_asleep_with_offer(change.case, policy, now) for change in changes]
    agents = {agent.agent: agent for change in changes if (agent := change.agent)}.values()
    if not changes:
        return
    columns = ("case_id", "agent", "offer", "offered_until", "version", "wake_at")
    rows = {name: [getattr(case, name) for case in cases] for name in columns}
    made = [one.offer for one in changes if one.offer]
    records = await _beside(connection.execute(_OFFER_CASES, rows), lambda: _records(changes, now))
    loads = {
        "tenant": [agent.tenant for agent in agents],
        "agent": [agent.agent for agent in agents],
        "used": [msgspec.json.encode(agent.used).decode() for agent in agents],
        "load": [agent.load() for agent in agents],
        "version": [agent.version for agent in agents],
    }
    offer_rows = await _beside(
        connection.execute(_LOAD_AGENTS, loads), lambda: [row_of(offer) for offer in made]
    )
    await _write(connection, _KEEP_OFFERS, tables.offer, offer_rows)
    await enqueue(connection, records)
    await tell(connection, news_of((), made), OFFERS)


async def _beside(statement: Awaitable[Any], make: Callable[[], Made]) -> Made:
    """Return what is made while Postgres, on another processor, executes a statement."""
    executing = asyncio.ensure_future(statement)
    await asyncio.sleep(0)  # until it is sent
    try:
        return make()
    finally:
        await executing


def _asleep_with_offer(case: Case, policy: Policy, now: datetime) -> Case:
    """Return an offered case asleep: nothing but the offer's end is new to its clocks."""
    if case.wake_at is None or case.offered_until is None:
        return asleep(case, policy, now)
    return replace(case, wake_at=min(case.wake_at, case.offered_until))


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


def row_of(value: Struct, as_json: Collection[str] = ()) -> dict[str, Any]:
    """Return a value as a row, with these columns as JSON texts."""
    row = asdict(value)
    return row | {name: msgspec.json.encode(row[name]).decode() for name in as_json}


async def _write(
    connection: AsyncConnection, statement: TextClause, table: Table, rows: list[dict[str, Any]]
) -> None:
    if rows:
        await connection.execute(statement, columns_of(table, rows))
