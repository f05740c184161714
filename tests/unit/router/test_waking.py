"""Time alone: when a case or an agent has to be looked at, and what is due then."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from common.core.work import CaseRequeued, OfferExpired, OfferWithdrawn, Presence
from router.core.agents import Agent, OfferState
from router.core.facts import Case, CaseState, Refusal
from router.core.offers import accept, offer
from router.core.policy import Policy
from router.core.waking import (
    Standing,
    agent_asleep,
    agent_wake_of,
    asleep,
    is_news,
    let_go,
    vanished,
    wake_of,
    winds_up_no_more,
    woken,
)

NOW = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

Waiting = Callable[..., Case]


@pytest.fixture
def calm(waiting: Waiting) -> Case:
    """A waiting case of which all clocks were told."""
    names = ("at_risk", "breached")
    targets = ("first_response", "resolution")
    return waiting(told=tuple(f"{target}.{name}" for target in targets for name in names))


@pytest.fixture
def tanaka() -> Agent:
    return Agent(
        tenant="acme",
        agent="tanaka",
        name="田中 一郎",
        free_since=NOW,
        seen_at=NOW,
        changed_at=NOW,
        presence=Presence.ONLINE,
        queues=("billing",),
        skills={"billing": 3},
        capacity=4,
    )


def after(changes: Sequence[object], agent: Agent) -> Agent:
    found = [change.agent for change in changes if change.agent]  # type: ignore[attr-defined]
    return found[-1] if found else agent


def test_a_case_of_which_everything_is_told_sleeps_for_ever(calm: Case, policy: Policy) -> None:
    assert wake_of(calm, policy, NOW) is None
    assert woken(Standing(case=calm), policy, None, NOW) == ()


@pytest.mark.parametrize(
    ("fields", "minutes"),
    [
        ({"reserved_until": NOW + 5 * MINUTE}, 5),
        ({"refusals": {"sato": Refusal(1, NOW + 3 * MINUTE)}}, 3),
        ({"refusals": {"sato": Refusal(1, NOW - MINUTE), "ito": Refusal(2, NOW + MINUTE)}}, 1),
        ({"state": CaseState.HELD, "held_until": NOW + 7 * MINUTE}, 7),
        ({"state": CaseState.HELD, "held_until": NOW - 7 * MINUTE}, -7),  # long overdue
        ({"state": CaseState.OFFERED, "offered_until": NOW + MINUTE}, 1),
        ({"told": ()}, 140),  # 80 % of silver's 4 hours, lunch excepted
    ],
)
def test_a_case_sleeps_until_the_first_of_what_time_alone_does(
    calm: Case, policy: Policy, fields: dict[str, object], minutes: int
) -> None:
    case = replace(calm, first_response_due=NOW + timedelta(minutes=188), **fields)
    assert wake_of(case, policy, NOW) == NOW + minutes * MINUTE
    assert asleep(case, policy, NOW).wake_at == NOW + minutes * MINUTE


def test_an_offer_that_nobody_answers_expires_once(
    calm: Case, tanaka: Agent, policy: Policy
) -> None:
    held_out = offer(calm, tanaka, policy.terms, NOW, "…")
    standing = Standing(case=held_out.case, agent=held_out.agent, offer=held_out.offer)
    until = NOW + policy.terms.offer_timeout
    assert woken(standing, policy, None, until - timedelta(microseconds=1)) == ()

    (change,) = woken(standing, policy, None, until)
    assert isinstance(change.events[0], OfferExpired)
    assert (change.case.state, change.case.offered_until) == (CaseState.WAITING, None)
    assert change.offer is not None
    assert change.offer.state is OfferState.EXPIRED
    assert change.agent is not None
    assert (change.agent.load(), change.agent.version) == (0, tanaka.version + 2)
    assert woken(Standing(case=change.case), policy, None, until) == ()
    assert wake_of(change.case, policy, until) == change.case.refusals["tanaka"].until


def test_an_accepted_offer_does_not_expire(calm: Case, tanaka: Agent, policy: Policy) -> None:
    held_out = offer(calm, tanaka, policy.terms, NOW, "…")
    assert held_out.agent is not None
    assert held_out.offer is not None
    taken = accept(held_out.case, held_out.agent, held_out.offer, NOW).case
    assert wake_of(taken, policy, NOW) is None


def test_a_case_held_until_a_moment_waits_again_where_it_was(calm: Case, policy: Policy) -> None:
    held = replace(calm, state=CaseState.HELD, held_until=NOW, preferred="tanaka")
    (change,) = woken(Standing(case=held), policy, None, NOW)
    assert isinstance(change.events[0], CaseRequeued)
    assert (change.case.state, change.case.queue) == (CaseState.WAITING, "billing")
    assert (change.case.held_until, change.case.preferred) == (None, "tanaka")


def test_several_things_at_once_happen_in_their_order_each_with_a_version(
    calm: Case, tanaka: Agent, policy: Policy
) -> None:
    """Whoever was away for a day finds the offer expired and the promises broken."""
    held_out = offer(replace(calm, told=()), tanaka, policy.terms, NOW, "…")
    standing = Standing(case=held_out.case, agent=held_out.agent, offer=held_out.offer)
    changes = woken(standing, policy, None, NOW + timedelta(days=30))
    names = [type(change.events[0]).__name__ for change in changes]
    assert names == ["OfferExpired", "SlaAtRisk", "SlaBreached", "SlaAtRisk", "SlaBreached"]
    first = held_out.case.version + 1
    versions = [change.case.version for change in changes]
    assert versions == list(range(first, first + len(changes)))
    told = [change.events[0].case_version for change in changes]  # type: ignore[attr-defined]
    assert told == versions


@given(minutes=st.lists(st.integers(0, 3000), max_size=10))
def test_whoever_wakes_too_early_finds_nothing_and_nothing_is_overslept(
    waiting: Waiting, policy: Policy, minutes: list[int]
) -> None:
    case, now = waiting(state=CaseState.HELD, held_until=NOW + 9 * MINUTE), NOW
    for step in (NOW + minute * MINUTE for minute in sorted(minutes)):
        now = max(now, step)
        wake_at = wake_of(case, policy, now)
        changes = woken(Standing(case=case), policy, None, now)
        assert bool(changes) == (wake_at is not None and wake_at <= now)
        case = changes[-1].case if changes else case
        later = wake_of(case, policy, now)
        assert later is None or later > now


@pytest.mark.parametrize(
    ("fields", "minutes", "news"),
    [
        ({"reserved_until": NOW + MINUTE}, 0, False),
        ({"reserved_until": NOW + MINUTE}, 1, True),
        ({"refusals": {"sato": Refusal(1, NOW + MINUTE)}}, 2, True),
        ({"state": CaseState.RESOLVED, "reserved_until": NOW + MINUTE}, 1, False),
        ({}, 5, False),  # only its clocks were told
    ],
)
def test_matching_looks_again_when_a_pause_or_a_reservation_is_over(
    calm: Case, policy: Policy, fields: dict[str, object], minutes: int, *, news: bool
) -> None:
    case = asleep(replace(calm, **fields), policy, NOW)
    assert is_news(case, case, NOW + minutes * MINUTE) is news


def test_matching_looks_at_what_waits_anew(calm: Case) -> None:
    held = replace(calm, state=CaseState.HELD)
    assert is_news(held, calm, NOW)
    assert is_news(calm, replace(calm, queue="general"), NOW)
    assert is_news(calm, replace(calm, skills={}), NOW)
    assert not is_news(calm, held, NOW)


def test_an_agent_without_a_sign_is_gone(tanaka: Agent, policy: Policy) -> None:
    gone = NOW + policy.heartbeat
    assert agent_wake_of(tanaka, policy, NOW) == gone
    assert vanished(tanaka, policy, gone - timedelta(microseconds=1)) is None
    step = vanished(tanaka, policy, gone)
    assert step is not None
    agent, event = step
    assert (agent.presence, agent.version) == (Presence.OFFLINE, tanaka.version + 1)
    assert (event.presence, event.agent_version) == (Presence.OFFLINE, agent.version)
    assert event.reason == "no sign of life for 1 minutes"
    assert vanished(agent, policy, gone + timedelta(days=1)) is None
    assert agent_wake_of(agent, policy, gone) is None  # he has nothing


def test_somebody_who_winds_up_is_woken_when_he_takes_work_again(
    tanaka: Agent, policy: Policy
) -> None:
    until = NOW + timedelta(seconds=20)
    agent = agent_asleep(replace(tanaka, wrap_up_until=until), policy, NOW)
    assert agent.wake_at == until
    assert winds_up_no_more(agent, until)
    assert not winds_up_no_more(agent, until - timedelta(seconds=1))
    assert not winds_up_no_more(agent_asleep(agent, policy, until), until)
    assert not winds_up_no_more(tanaka, until)
    assert agent_wake_of(agent, policy, until) == NOW + policy.heartbeat


def test_whoever_is_gone_keeps_no_offer_and_his_cases_for_a_while(
    waiting: Waiting, tanaka: Agent, policy: Policy
) -> None:
    first, second = waiting(), waiting(case_id=waiting().decided_by)
    held_out = offer(first, tanaka, policy.terms, NOW, "…")
    agent = after([held_out], tanaka)
    other = offer(second, agent, policy.terms, NOW, "…")
    agent = after([other], agent)
    assert other.offer is not None
    assert held_out.offer is not None
    taken = accept(other.case, agent, other.offer, NOW)
    agent = after([taken], agent)
    assert let_go(agent, [(held_out.case, held_out.offer)], [taken.case], policy, NOW) == []

    gone = replace(agent, presence=Presence.OFFLINE)
    (change,) = let_go(gone, [(held_out.case, held_out.offer)], [taken.case], policy, NOW)
    assert isinstance(change.events[0], OfferWithdrawn)
    gone = after([change], gone)
    assert agent_wake_of(gone, policy, NOW) == NOW + policy.take_back

    late = NOW + policy.take_back
    (change,) = let_go(gone, [], [taken.case], policy, late)
    assert isinstance(change.events[0], CaseRequeued)
    assert change.case.state is CaseState.WAITING
    assert after([change], gone).used == {}
    both = let_go(
        replace(agent, presence=Presence.OFFLINE),
        [(held_out.case, held_out.offer)],
        [taken.case],
        policy,
        late,
    )
    versions = [change.agent.version for change in both if change.agent]
    assert versions == [agent.version + 1, agent.version + 2]
