"""The first rule whose queue is open and staffed by somebody who qualifies decides the queue."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from common.core.cases import Decision
from router.core.facts import Arrival, Case, CaseState, Roster
from router.core.policy import Policy

Written = Callable[..., Arrival]
Decide = Callable[..., Decision]

NOON = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)
NIGHT = datetime(2026, 11, 24, 18, 0, tzinfo=UTC)  # three in the morning in Tokyo
EVENING = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)  # nine in the evening


def tried(decision: Decision) -> list[tuple[str, bool, str]]:
    return [(trial.queue, trial.accepted, trial.reason) for trial in decision.queues]


@pytest.mark.parametrize(
    ("text", "now", "queue"),
    [
        ("障害です", NOON, "technical"),
        ("障害です", NIGHT, "nightshift"),
        ("障害です", EVENING, "general"),
        ("請求書の件", NOON, "billing"),
        ("請求書の件", NIGHT, "billing"),  # it waits until it opens
        ("障害なのに請求ですか", NOON, "technical"),
        ("障害なのに請求ですか", EVENING, "billing"),
        ("こんにちは", NOON, "general"),
    ],
)
def test_the_queue_depends_on_the_words_and_the_hour(
    written: Written, policy: Policy, decision_of: Decide, text: str, now: datetime, queue: str
) -> None:
    decision = decision_of(written(text), policy, now=now)
    assert decision.queue == queue
    assert decision.queues[-1].accepted
    assert decision.queues[-1].reason == decision.queue_reason
    assert not any(trial.accepted for trial in decision.queues[:-1])


def test_every_refusal_has_its_reason(
    written: Written, policy: Policy, decision_of: Decide
) -> None:
    decision = decision_of(written("障害です"), policy, now=EVENING)
    assert tried(decision) == [
        ("technical", False, "closed, opens 2026-11-25 09:00"),
        ("nightshift", False, "closed, opens 2026-11-25 00:00"),
        ("general", True, "the default queue takes what nobody else does"),
    ]


def test_a_queue_may_take_cases_while_it_is_closed(
    written: Written, policy: Policy, decision_of: Decide
) -> None:
    decision = decision_of(written("請求書の件"), policy, now=NIGHT)
    assert decision.queue_reason == (
        "rule bills (bills go to billing): closed, waits here until it opens 2026-11-25 09:00"
    )


@pytest.mark.parametrize(
    ("signed_in", "queue", "first"),
    [
        ({}, "general", "open, but nobody is signed in"),
        (
            {"technical": ({"network": 2, "japanese": 5}, {"japanese": 5})},
            "general",
            "open, but nobody signed in has network ≥ 3, japanese ≥ 3",
        ),
        (
            {"technical": ({"network": 3, "japanese": 3}, {"network": 5}, {"japanese": 5})},
            "technical",
            "rule outage (outages go to the technicians): open, 1 of 3 skill profiles signed in qualify",
        ),
    ],
)
def test_where_it_is_known_who_is_signed_in_somebody_must_qualify(
    written: Written,
    policy: Policy,
    decision_of: Decide,
    signed_in: dict[str, tuple[dict[str, int], ...]],
    queue: str,
    first: str,
) -> None:
    decision = decision_of(written("障害です"), policy, roster=Roster(signed_in))
    assert decision.queue == queue
    assert decision.queues[0].reason == first


def test_skills_of_a_rule_with_a_queue_are_asked_for_only_there(
    written: Written, policy: Policy, decision_of: Decide
) -> None:
    arrival = written("障害なのに請求ですか")
    by_day, by_night = (decision_of(arrival, policy, now=now) for now in (NOON, EVENING))
    assert {need.skill: need.level for need in by_day.skills} == {"network": 3, "japanese": 3}
    assert {need.skill: need.level for need in by_night.skills} == {"billing": 1, "japanese": 3}


def test_of_one_skill_asked_for_twice_the_higher_level_counts(
    written: Written, policy: Policy, decision_of: Decide
) -> None:
    arrival = written(
        "請求", attributes={"skill.billing": "4", "skill.japanese": "2", "skill.x": "1"}
    )
    skills = decision_of(arrival, policy).skills
    assert {need.skill: (need.level, need.reason) for need in skills} == {
        "billing": (4, "the message itself asks for it"),
        "japanese": (3, "rule japanese (Japanese for Japanese)"),
    }


@pytest.mark.parametrize("level", ["0", "6", "high", ""])
def test_a_level_that_is_none_is_not_asked_for(
    written: Written, policy: Policy, decision_of: Decide, level: str
) -> None:
    arrival = written("hello there friends", attributes={"skill.network": level})
    assert decision_of(arrival, policy).skills == ()


def test_a_queue_is_tried_once_however_many_rules_name_it(
    written: Written, ruled: Callable[..., Policy], decision_of: Decide
) -> None:
    policy = ruled("    queue: billing", "    queue: technical")
    decision = decision_of(written("障害 請求"), policy, now=EVENING)
    assert [trial.queue for trial in decision.queues] == ["technical", "nightshift", "general"]


@pytest.mark.parametrize(
    ("text", "former", "queue"),
    [
        ("まだ直りません", "technical", "technical"),
        ("請求書の件", "technical", "billing"),  # a rule knows better
        ("まだ直りません", "gone", "general"),
    ],
)
def test_a_reopened_case_goes_back_where_it_was_unless_a_rule_knows_better(
    written: Written,
    policy: Policy,
    decision_of: Decide,
    waiting: Callable[..., Case],
    text: str,
    former: str,
    queue: str,
) -> None:
    case = waiting(state=CaseState.RESOLVED, resolved_at=NOON, queue=former)
    assert decision_of(written(text), policy, case=case).queue == queue
