"""Each step of a case: what becomes of it, of whoever has it, of the offer, and what is told."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from common.core.cases import CaseReopened, CaseResolved
from common.core.cloudevents import read
from common.core.work import (
    AgentChanged,
    CaseHeld,
    CaseRequeued,
    OfferAccepted,
    OfferDeclined,
    OfferMade,
    Presence,
)
from router.core.agents import Agent, Offer, OfferState, laying_down, taking_on
from router.core.facts import Case, CaseState
from router.core.lifecycle import hold, reopen, requeue, resolve
from router.core.offers import accept, decline, expire, offer, withdraw
from router.core.steps import Change, ConflictError, Terms
from router.core.telling import of_agent, of_case

NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)
TERMS = Terms(
    offer_timeout=timedelta(minutes=1),
    pause=timedelta(minutes=1),
    pause_at_most=timedelta(minutes=5),
    wrap_up=timedelta(seconds=30),
)
Waiting = Callable[..., Case]


def an_agent(**more: Any) -> Agent:
    told: dict[str, Any] = {"capacity": 3, "presence": Presence.ONLINE} | more
    return Agent(tenant="acme", agent="佐藤", free_since=NOW, seen_at=NOW, changed_at=NOW, **told)


def parts(change: Change) -> tuple[Case, Agent, Offer]:
    assert change.agent is not None
    assert change.offer is not None
    return change.case, change.agent, change.offer


def offered(case: Case) -> tuple[Case, Agent, Offer]:
    return parts(offer(case, an_agent(), TERMS, NOW, "一番長く空いている"))


def test_an_offer_counts_as_work_and_stands_until_its_time(waiting: Waiting) -> None:
    change = offer(waiting(units=2, version=4), an_agent(version=7), TERMS, NOW, "理由", by="田中")
    case, agent, made = parts(change)
    assert (case.state, case.agent, case.offer, case.version) == (
        "offered",
        "佐藤",
        made.offer_id,
        5,
    )
    assert (agent.used, agent.version) == ({"line": 2}, 8)
    assert (made.state, made.expires_at, made.agent_version) == (
        "made",
        NOW + TERMS.offer_timeout,
        8,
    )
    (event,) = change.events
    assert isinstance(event, OfferMade)
    assert (event.units, event.by, event.case_version, event.agent_version) == (2, "田中", 5, 8)


def test_who_accepts_has_the_case_and_nothing_of_the_search_is_left(waiting: Waiting) -> None:
    case, agent, made = offered(waiting(reserved_until=NOW))
    change = accept(case, agent, made, NOW)
    taken, busy, ended = parts(change)
    assert (taken.state, taken.agent, taken.preferred) == ("assigned", "佐藤", "佐藤")
    assert (taken.refusals, taken.reserved_until) == ({}, None)
    assert (busy.used, busy.version) == (agent.used, agent.version + 1)
    assert (ended.state, ended.ended_at, ended.agent_version) == ("accepted", NOW, busy.version)
    assert isinstance(change.events[0], OfferAccepted)


def test_nobody_accepts_what_has_expired_or_ended(waiting: Waiting) -> None:
    case, agent, made = offered(waiting())
    with pytest.raises(ConflictError, match="expired"):
        accept(case, agent, made, made.expires_at)
    with pytest.raises(ConflictError, match="the offer is declined"):
        accept(case, agent, replace(made, state=OfferState.DECLINED), NOW)
    with pytest.raises(ConflictError):
        accept(replace(case, offer=None), agent, made, NOW)
    with pytest.raises(ConflictError, match="the case is offered"):
        offer(case, agent, TERMS, NOW, "二度目")


@pytest.mark.parametrize("how", ["decline", "expire", "withdraw"])
def test_an_offer_that_comes_to_nothing_leaves_everybody_as_before(
    how: str, waiting: Waiting
) -> None:
    before = waiting()
    case, agent, made = offered(before)
    changes = {
        "decline": (decline(case, agent, made, TERMS, NOW, "別件"), "OfferDeclined"),
        "expire": (expire(case, agent, made, TERMS, NOW), "OfferExpired"),
        "withdraw": (withdraw(case, agent, made, NOW, "離席", "田中"), "OfferWithdrawn"),
    }
    change, kind = changes[how]
    back, free, ended = parts(change)
    assert type(change.events[0]).__name__ == kind
    assert (back.state, back.agent, back.offer, back.offered_until) == ("waiting", None, None, None)
    assert (back.rank, back.queue, back.queued_at) == (before.rank, before.queue, before.queued_at)
    assert (free.used, free.free_since) == ({}, NOW)
    assert (ended.ended_at, ended.agent_version) == (NOW, free.version)
    assert (back.version, free.version) == (case.version + 1, agent.version + 1)
    assert bool(back.refusals) == (how != "withdraw")


@given(st.integers(1, 40))
def test_each_refusal_doubles_the_pause_up_to_a_limit(times: int) -> None:
    case = a_waiting_case()
    pauses: list[timedelta] = []
    for _ in range(times):
        standing, agent, made = offered(case)
        change = decline(standing, agent, made, TERMS, NOW)
        case = change.case
        (event,) = change.events
        assert isinstance(event, OfferDeclined)
        assert event.paused_until == case.refusals["佐藤"].until
        pauses.append(case.refusals["佐藤"].until - NOW)
    assert case.refusals["佐藤"].times == times
    assert all(later == min(2 * pause, TERMS.pause_at_most) for pause, later in pairwise(pauses))


def test_who_lets_go_of_a_case_has_room_again_and_the_customer_keeps_his_rank(
    waiting: Waiting,
) -> None:
    case, agent, made = offered(waiting())
    taken, busy, _ = parts(accept(case, agent, made, NOW))
    later = NOW + timedelta(hours=1)

    change = requeue(taken, busy, "vip", later, "専門外", "佐藤")
    assert (change.case.state, change.case.queue, change.case.queued_at) == (
        "waiting",
        "vip",
        later,
    )
    assert (change.case.rank, change.case.agent) == (taken.rank, None)
    assert change.agent is not None
    assert change.agent.used == {}
    assert isinstance(change.events[0], CaseRequeued)
    assert change.events[0].previous_queue == taken.queue

    change = hold(taken, busy, later, NOW, "部品待ち")
    assert (change.case.state, change.case.held_until) == ("held", later)
    assert change.case.preferred == "佐藤"
    assert isinstance(change.events[0], CaseHeld)
    assert change.events[0].agent_version == busy.version + 1

    change = resolve(taken, busy, TERMS, NOW, "佐藤")
    assert (change.case.state, change.case.resolved_at) == ("resolved", NOW)
    assert change.agent is not None
    assert change.agent.wrap_up_until == NOW + TERMS.wrap_up
    assert isinstance(change.events[0], CaseResolved)
    assert change.events[0].wrap_up_until == NOW + TERMS.wrap_up


def test_who_winds_up_takes_nothing(waiting: Waiting) -> None:
    case, agent, made = offered(waiting())
    taken, busy, _ = parts(accept(case, agent, made, NOW))
    free = resolve(taken, busy, TERMS, NOW, "佐藤").agent
    assert free is not None
    assert not free.takes("line", 1, NOW + timedelta(seconds=29))
    assert free.takes("line", 1, NOW + timedelta(seconds=30))
    at_once = resolve(taken, busy, replace(TERMS, wrap_up=timedelta()), NOW, "佐藤").agent
    assert at_once is not None
    assert at_once.takes("line", 1, NOW)


def test_a_case_that_nobody_has_can_be_held_requeued_and_resolved(waiting: Waiting) -> None:
    for change in (
        hold(waiting(preferred="鈴木"), None, None, NOW, "お客様待ち"),
        resolve(waiting(preferred="鈴木"), None, TERMS, NOW, "田中"),
        requeue(waiting(preferred="鈴木"), None, "vip", NOW, "転送"),
    ):
        assert change.agent is None
        assert change.case.preferred == "鈴木"


def test_what_is_offered_must_be_withdrawn_before_anything_else(waiting: Waiting) -> None:
    case, agent, _ = offered(waiting())
    with pytest.raises(ConflictError):
        requeue(case, agent, "vip", NOW, "転送")
    with pytest.raises(ConflictError):
        hold(case, agent, None, NOW, "お客様待ち")
    with pytest.raises(ConflictError):
        resolve(case, agent, TERMS, NOW, "佐藤")


def test_a_case_reopened_has_a_new_resolution_to_keep_and_its_old_rank(waiting: Waiting) -> None:
    told = ("first_response.breached", "resolution.at_risk", "resolution.breached")
    done = waiting(state=CaseState.RESOLVED, resolved_at=NOW, told=told)
    due = NOW + timedelta(hours=8)
    change = reopen(done, due, NOW, "田中")
    case = change.case
    assert (case.state, case.rank, case.resolution_due) == ("waiting", done.rank, due)
    assert case.told == ("first_response.breached",)
    assert isinstance(change.events[0], CaseReopened)
    with pytest.raises(ConflictError):
        reopen(case, due, NOW, "田中")


@given(st.lists(st.tuples(st.sampled_from(["line", "email"]), st.integers(1, 3)), max_size=8))
def test_work_taken_on_and_laid_down_again_leaves_nothing(work: list[tuple[str, int]]) -> None:
    agent = an_agent(capacity=100)
    for channel, units in work:
        agent = taking_on(agent, channel, units)
    assert agent.load() == sum(units for _, units in work)
    for channel, units in work:
        agent = laying_down(agent, channel, units, NOW)
    assert (agent.used, agent.version) == ({}, 1 + 2 * len(work))


def test_one_channel_can_be_full_while_others_have_room() -> None:
    agent = an_agent(channels={"email": 1}, used={"email": 1})
    assert not agent.takes("email", 1, NOW)
    assert agent.takes("line", 2, NOW)
    assert not agent.takes("line", 3, NOW)


def test_what_is_told_twice_has_one_id_and_other_versions_have_others(waiting: Waiting) -> None:
    change = offer(waiting(), an_agent(), TERMS, NOW, "理由")
    once, again = (of_case(change.case, change.events[0], 2, NOW) for _ in range(2))
    assert once == again
    event = read(once.headers, once.value)
    assert (event.attributes.subject, event.attributes.tenant) == (change.case.contact, "acme")
    other = of_case(change.case, change.events[0], 3, NOW)
    assert read(other.headers, other.value).attributes.id != event.attributes.id


def test_what_is_told_of_an_agent_is_about_him() -> None:
    said = AgentChanged(agent="佐藤", changed_at=NOW, agent_version=3)
    record = of_agent(an_agent(), said, NOW)
    event = read(record.headers, record.value)
    assert (record.topic, event.attributes.subject) == ("routing.v1", "agent:佐藤")
    assert event.data == said


def a_waiting_case() -> Case:
    return Case(
        case_id=UUID(int=1),
        tenant="acme",
        conversation="line:main:U4af4980629",
        contact="line:main:U4af4980629",
        participants=(),
        customer=UUID(int=1),
        channel="line",
        state=CaseState.WAITING,
        queue="technical",
        plan="default",
        contract=None,
        priority=0,
        skills={},
        rank=NOW,
        first_response_due=NOW,
        resolution_due=NOW,
        opened_at=NOW,
        decided_by=UUID(int=1),
        queued_at=NOW,
    )
