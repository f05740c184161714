"""What waits is offered to whoever is free, by any of the replicas, once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.core.work import Presence
from common.edges.database import create_writer_engine
from router.core.facts import Case, Refusal
from router.core.policy import Policy
from router.edges.agents_store import set_presence
from router.edges.matcher import Matcher
from router.edges.shards import try_lock
from router.edges.signals import Dirty, Listener, nothing
from router.edges.work import locked_cases

Wait = Callable[..., Awaitable[None]]
Come = Callable[..., Awaitable[None]]
Offered = Callable[..., Awaitable[list[tuple[int, str]]]]
NewsOf = Callable[..., Dirty]
ACase = Callable[..., Case]
Rows = Callable[..., Awaitable[list[Any]]]

NOW = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)
TENANTS = ("acme", "globex", "initech", "umbrella", "hooli")


@pytest.fixture
async def other_writer(router_url: str) -> AsyncIterator[AsyncEngine]:
    """Another replica's connections."""
    engine = create_writer_engine(router_url, "router")
    yield engine
    await engine.dispose()


def everything() -> Dirty:
    dirty = nothing()
    dirty.everything = True
    return dirty


async def test_the_earliest_ranks_go_to_those_who_have_been_free_longest(
    matcher: Matcher, wait: Wait, come: Come, a_case: ACase, offered: Offered, news_of: NewsOf
) -> None:
    await come("佐藤", "鈴木")
    await wait(a_case(3), a_case(1), a_case(2))
    await matcher.round(news_of("technical"))
    assert await offered() == [(1, "佐藤"), (2, "鈴木")]


async def test_who_comes_gets_what_waits_in_any_queue_of_his(
    matcher: Matcher, wait: Wait, come: Come, a_case: ACase, offered: Offered, news_of: NewsOf
) -> None:
    await wait(a_case(1), a_case(2, queue="vip"), a_case(3, queue="billing"))
    await come("佐藤", queues=("technical", "vip"), capacity=3)
    await matcher.round(news_of(agents=("佐藤",)))
    assert await offered() == [(1, "佐藤"), (2, "佐藤")]


async def test_only_who_can_do_it_is_asked(
    matcher: Matcher, wait: Wait, come: Come, a_case: ACase, offered: Offered, news_of: NewsOf
) -> None:
    await come("佐藤", skills={"network": 2})
    await come("鈴木", skills={"network": 3, "english": 1})
    await come("高橋", capacity=0)
    await come("田中", channels={"line": 0})
    await wait(
        a_case(1, skills={"network": 3}), a_case(2, skills={"french": 1}), a_case(3, units=2)
    )
    await matcher.round(news_of("technical"))
    await matcher.round(everything())
    assert await offered() == [(1, "鈴木")]


async def test_two_matchers_beside_each_other_offer_each_case_once(
    writer: AsyncEngine,
    other_writer: AsyncEngine,
    matcher_on: Callable[..., Matcher],
    wait: Wait,
    come: Come,
    a_case: ACase,
    offered: Offered,
    rows: Rows,
) -> None:
    names = [f"担当{number:02}" for number in range(20)]
    await come(*names, capacity=2)
    await wait(*(a_case(number) for number in range(1, 61)))
    matchers = [matcher_on(engine) for engine in (writer, other_writer)]
    for _ in range(6):
        await asyncio.gather(*(matcher.round(everything()) for matcher in matchers))
    found = await offered()
    assert [number for number, _ in found] == list(range(1, 41))
    assert sorted(name for _, name in found) == sorted(names * 2)
    assert {row.load for row in await rows("SELECT load FROM agent")} == {2}


async def test_a_shard_that_somebody_matches_in_is_left_for_the_next_round(
    writer: AsyncEngine,
    matcher_on: Callable[..., Matcher],
    wait: Wait,
    come: Come,
    a_case: ACase,
    offered: Offered,
    news_of: NewsOf,
) -> None:
    await come("佐藤")
    await wait(a_case(1))
    news = Listener(writer)
    await news.next(0)
    matcher = matcher_on(writer, news=news)
    async with writer.begin() as connection:
        assert await try_lock(connection, "acme", "technical")
        await matcher.round(news_of("technical"))
        assert await offered() == []
    await matcher.round(await news.next(0))
    assert await offered() == [(1, "佐藤")]


async def test_nobody_overtakes_a_case_that_somebody_works_on(
    writer: AsyncEngine,
    matcher_on: Callable[..., Matcher],
    wait: Wait,
    come: Come,
    a_case: ACase,
    offered: Offered,
    news_of: NewsOf,
) -> None:
    await come("佐藤", "鈴木", capacity=2, skills={"network": 3})
    await wait(a_case(1), a_case(2), a_case(3, skills={"network": 1}))
    news = Listener(writer)
    await news.next(0)
    matcher = matcher_on(writer, news=news)
    async with writer.begin() as connection:
        await locked_cases(connection, [UUID(int=1)])
        await matcher.round(news_of("technical"))
        assert [number for number, _ in await offered()] == [3]
    await matcher.round(await news.next(0))
    assert sorted(number for number, _ in await offered()) == [1, 2, 3]


async def test_five_companies_have_nothing_to_do_with_each_other(
    matcher: Matcher, wait: Wait, come: Come, a_case: ACase, offered: Offered
) -> None:
    for number, tenant in enumerate(TENANTS):
        if number:  # the first has cases and nobody for them
            await come("佐藤", tenant=tenant, capacity=number)
        cases = [a_case(n + 10 * number, tenant=tenant) for n in range(1, 4)]
        await wait(*cases)
    await matcher.round(everything())
    assert [len(await offered(tenant)) for tenant in TENANTS] == [0, 1, 2, 3, 3]


async def test_a_lane_is_read_as_deep_as_its_agents_can_take(
    writer: AsyncEngine,
    matcher_on: Callable[..., Matcher],
    wait: Wait,
    come: Come,
    a_case: ACase,
    offered: Offered,
    news_of: NewsOf,
) -> None:
    await come("佐藤", "鈴木", capacity=10)
    await wait(*(a_case(number) for number in range(1, 31)))
    news = Listener(writer)
    await news.next(0)
    matcher = matcher_on(writer, news=news)
    dirty = news_of("technical")
    while dirty.queues or dirty.agents:
        await matcher.round(dirty)
        dirty = await news.next(0)
    assert [number for number, _ in await offered()] == list(range(1, 21))


@pytest.mark.parametrize("by", ["case", "agent", "everything"])
async def test_what_waits_behind_many_that_he_refused_is_offered_to_him(
    by: str,
    matcher: Matcher,
    wait: Wait,
    come: Come,
    a_case: ACase,
    offered: Offered,
    news_of: NewsOf,
) -> None:
    refused = {"佐藤": Refusal(1, NOW + timedelta(minutes=1))}
    await come("佐藤")
    await wait(*(a_case(number, refusals=refused) for number in range(1, 51)), a_case(51))
    news = {"case": news_of("technical"), "agent": news_of(agents=("佐藤",))}
    await matcher.round(news.get(by, everything()))
    assert await offered() == [(51, "佐藤")]


async def test_a_refused_case_goes_to_another_at_once_and_back_after_the_pause(
    writer: AsyncEngine,
    matcher_on: Callable[..., Matcher],
    wait: Wait,
    come: Come,
    a_case: ACase,
    offered: Offered,
    news_of: NewsOf,
) -> None:
    refused = {"佐藤": Refusal(1, NOW + timedelta(minutes=1))}
    await come("佐藤", "鈴木")
    await wait(a_case(1, refusals=refused), a_case(2, refusals=refused))
    await matcher_on(writer).round(news_of("technical"))
    assert await offered() == [(1, "鈴木")]
    await matcher_on(writer, NOW + timedelta(minutes=1)).round(everything())
    assert await offered() == [(1, "鈴木"), (2, "佐藤")]


@pytest.mark.parametrize("by", ["case", "agent", "everything"])
async def test_a_reserved_case_waits_for_who_knows_the_customer_though_he_is_busy(
    by: str,
    writer: AsyncEngine,
    matcher_on: Callable[..., Matcher],
    wait: Wait,
    come: Come,
    a_case: ACase,
    offered: Offered,
    news_of: NewsOf,
) -> None:
    until = NOW + timedelta(minutes=1)
    await come("佐藤", capacity=0)  # he is there, and takes nothing more now
    await come("鈴木")
    await wait(a_case(1, preferred="佐藤", reserved_until=until), a_case(2))
    news = {"case": news_of("technical"), "agent": news_of(agents=("鈴木",))}
    dirty = news.get(by, everything())
    await matcher_on(writer).round(dirty)
    assert await offered() == [(2, "鈴木")]
    await come("高橋")
    await matcher_on(writer, until).round(everything())
    assert await offered() == [(1, "高橋"), (2, "鈴木")]


async def test_a_reserved_case_does_not_wait_for_somebody_who_left(
    writer: AsyncEngine,
    policy: Policy,
    matcher: Matcher,
    wait: Wait,
    come: Come,
    a_case: ACase,
    offered: Offered,
    news_of: NewsOf,
) -> None:
    await come("佐藤", "鈴木")
    async with writer.begin() as connection:
        await set_presence(connection, "acme", "佐藤", Presence.AWAY, policy, NOW)
    await wait(a_case(1, preferred="佐藤", reserved_until=NOW + timedelta(minutes=1)))
    await matcher.round(news_of("technical"))
    assert await offered() == [(1, "鈴木")]


async def test_who_knows_the_customer_is_asked_first_though_another_has_the_news(
    matcher: Matcher, wait: Wait, come: Come, a_case: ACase, offered: Offered, news_of: NewsOf
) -> None:
    await come("鈴木", "佐藤")
    await wait(a_case(1, preferred="佐藤"))
    await matcher.round(news_of(agents=("鈴木",)))
    assert await offered() == [(1, "佐藤")]


async def test_who_winds_up_gets_nothing_until_he_is_done(
    writer: AsyncEngine,
    matcher_on: Callable[..., Matcher],
    wait: Wait,
    come: Come,
    a_case: ACase,
    offered: Offered,
) -> None:
    await come("佐藤")
    async with writer.begin() as connection:
        until = {"until": NOW + timedelta(seconds=30)}
        await connection.execute(text("UPDATE agent SET wrap_up_until = :until"), until)
    await wait(a_case(1))
    await matcher_on(writer).round(everything())
    assert await offered() == []
    await matcher_on(writer, NOW + timedelta(seconds=30)).round(everything())
    assert await offered() == [(1, "佐藤")]


async def test_a_running_matcher_offers_what_it_hears_of_until_it_is_told_to_stop(
    writer: AsyncEngine,
    matcher_on: Callable[..., Matcher],
    listener: Listener,
    wait: Wait,
    come: Come,
    a_case: ACase,
    offered: Offered,
) -> None:
    stopping = asyncio.Event()
    running = asyncio.create_task(matcher_on(writer, news=listener).run(stopping))
    await come("佐藤")
    await wait(a_case(1))
    async with asyncio.timeout(20):
        while await offered() != [(1, "佐藤")]:  # noqa: ASYNC110 - it lies in Postgres
            await asyncio.sleep(0.01)
    stopping.set()
    await running


async def test_what_is_offered_wakes_when_the_offer_ends_if_nothing_is_due_before(
    matcher: Matcher, wait: Wait, come: Come, a_case: ACase, news_of: NewsOf, rows: Rows
) -> None:
    soon, late = NOW + timedelta(seconds=5), NOW + timedelta(hours=5)
    await come("佐藤", capacity=3)
    await wait(a_case(1), a_case(2, wake_at=soon), a_case(3, wake_at=late))
    await matcher.round(news_of("technical"))
    found = await rows("SELECT wake_at, offered_until FROM support_case ORDER BY case_id")
    ends = found[0].offered_until
    assert NOW < ends < late
    assert [row.wake_at for row in found] == [ends, soon, ends]


async def test_an_offer_is_written_as_its_case_and_agent_say(
    matcher: Matcher, wait: Wait, come: Come, a_case: ACase, news_of: NewsOf, rows: Rows
) -> None:
    await come("佐藤", queues=("technical", "vip"), capacity=4)
    await wait(a_case(1, version=7), a_case(2, queue="vip", units=2))
    await matcher.round(news_of("technical", "vip"))
    made = await rows(
        "SELECT offer.*, held.version, held.offer AS known, held.queue AS waits_in, held.state AS is_now"
        "  FROM offer JOIN support_case AS held USING (case_id) ORDER BY case_id"
    )
    (agent,) = await rows("SELECT used, load, version FROM agent")
    assert [(row.tenant, row.agent, row.state, row.ended_at) for row in made] == [
        ("acme", "佐藤", "made", None)
    ] * 2
    assert [row.version for row in made] == [8, 2]
    assert [row.queue for row in made] == ["technical", "vip"]
    assert all(
        (row.offer_id, row.queue, row.is_now) == (row.known, row.waits_in, "offered")
        for row in made
    )
    assert all(row.made_at == NOW for row in made)
    assert [row.agent_version for row in made] == [agent.version - 1, agent.version]
    assert (agent.used, agent.load) == ({"line": 3}, 3)


async def test_who_loses_the_first_of_two_matches_is_left_with_the_second_of_another_kind(
    writer: AsyncEngine,
    matcher: Matcher,
    wait: Wait,
    come: Come,
    a_case: ACase,
    offered: Offered,
    news_of: NewsOf,
    rows: Rows,
) -> None:
    await come("佐藤", capacity=2, skills={"network": 3})
    await wait(a_case(1), a_case(2, skills={"network": 1}))
    (before,) = await rows("SELECT version FROM agent")
    async with writer.begin() as connection:
        await locked_cases(connection, [a_case(1).case_id])
        await matcher.round(news_of("technical"))
    assert await offered() == [(2, "佐藤")]
    (agent,) = await rows("SELECT version, used, load FROM agent")
    assert (agent.version, agent.used, agent.load) == (before.version + 1, {"line": 1}, 1)


async def test_a_matcher_outlives_its_connection(
    writer: AsyncEngine,
    matcher_on: Callable[..., Matcher],
    wait: Wait,
    come: Come,
    a_case: ACase,
    offered: Offered,
) -> None:
    await come("佐藤")
    await wait(a_case(1))
    async with writer.begin() as connection:
        await connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    stopping = asyncio.Event()
    running = asyncio.create_task(matcher_on(writer).run(stopping))
    async with asyncio.timeout(20):
        while await offered() != [(1, "佐藤")]:  # noqa: ASYNC110 - it lies in Postgres
            await asyncio.sleep(0.05)
    stopping.set()
    await running
