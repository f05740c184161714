"""Agents in Postgres: who they are, whether they are there, and the journal of both.

Each function runs in its caller's transaction. A heartbeat is no news: it only moves `seen_at`, and
whoever looks at `wake_at` finds that it was too early. Everything else counts the agent's version up, goes to the bus and into `roster_event`.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.cloudevents import Record
from common.core.work import Presence
from common.edges.outbox import enqueue
from router.core.agents import Agent, Offer
from router.core.facts import Case, CaseState
from router.core.policy import Policy
from router.core.presence import Profile, leaving, newcomer, with_presence, with_profile
from router.core.telling import of_agent
from router.core.waking import agent_asleep
from router.edges import tables
from router.edges.acting import MovedError
from router.edges.arrays import columns_of, insertion
from router.edges.shards import join
from router.edges.signals import news_of, tell
from router.edges.work import (
    agent_row,
    locked_agents,
    locked_cases,
    offers,
    save_agents,
    save_changes,
)

_ADD = text(insertion(tables.agent) + " ON CONFLICT (tenant, agent) DO NOTHING")
_LEAVE_QUEUES = text(
    "DELETE FROM agent_queue WHERE tenant = :tenant AND agent = :agent AND queue <> ALL(:queues)"
)
_JOIN_QUEUES = text(
    """
    INSERT INTO agent_queue (tenant, queue, agent)
    SELECT :tenant, unnest(CAST(:queues AS text[])), :agent ON CONFLICT DO NOTHING
    """
)
_HELD = text(
    "SELECT case_id FROM support_case "
    "WHERE tenant = :tenant AND agent = :agent AND state = ANY(CAST(:states AS text[]))"
)
_BEAT = text(
    """
    UPDATE agent SET seen_at = greatest(seen_at, :now)
     WHERE tenant = :tenant AND agent = :agent AND presence = :presence
    """
)
# Who is being changed at this moment is seen anyway.
_TOUCH = text(
    """
    UPDATE agent AS stored SET seen_at = greatest(stored.seen_at, :now)
      FROM (
        SELECT tenant, agent FROM agent
          JOIN unnest(CAST(:tenants AS text[]), CAST(:agents AS text[])) AS asked (tenant, agent)
         USING (tenant, agent) WHERE presence <> 'offline'
         ORDER BY tenant, agent FOR UPDATE OF agent SKIP LOCKED
      ) AS there
     WHERE stored.tenant = there.tenant AND stored.agent = there.agent
    """
)
# Numbers are given in the order of the commits: whoever has read up to one missed none before it.
_JOURNAL_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:tenant, 1))")
_JOURNAL = text(
    """
    INSERT INTO roster_event (tenant, at, agent, body)
    SELECT :tenant, :at, agent, CAST(body AS json)
      FROM unnest(CAST(:agents AS text[]), CAST(:bodies AS text[]))
           WITH ORDINALITY AS row (agent, body, position) ORDER BY position
    """
)


async def journal(connection: AsyncConnection, agents: Sequence[Agent], now: datetime) -> None:
    """Write down agents of one tenant as they are now. The last thing a transaction waits for."""
    if not agents:
        return
    tenant = agents[0].tenant
    await connection.execute(_JOURNAL_LOCK, {"tenant": tenant})
    parameters = {
        "tenant": tenant,
        "at": now,
        "agents": [agent.agent for agent in agents],
        "bodies": [msgspec.json.encode(agent).decode() for agent in agents],
    }
    await connection.execute(_JOURNAL, parameters)


async def register(
    connection: AsyncConnection,
    tenant: str,
    agent: str,
    profile: Profile,
    policy: Policy,
    now: datetime,
    by: str,
) -> Agent:
    """Make an agent be as the profile says; the same again changes nothing.

    Waits until nobody matches in the shard of any of his queues.
    """
    row = agent_row(newcomer(tenant, agent, now))
    await connection.execute(_ADD, columns_of(tables.agent, [row]))
    before = (await locked_agents(connection, [(tenant, agent)]))[tenant, agent]
    step = with_profile(before, profile, now, by)
    if step is None:
        return before
    after, event = step
    if after.queues != before.queues:
        await _work_from(connection, after)
    await _keep(connection, after, [of_agent(after, event, now)], policy, now)
    return after


async def beat(
    connection: AsyncConnection, tenant: str, agent: str, presence: Presence, now: datetime
) -> bool:
    """Note that an agent is still there as before. Return whether he is."""
    parameters = {"tenant": tenant, "agent": agent, "presence": presence, "now": now}
    return (await connection.execute(_BEAT, parameters)).rowcount > 0


async def touch(
    connection: AsyncConnection, agents: Sequence[tuple[str, str]], now: datetime
) -> None:
    """Note that these agents, by tenant and id, are still there, unless they have left."""
    parameters = {
        "tenants": [tenant for tenant, _ in agents],
        "agents": [agent for _, agent in agents],
        "now": now,
    }
    await connection.execute(_TOUCH, parameters)


async def set_presence(
    connection: AsyncConnection,
    tenant: str,
    agent: str,
    presence: Presence,
    policy: Policy,
    now: datetime,
    reason: str | None = None,
) -> Agent | None:
    """Let an agent come, leave or go away; who is not online keeps no offer. None: no such agent.

    Raises MovedError where he was offered something meanwhile.
    """
    states = () if presence is Presence.ONLINE else (CaseState.OFFERED,)
    held = await _held(connection, tenant, agent, states)
    before = await _locked(connection, tenant, agent, held, states)
    step = with_presence(before, presence, now, reason) if before else None
    if step is None:
        return before
    after, event = step
    await _keep(connection, after, [of_agent(after, event, now)], policy, now)
    return await _let_go(connection, after, held, policy.say.agent_left, policy, now)


async def retire(
    connection: AsyncConnection, tenant: str, agent: str, policy: Policy, now: datetime, by: str
) -> Agent | None:
    """Take an agent out: not there, room for nothing, no queues; his cases wait again.

    Raises MovedError where he was given something meanwhile.
    """
    states = (CaseState.OFFERED, CaseState.ASSIGNED)
    held = await _held(connection, tenant, agent, states)
    before = await _locked(connection, tenant, agent, held, states)
    if before is None:
        return None
    after, events = before, []
    if step := with_presence(after, Presence.OFFLINE, now, policy.say.agent_retired):
        after = step[0]
        events.append(of_agent(after, step[1], now))
    rest = Profile(name=after.name, team=after.team, skills=after.skills, capacity=0)
    if changed := with_profile(after, rest, now, by):
        after = changed[0]
        events.append(of_agent(after, changed[1], now))
    await _work_from(connection, after)
    await _keep(connection, after, events, policy, now)
    return await _let_go(connection, after, held, policy.say.agent_retired, policy, now)


async def _let_go(
    connection: AsyncConnection,
    agent: Agent,
    held: Sequence[tuple[Case, Offer | None]],
    reason: str,
    policy: Policy,
    now: datetime,
) -> Agent:
    changes = leaving(agent, held, now, reason)
    await save_changes(connection, changes, policy, now)
    await tell(connection, news_of(change.case for change in changes))
    return (changes[-1].agent if changes else None) or agent


async def _keep(
    connection: AsyncConnection,
    agent: Agent,
    told: Sequence[Record],
    policy: Policy,
    now: datetime,
) -> None:
    """Write an agent, tell the bus and the matcher, and write the journal."""
    await save_agents(connection, [agent_asleep(agent, policy, now)])
    await enqueue(connection, told)
    await tell(connection, news_of((), [agent]))
    await journal(connection, [agent], now)


async def _work_from(connection: AsyncConnection, agent: Agent) -> None:
    """Let an agent answer from his queues and no others."""
    parameters = {"tenant": agent.tenant, "agent": agent.agent, "queues": list(agent.queues)}
    await join(connection, agent.tenant, agent.queues)
    await connection.execute(_LEAVE_QUEUES, parameters)
    await connection.execute(_JOIN_QUEUES, parameters)


async def _held(
    connection: AsyncConnection, tenant: str, agent: str, states: Sequence[CaseState]
) -> list[tuple[Case, Offer | None]]:
    """Return what an agent has or is held out, with its offer, in these states; its cases locked."""
    cases = await locked_cases(connection, await _ids_held(connection, tenant, agent, states))
    his = [case for case in cases.values() if case.agent == agent and case.state in states]
    made = await offers(connection, [case.offer for case in his if case.offer])
    standing = {offer.case_id: offer for offer in made.values() if offer.ended_at is None}
    return [(case, standing.get(case.case_id)) for case in his]


async def _locked(
    connection: AsyncConnection,
    tenant: str,
    agent: str,
    held: Sequence[tuple[Case, Offer | None]],
    states: Sequence[CaseState],
) -> Agent | None:
    """Return an agent, locked. Raises MovedError where he has other cases by now than `held`."""
    found = (await locked_agents(connection, [(tenant, agent)])).get((tenant, agent))
    if set(await _ids_held(connection, tenant, agent, states)) != {
        case.case_id for case, _ in held
    }:
        raise MovedError("the agent was given something meanwhile")
    return found


async def _ids_held(
    connection: AsyncConnection, tenant: str, agent: str, states: Sequence[CaseState]
) -> list[UUID]:
    parameters = {"tenant": tenant, "agent": agent, "states": list(states)}
    return list((await connection.execute(_HELD, parameters)).scalars())
