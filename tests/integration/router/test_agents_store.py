"""Agents in Postgres: their profile, their presence, and what is written down of both."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.core.work import Presence
from common.edges.database import acting
from router.core.agents import Agent
from router.core.offers import accept, offer
from router.core.policy import Policy
from router.core.presence import Profile
from router.edges.agents_store import beat, register, retire, set_presence
from router.edges.work import locked_agents, locked_cases, save_changes

Handle = Callable[..., Awaitable[None]]
Rows = Callable[..., Awaitable[list[Any]]]
Write = Callable[..., Any]

NOW = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)
TANAKA = Profile(
    name="田中 一郎",
    team="第一",
    skills={"network": 3, "japanese": 5},
    queues=("technical", "vip"),
    capacity=2,
)
ID = "tanaka"


async def sign_in(writer: AsyncEngine, policy: Policy, profile: Profile = TANAKA) -> Agent:
    async with acting(writer, "acme") as connection:
        await register(connection, "acme", ID, profile, policy, NOW, "sato")
        there = await set_presence(connection, "acme", ID, Presence.ONLINE, policy, NOW)
    assert there is not None
    return there


async def offered(writer: AsyncEngine, policy: Policy, *, taken: int = 0) -> Agent:
    """Hold every waiting case out to him; he takes the first ones."""
    async with acting(writer, "acme") as connection:
        ids = (await connection.execute(text("SELECT case_id FROM support_case"))).scalars()
        cases = await locked_cases(connection, list(ids))
        agent = (await locked_agents(connection, [("acme", ID)]))["acme", ID]
        for number, case in enumerate(cases.values()):
            change = offer(case, agent, policy.terms, NOW, "…")
            agent = change.agent or agent
            changes = [change]
            if number < taken and change.offer:
                changes.append(accept(change.case, agent, change.offer, NOW))
                agent = changes[-1].agent or agent
            await save_changes(connection, changes, policy, NOW)
    return agent


async def test_the_same_profile_again_changes_nothing(
    writer: AsyncEngine, policy: Policy, rows: Rows
) -> None:
    for profile in (TANAKA, replace(TANAKA, queues=("vip", "technical"))):
        async with acting(writer, "acme") as connection:
            agent = await register(connection, "acme", ID, profile, policy, NOW, "sato")
        assert (agent.version, agent.name) == (1, "田中 一郎")
    assert (
        len(await rows("SELECT 1 FROM outbox"))
        == len(await rows("SELECT 1 FROM roster_event"))
        == 1
    )


async def test_queues_of_one_agent_become_one_shard_and_left_ones_are_not_his(
    writer: AsyncEngine, policy: Policy, rows: Rows
) -> None:
    for queues in (("technical", "vip"), ("vip", "billing")):
        async with acting(writer, "acme") as connection:
            await register(
                connection, "acme", ID, replace(TANAKA, queues=queues), policy, NOW, "sato"
            )
    found = await rows("SELECT queue FROM agent_queue ORDER BY queue")
    assert [row.queue for row in found] == ["billing", "vip"]
    assert len(await rows("SELECT DISTINCT shard FROM queue_shard")) == 1


async def test_a_heartbeat_is_no_news(writer: AsyncEngine, policy: Policy, rows: Rows) -> None:
    before = await sign_in(writer, policy)
    told = len(await rows("SELECT 1 FROM outbox"))
    later = NOW + timedelta(seconds=20)
    async with acting(writer, "acme") as connection:
        assert await beat(connection, "acme", ID, Presence.ONLINE, later)
        assert not await beat(connection, "acme", ID, Presence.AWAY, later)
    (row,) = await rows("SELECT seen_at, version FROM agent")
    assert (row.seen_at, row.version) == (later, before.version)
    assert len(await rows("SELECT 1 FROM outbox")) == told


async def test_the_journal_has_the_whole_agent_at_each_change(
    writer: AsyncEngine, policy: Policy, rows: Rows
) -> None:
    await sign_in(writer, policy)
    written = await rows("SELECT CAST(body AS text) AS body FROM roster_event ORDER BY sequence")
    agents = [msgspec.json.decode(row.body, type=Agent) for row in written]
    assert [(agent.version, agent.presence) for agent in agents] == [(1, "offline"), (2, "online")]
    assert all(agent.skills == TANAKA.skills for agent in agents)


async def test_who_leaves_keeps_what_he_accepted_and_no_offer(
    writer: AsyncEngine, policy: Policy, rows: Rows, handle: Handle, says: Write
) -> None:
    await handle([says("障害です", contact=f"line:main:U{n}") for n in range(2)])
    await sign_in(writer, policy)
    await offered(writer, policy, taken=1)
    async with acting(writer, "acme") as connection:
        gone = await set_presence(connection, "acme", ID, Presence.AWAY, policy, NOW)
    states = await rows("SELECT state, agent FROM support_case ORDER BY state")
    assert [tuple(row) for row in states] == [("assigned", ID), ("waiting", None)]
    assert gone is not None
    assert (gone.presence, gone.load()) == (Presence.AWAY, 1)
    (row,) = await rows("SELECT version, load FROM agent")
    assert (row.version, row.load) == (gone.version, 1)


async def test_who_is_retired_leaves_no_customer_waiting_for_him(
    writer: AsyncEngine, policy: Policy, rows: Rows, handle: Handle, says: Write
) -> None:
    await handle([says("障害です", contact=f"line:main:U{n}") for n in range(2)])
    await sign_in(writer, policy)
    await offered(writer, policy, taken=1)
    async with acting(writer, "acme") as connection:
        gone = await retire(connection, "acme", ID, policy, NOW, "sato")
    assert gone is not None
    assert (gone.presence, gone.capacity, gone.queues, gone.load()) == ("offline", 0, (), 0)
    assert {row.state for row in await rows("SELECT state FROM support_case")} == {"waiting"}
    assert await rows("SELECT 1 FROM agent_queue") == []


async def test_nobody_acts_on_an_agent_of_another_tenant(
    writer: AsyncEngine, policy: Policy
) -> None:
    await sign_in(writer, policy)
    async with acting(writer, "other") as connection:
        assert await set_presence(connection, "other", ID, Presence.AWAY, policy, NOW) is None
        assert await retire(connection, "other", ID, policy, NOW, "sato") is None
        assert await beat(connection, "other", ID, Presence.ONLINE, NOW) is False
