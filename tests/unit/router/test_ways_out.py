"""Which queue takes over, by condition and by waiting, and what is asked less over time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from common.core.cases import Decision
from router.core.facts import Arrival, Case, Roster
from router.core.loading import RulesError, load
from router.core.policy import Policy
from router.core.queues import answering
from router.core.relaxing import next_relaxation, overflow_times, overflowed, relaxed

EVENING = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NOON = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)
TECHNICAL = (
    "technical: {sentence: routers, calendar: office, skills: {network: 2}, overflow: [nightshift]}"
)
WITH_MORE = (
    "technical: {sentence: routers, calendar: office, skills: {network: 2}, max_age: 2h, "
    "overflow: [{to: billing, when: [unstaffed]}, {to: nightshift, after: 15m}, "
    "{to: billing, when: [unqualified], after: 30m}], "
    "relax: [{after: 10m, drop: [japanese]}, {after: 2m, skills: {network: -1}}]}"
)
ALL = ("technical", "billing", "nightshift", "general")

Write = Callable[..., Arrival]
Ruled = Callable[..., Policy]
Wait = Callable[..., Case]


@pytest.fixture
def policy(ruled: Ruled) -> Policy:
    return ruled(TECHNICAL, WITH_MORE)


def test_a_queue_takes_over_only_in_the_conditions_that_it_is_meant_for(
    written: Write, policy: Policy, decision_of: Callable[..., Decision]
) -> None:
    nobody = Roster({"billing": ({"billing": 3, "japanese": 5, "network": 5},)})
    unstaffed = decision_of(written("障害です"), policy, roster=nobody)
    closed = decision_of(written("障害です"), policy, now=EVENING)
    assert [unstaffed.queue, closed.queue] == ["billing", "general"]


def test_after_a_wait_the_first_way_out_whose_time_has_come_is_taken(
    policy: Policy, waiting: Wait
) -> None:
    case = waiting(queue="technical", skills={"network": 3})
    able = Roster({"billing": ({"network": 5},), "technical": ({"network": 1},)})

    def after(minutes: int, *is_open: str, roster: Roster | None = None) -> str | None:
        waited = timedelta(minutes=minutes)
        desk = policy.desks["technical"]
        return overflowed(case, desk, policy.desks, policy.default_queue, waited, is_open, roster)

    assert after(14, *ALL) is None
    assert after(15, *ALL) == "nightshift"
    assert after(15, "technical") is None
    assert after(29, *ALL, roster=able) is None
    assert after(30, *ALL, roster=able) == "billing"
    assert after(120, "technical") == "general"
    assert overflow_times(policy.desks["technical"]) == tuple(
        timedelta(minutes=minutes) for minutes in (15, 30, 120)
    )
    assert overflow_times(policy.desks["general"]) == ()


def test_less_is_asked_step_by_step(policy: Policy, waiting: Wait) -> None:
    desk = policy.desks["technical"]
    case = waiting(skills={"network": 1, "japanese": 3})

    assert relaxed(case, desk, timedelta(minutes=1)) is None
    assert relaxed(case, desk, timedelta(minutes=2)) == ({"japanese": 3}, 1)
    assert relaxed(case, desk, timedelta(minutes=10)) == ({}, 2)
    assert relaxed(waiting(ring=2), desk, timedelta(hours=9)) is None
    assert next_relaxation(case, desk) == timedelta(minutes=2)
    assert next_relaxation(waiting(ring=2), desk) is None


def test_somebody_answers_from_the_queues_of_his_profile_and_of_his_team() -> None:
    teams = {"night": ("nightshift", "general")}
    assert answering(("general",), "night", teams) == ("general", "nightshift")
    assert answering(("general",), None, teams) == ("general",)


@pytest.mark.parametrize(
    ("new", "wrong"),
    [
        (WITH_MORE.replace("to: billing, when", "to: bills, when"), "no queue is called bills"),
        (WITH_MORE.replace("drop: [japanese]", "drop: [french]"), "no skill is called french"),
    ],
)
def test_what_the_rules_do_not_know_is_refused(rules_text: str, new: str, wrong: str) -> None:
    with pytest.raises(RulesError, match=wrong):
        load(rules_text.replace(TECHNICAL, new).encode())


def test_a_team_answers_from_queues_that_there_are(rules_text: str) -> None:
    with pytest.raises(RulesError, match="no queue is called moon"):
        load(f"{rules_text}teams: {{night: [moon]}}\n".encode())


def test_a_resolution_before_the_first_response_is_refused_in_targets_too(rules_text: str) -> None:
    target = "targets: [{priority_at_least: 1, first_response: 2h, resolution: 1h}], priority: 20}"
    with pytest.raises(RulesError, match="due before"):
        load(rules_text.replace("priority: 20}", target).encode())
