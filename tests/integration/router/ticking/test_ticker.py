"""The ticker on a real Postgres: each thing once, whoever looks, whoever dies in the middle."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.core.work import (
    AgentPresenceChanged,
    CaseRequeued,
    OfferExpired,
    OfferWithdrawn,
    Presence,
    SlaAtRisk,
    SlaBreached,
)
from router.core.facts import Case, CaseState, Refusal, Roster
from router.core.policy import Policy
from router.edges.signals import Listener
from router.edges.ticker import AT_ONCE, Ticker

Build = Callable[..., Ticker]
Make = Callable[..., Case]

HOUR = timedelta(hours=1)


async def drain(*tickers: Ticker) -> None:
    """Tick until nothing is left."""
    while any(await asyncio.gather(*(ticker.tick() for ticker in tickers))):
        pass


async def test_nothing_happens_before_its_time(
    ticker: Ticker, a_case: Make, clock: Any, floor: Any
) -> None:
    await floor.wait(a_case())
    await floor.come()
    await floor.give(a_case())
    before = await floor.cases()
    clock.turn(seconds=59)
    await drain(ticker)
    assert await floor.cases() == before


async def test_an_offer_that_nobody_answers_expires_once_however_many_look(
    writer: AsyncEngine,
    ticker: Ticker,
    ticker_on: Build,
    a_case: Make,
    policy: Policy,
    clock: Any,
    floor: Any,
) -> None:
    cases = [a_case(number) for number in range(1, 7)]
    await floor.wait(*cases)
    for name in ("tanaka", "sato"):
        await floor.come(name)
    for case in cases:
        await floor.give(case, "tanaka" if case.case_id.int % 2 else "sato")
    clock.turn(seconds=policy.terms.offer_timeout.total_seconds())
    await floor.beat()
    await drain(ticker, ticker_on(writer), ticker_on(writer))
    assert {(row.state, row.agent, row.version) for row in await floor.cases()} == {
        ("waiting", None, 3)
    }
    expired = await floor.told(OfferExpired)
    assert len(expired) == 6
    versions = Counter((event.agent, event.agent_version) for event in expired)
    assert set(versions.values()) == {1}
    assert {row.load for row in await floor.agents()} == {0}


async def test_a_case_held_until_a_moment_waits_again_and_the_matcher_is_told(
    listener: Listener, ticker: Ticker, a_case: Make, clock: Any, floor: Any
) -> None:
    await floor.wait(a_case(state=CaseState.HELD, held_until=clock() + HOUR))
    clock.turn(hours=1)
    await drain(ticker)
    dirty = await listener.next(10)
    assert dirty.queues["acme"] == {"technical"}
    [row] = await floor.cases()
    assert (row.state, row.wake_at > clock()) == ("waiting", True)


async def test_when_a_refusals_pause_is_over_the_matcher_looks_again(
    listener: Listener, ticker: Ticker, a_case: Make, clock: Any, floor: Any
) -> None:
    await floor.wait(a_case(refusals={"tanaka": Refusal(1, clock() + HOUR)}))
    clock.turn(hours=1)
    await drain(ticker)
    dirty = await listener.next(10)
    assert dirty.queues["acme"] == {"technical"}
    [row] = await floor.cases()
    assert (row.version, row.wake_at > clock()) == (1, True)  # nothing changed, it sleeps on


async def test_when_a_wrap_up_is_over_the_matcher_looks_at_the_agent(
    listener: Listener, ticker: Ticker, clock: Any, floor: Any
) -> None:
    await floor.come()
    until = clock() + timedelta(seconds=20)
    await floor.run("UPDATE agent SET wrap_up_until = :at, wake_at = :at", at=until)
    await floor.mark()
    while "mark" not in (await listener.next(10)).queues:
        pass
    clock.turn(seconds=20)
    await drain(ticker)
    dirty = await listener.next(10)
    assert dirty.agents["acme"] == {"tanaka"}
    [row] = await floor.agents()
    assert (row.presence, row.wake_at > clock()) == ("online", True)


async def test_promises_in_danger_and_broken_are_told_at_their_second_and_starve_nobody(
    writer: AsyncEngine, ticker: Ticker, ticker_on: Build, a_case: Make, clock: Any, floor: Any
) -> None:
    due = clock() + HOUR
    many = 3 * AT_ONCE
    await floor.wait(*(a_case(number, first_response_due=due) for number in range(1, many + 1)))
    clock.turn(minutes=50)
    await floor.come()
    clock.turn(minutes=70)
    await ticker.tick()
    assert [row.presence for row in await floor.agents()] == [
        "offline"
    ]  # he was not behind them all
    await drain(ticker, ticker_on(writer))
    events = await floor.told(SlaAtRisk, SlaBreached)
    assert Counter(type(event) for event in events) == {SlaAtRisk: many, SlaBreached: many}
    assert {event.at for event in events if isinstance(event, SlaBreached)} == {due}
    keys = {(event.case_id, event.case_version) for event in events}
    assert len(keys) == 2 * many
    await drain(ticker)
    assert len(await floor.told(SlaAtRisk, SlaBreached)) == 2 * many


async def test_whoever_gives_no_sign_loses_his_offers_at_once_and_his_cases_later(
    ticker: Ticker, a_case: Make, policy: Policy, clock: Any, floor: Any
) -> None:
    await floor.wait(a_case(1), a_case(2))
    await floor.come()
    await floor.give(a_case(1), taken=True)
    clock.turn(seconds=30)
    await floor.give(a_case(2))
    clock.turn(seconds=policy.heartbeat.total_seconds() - 30)
    await drain(ticker)
    assert [row.state for row in await floor.cases()] == ["assigned", "waiting"]
    [left] = [
        event for event in await floor.told(AgentPresenceChanged) if event.presence == "offline"
    ]
    [withdrawn] = await floor.told(OfferWithdrawn)
    assert withdrawn.agent_version == left.agent_version + 1
    assert [row.agent for row in await floor.rows("SELECT agent FROM roster_event")] == [
        "tanaka"
    ] * 3

    clock.turn(seconds=policy.take_back.total_seconds())
    await drain(ticker)
    assert [row.state for row in await floor.cases()] == ["waiting", "waiting"]
    [requeued] = await floor.told(CaseRequeued)
    assert (requeued.agent, requeued.agent_version) == ("tanaka", withdrawn.agent_version + 1)
    [agent] = await floor.agents()
    assert (agent.load, agent.wake_at) == (0, None)


async def test_a_sign_of_life_in_time_keeps_everything(
    writer: AsyncEngine, ticker: Ticker, policy: Policy, clock: Any, floor: Any
) -> None:
    await floor.come()
    clock.turn(seconds=50)
    async with writer.begin() as connection:
        await connection.execute(text("UPDATE agent SET seen_at = :now"), {"now": clock()})
    seen = clock()
    clock.turn(seconds=20)
    await drain(ticker)
    [agent] = await floor.agents()
    assert (agent.presence, agent.wake_at) == (Presence.ONLINE, seen + policy.heartbeat)


async def test_a_case_that_somebody_works_on_is_left_for_the_next_time(
    writer: AsyncEngine, ticker: Ticker, a_case: Make, policy: Policy, clock: Any, floor: Any
) -> None:
    await floor.wait(a_case())
    await floor.come()
    clock.turn(seconds=30)
    await floor.give(a_case())
    clock.turn(seconds=policy.heartbeat.total_seconds() - 30)
    async with writer.begin() as connection:
        await connection.execute(text("SELECT FROM support_case FOR UPDATE"))
        await drain(ticker)
        [agent] = await floor.agents()
        assert (agent.presence, agent.load, agent.wake_at) == (
            Presence.OFFLINE,
            1,
            clock() + timedelta(seconds=1),
        )
    clock.turn(seconds=1)
    await drain(ticker)
    assert [row.state for row in await floor.cases()] == ["waiting"]
    assert [row.load for row in await floor.agents()] == [0]


async def test_whoever_dies_in_the_middle_has_done_nothing_and_another_does_it_once(
    writer: AsyncEngine, ticker: Ticker, ticker_on: Build, a_case: Make, clock: Any, floor: Any
) -> None:
    def dying(_: str) -> Roster | None:
        raise RuntimeError("killed")

    await floor.wait(*(a_case(number, first_response_due=clock() + HOUR) for number in range(1, 4)))
    clock.turn(hours=1)
    before = await floor.cases()
    with pytest.raises(RuntimeError, match="killed"):
        await ticker_on(writer, rosters=dying).tick()
    assert await floor.cases() == before
    assert await floor.told(SlaAtRisk, SlaBreached) == []
    await drain(ticker)
    assert len(await floor.told(SlaAtRisk)) == len(await floor.told(SlaBreached)) == 3


async def test_other_rules_wake_cases_and_agents_at_other_times(
    writer: AsyncEngine,
    ticker: Ticker,
    ticker_on: Build,
    a_case: Make,
    policy: Policy,
    clock: Any,
    floor: Any,
) -> None:
    """The promise is in danger at half of its time instead of four fifths."""
    plan = policy.default_promise
    due = plan.hours.add(clock(), plan.first_response)
    await floor.wait(*(a_case(number, first_response_due=due) for number in range(1, 4)))
    await floor.come()
    await drain(ticker)
    half = replace(plan, at_risk=0.5)
    stricter = replace(
        policy,
        version="stricter",
        default_promise=half,
        promises={**policy.promises, plan.plan: half},
        heartbeat=timedelta(seconds=20),
    )
    sooner = plan.hours.add(clock(), plan.first_response / 2)
    others = [ticker_on(writer, stricter), ticker_on(writer, stricter)]
    async with writer.begin() as connection:  # somebody works on one of them
        one = {"id": a_case(2).case_id}
        await connection.execute(
            text("SELECT FROM support_case WHERE case_id = :id FOR UPDATE"), one
        )
        await others[0].tick()
        assert [row.wake_at == sooner for row in await floor.cases()] == [True, False, True]
    await drain(*others)
    assert {row.wake_at for row in await floor.cases()} == {sooner}
    assert [row.wake_at for row in await floor.agents()] == [clock() + timedelta(seconds=20)]
    clock.now = sooner
    await drain(*others)
    assert {event.at for event in await floor.told(SlaAtRisk)} == {sooner}


async def test_a_replica_that_starts_with_the_same_rules_sweeps_nothing(
    writer: AsyncEngine, ticker: Ticker, ticker_on: Build, a_case: Make, floor: Any
) -> None:
    await drain(ticker)
    await floor.wait(a_case())
    async with writer.begin() as connection:
        await connection.execute(text("UPDATE support_case SET wake_at = NULL"))
    await drain(ticker_on(writer))
    assert [row.wake_at for row in await floor.cases()] == [None]


async def test_the_component_wakes_what_is_due_until_it_is_told_to_stop(
    writer: AsyncEngine, ticker_on: Build, a_case: Make, clock: Any, floor: Any
) -> None:
    done, stopping = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(ticker_on(writer, after_commit=done.set).run(stopping))
    await floor.wait(a_case(state=CaseState.HELD, held_until=clock()))
    await asyncio.wait_for(done.wait(), 20)
    assert [row.state for row in await floor.cases()] == ["waiting"]
    stopping.set()
    await running
