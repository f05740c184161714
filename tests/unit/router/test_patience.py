"""Cases that wait for long: less is asked of whoever answers, and other queues take over."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from common.core.work import CaseRelaxed, CaseRequeued
from router.core.facts import Case, CaseState, Roster
from router.core.patience import LOOK_AGAIN, move_on, moves_at, relax, relaxes_at
from router.core.policy import Policy
from router.core.waking import Standing, wake_of, woken

NOW = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)  # 11:40 in Tokyo: open
MINUTE = timedelta(minutes=1)
OLD = "  technical: {sentence: routers, calendar: office, skills: {network: 2}, overflow: [nightshift]}"
NEW = """  technical:
    sentence: routers
    calendar: office
    skills: {network: 2}
    overflow: [{to: billing, after: 10m}, nightshift]
    relax: [{after: 2m, skills: {network: -1}}, {after: 5m, drop: [japanese]}]
    max_age: 30m"""

Waiting = Callable[..., Case]
Ruled = Callable[..., Policy]


@pytest.fixture(scope="module")
def patient(ruled: Ruled) -> Policy:
    return ruled(OLD, NEW)


@pytest.fixture
def stuck(waiting: Waiting) -> Case:
    names = ("at_risk", "breached")
    return waiting(
        queue="technical",
        skills={"network": 3, "japanese": 2},
        queued_at=NOW,
        told=tuple(
            f"{target}.{name}" for target in ("first_response", "resolution") for name in names
        ),
    )


def test_less_is_asked_step_by_step(stuck: Case, patient: Policy) -> None:
    assert relaxes_at(stuck, patient) == wake_of(stuck, patient, NOW) == NOW + 2 * MINUTE
    assert relax(stuck, patient, NOW + MINUTE) is None
    (change,) = woken(Standing(case=stuck), patient, None, NOW + 2 * MINUTE)
    event = change.events[0]
    assert isinstance(event, CaseRelaxed)
    assert event.skills == change.case.skills == {"network": 2, "japanese": 2}
    assert event.reason == "nobody was free for 2 minutes: less is asked of whoever answers"
    assert relaxes_at(change.case, patient) == NOW + 5 * MINUTE
    (last,) = woken(Standing(case=change.case), patient, None, NOW + 6 * MINUTE)
    assert last.case.skills == {"network": 2}
    assert relaxes_at(last.case, patient) is None


def test_whoever_looks_late_finds_every_step_in_one(stuck: Case, patient: Policy) -> None:
    (change,) = woken(Standing(case=stuck), patient, None, NOW + 6 * MINUTE)
    assert (change.case.skills, change.case.ring) == ({"network": 2}, 2)


def test_another_queue_takes_over_and_asks_what_it_asks(stuck: Case, patient: Policy) -> None:
    bills = Roster({"billing": ({"billing": 1, "network": 3, "japanese": 3},)})
    assert move_on(stuck, patient, bills, NOW + 9 * MINUTE) is None
    change = move_on(stuck, patient, bills, NOW + 10 * MINUTE)
    assert change is not None
    event = change.events[0]
    assert isinstance(event, CaseRequeued)
    assert (event.queue, event.previous_queue) == ("billing", "technical")
    assert event.skills == change.case.skills == {"japanese": 2, "billing": 1}
    assert (change.case.queued_at, change.case.ring) == (NOW + 10 * MINUTE, 0)
    assert change.case.rank == stuck.rank


def test_where_nobody_can_take_over_it_is_looked_at_again(stuck: Case, patient: Policy) -> None:
    later = NOW + 11 * MINUTE
    nobody = Roster({})
    eased = woken(Standing(case=stuck), patient, nobody, later)[-1].case
    assert eased.queue == "technical"
    assert woken(Standing(case=eased), patient, nobody, later) == ()
    assert wake_of(eased, patient, later) == NOW + 10 * MINUTE  # somebody has to look
    assert wake_of(eased, patient, later, looked=True) == later + LOOK_AGAIN
    assert list(moves_at(eased, patient, NOW, looked=True)) == [
        NOW + 10 * MINUTE,
        NOW + 30 * MINUTE,
    ]


def test_what_is_too_old_goes_to_the_default_queue_where_nobody_else_can(
    stuck: Case, patient: Policy
) -> None:
    *_, change = woken(Standing(case=stuck), patient, Roster({}), NOW + 30 * MINUTE)
    assert change.case.queue == "general"
    assert list(moves_at(change.case, patient, NOW, looked=False)) == []


def test_only_what_waits_in_a_queue_of_the_rules_loses_patience(
    stuck: Case, patient: Policy
) -> None:
    for case in (replace(stuck, queue="dropped"), replace(stuck, state=CaseState.HELD)):
        assert relaxes_at(case, patient) is None
        assert relax(case, patient, NOW + timedelta(days=1)) is None
        assert move_on(case, patient, None, NOW + timedelta(days=1)) is None
        assert wake_of(case, patient, NOW) is None
