"""Service levels: each threshold told once, at its second, whoever looks when; clocks that stand still."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from common.core.work import SlaAtRisk, SlaBreached, Target
from router.core.calendars import BusinessHours
from router.core.facts import Case, CaseState
from router.core.policy import Policy
from router.core.rules import Calendar
from router.core.sla import next_threshold, paused, resumed, told_until

OPENED = datetime(2026, 11, 24, 1, 40, tzinfo=UTC)  # 10:40 in Tokyo
HOUR = timedelta(hours=1)
CALENDARS = (
    BusinessHours(
        "office",
        Calendar(
            zone="Asia/Tokyo",
            open={"mon-fri": ("09:00-12:00", "13:00-18:00")},
            holidays=(date(2026, 11, 23),),
        ),
    ),
    BusinessHours("every day", Calendar(zone="Asia/Tokyo", open={"mon-sun": ("00:00-24:00",)})),
    BusinessHours("always", Calendar(zone="Asia/Tokyo", always=True)),
    *(
        BusinessHours(zone, Calendar(zone=zone, open={"mon-sun": ("00:30-02:15", "02:15-03:30")}))
        for zone in ("Europe/Berlin", "Asia/Beirut", "Australia/Lord_Howe")
    ),
)

moments = st.datetimes(datetime(2015, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is given beside it
lengths = st.integers(1, 200 * 3600)
calendars = st.sampled_from(CALENDARS)

Waiting = Callable[..., Case]
Ruled = Callable[..., Policy]


def gold(waiting: Waiting, **fields: object) -> Case:
    """A case of the plan whose clocks never rest: an answer in 1 h, an end in 4 h."""
    given = {
        "plan": "gold",
        "opened_at": OPENED,
        "first_response_due": OPENED + HOUR,
        "resolution_due": OPENED + 4 * HOUR,
    }
    return waiting(**(given | fields))


def names(case: Case, policy: Policy, now: datetime) -> list[str]:
    return [str(change.case.told[-1]) for change in told_until(case, policy, now)]


@given(calendars, moments, lengths, lengths)
def test_counting_back_undoes_counting_forward(
    hours: BusinessHours, start: datetime, whole: int, part: int
) -> None:
    part = min(part, whole)
    end = hours.add(start, whole)
    back = hours.before(end, part)
    assert hours.elapsed(back, end) == part
    if part < whole:
        assert back == hours.add(start, whole - part)


@given(calendars, moments, lengths)
def test_no_earlier_instant_leads_to_the_same_end(
    hours: BusinessHours, end: datetime, length: int
) -> None:
    back = hours.before(end, length)
    assert hours.elapsed(back - timedelta(microseconds=1), end) > hours.elapsed(back, end)


def test_counting_back_nothing_stays() -> None:
    assert all(hours.before(OPENED, 0) == OPENED for hours in CALENDARS)


def test_at_four_fifths_of_the_time_a_promise_is_in_danger_and_at_the_end_broken(
    waiting: Waiting, policy: Policy
) -> None:
    changes = told_until(gold(waiting), policy, OPENED + 4 * HOUR)
    told = [change.events[0] for change in changes]
    assert [type(event) for event in told] == [SlaAtRisk, SlaBreached, SlaAtRisk, SlaBreached]
    assert [event.at - OPENED for event in told] == [  # type: ignore[attr-defined]  # both have it
        timedelta(minutes=48),
        HOUR,
        timedelta(minutes=192),
        4 * HOUR,
    ]
    assert [change.case.version for change in changes] == [2, 3, 4, 5]
    assert [event.case_version for event in told] == [2, 3, 4, 5]  # type: ignore[attr-defined]


def test_only_open_time_brings_a_promise_into_danger(waiting: Waiting, policy: Policy) -> None:
    """Silver answers within 4 hours of an office that rests from 12:00 to 13:00."""
    case = waiting(first_response_due=datetime(2026, 11, 24, 6, 40, tzinfo=UTC))  # 15:40
    threshold = next_threshold(case, policy)
    assert threshold is not None
    assert threshold.at == datetime(2026, 11, 24, 5, 52, tzinfo=UTC)  # 48 minutes before


@given(data=st.data())
def test_each_is_told_once_never_early_and_danger_before_breach(
    waiting: Waiting, policy: Policy, data: st.DataObject
) -> None:
    case = gold(waiting, plan=data.draw(st.sampled_from(("gold", "silver", "default", "dropped"))))
    steps = st.lists(st.integers(0, 600), max_size=20)
    seen: list[str] = []
    now = OPENED
    for minutes in data.draw(steps):
        now += timedelta(minutes=minutes)
        for change in told_until(case, policy, now):
            assert change.events[0].at <= now  # type: ignore[attr-defined]
            case = change.case
            seen.append(case.told[-1])
    assert len(seen) == len(set(seen))
    for target in Target:
        of_target = [name for name in seen if name.startswith(f"{target}.")]
        assert of_target == [f"{target}.at_risk", f"{target}.breached"][: len(of_target)]


@given(ticks=st.lists(st.integers(0, 300), max_size=8))
def test_however_often_somebody_looks_the_same_seconds_are_told(
    waiting: Waiting, policy: Policy, ticks: Sequence[int]
) -> None:
    end = OPENED + 5 * HOUR
    case, told = gold(waiting), []
    for now in (*(OPENED + timedelta(minutes=minute) for minute in sorted(ticks)), end):
        for change in told_until(case, policy, now):
            case = change.case
            told.append(change.events[0])
    once = [change.events[0] for change in told_until(gold(waiting), policy, end)]
    assert told == once


@pytest.mark.parametrize(
    ("stopped", "told"),
    [
        ({"first_responded_at": OPENED + timedelta(minutes=30)}, ["resolution.at_risk"]),
        (
            {"first_responded_at": OPENED + timedelta(minutes=50)},
            ["first_response.at_risk", "resolution.at_risk"],
        ),
        ({"first_responded_at": OPENED + HOUR}, ["first_response.at_risk", "resolution.at_risk"]),
        (
            {"state": CaseState.RESOLVED, "resolved_at": OPENED + timedelta(minutes=55)},
            ["first_response.at_risk"],
        ),
        (
            {"paused_at": OPENED + timedelta(minutes=10)},
            ["first_response.at_risk", "first_response.breached"],
        ),
    ],
)
def test_what_was_reached_before_a_clock_stopped_is_told_and_nothing_after(
    waiting: Waiting, policy: Policy, stopped: dict[str, object], told: list[str]
) -> None:
    assert names(gold(waiting, **stopped), policy, OPENED + timedelta(hours=3.5)) == told


def test_whoever_has_the_case_is_named_and_whoever_is_only_offered_it_is_not(
    waiting: Waiting, policy: Policy
) -> None:
    for state, agent in ((CaseState.ASSIGNED, "tanaka"), (CaseState.OFFERED, None)):
        case = gold(waiting, state=state, agent="tanaka")
        change, *_ = told_until(case, policy, OPENED + HOUR)
        assert change.events[0].agent == agent  # type: ignore[attr-defined]


def test_a_plan_says_whether_its_clock_waits_for_the_customer(
    waiting: Waiting, ruled: Ruled
) -> None:
    case, at = gold(waiting), OPENED + HOUR
    assert paused(case, ruled(), at) == case
    patient = ruled("calendar: always, priority: 20", PATIENT)
    assert paused(case, patient, at).paused_at == at
    assert paused(replace(case, paused_at=OPENED), patient, at).paused_at == OPENED


@given(
    paused_after=st.integers(0, 30 * 3600),
    stood=st.integers(0, 300 * 3600),
    plan=st.sampled_from(("gold", "silver", "default")),
)
def test_a_pause_moves_the_end_by_exactly_its_open_time(
    waiting: Waiting, policy: Policy, paused_after: int, stood: int, plan: str
) -> None:
    promise = policy.promises[plan]
    due = promise.due(OPENED)[1]
    begins = OPENED + timedelta(seconds=paused_after)
    case = waiting(plan=plan, resolution_due=due, paused_at=begins)
    after = resumed(case, policy, begins + timedelta(seconds=stood))
    assert after.paused_at is None
    if begins < due:
        moved = promise.hours.elapsed(due, after.resolution_due)
        assert moved == promise.hours.elapsed(begins, begins + timedelta(seconds=stood))
    else:
        assert after.resolution_due == due  # a broken promise stays broken


def test_a_clock_that_runs_is_not_resumed(waiting: Waiting, policy: Policy) -> None:
    assert resumed(gold(waiting), policy, OPENED + HOUR) == gold(waiting)


PATIENT = "calendar: always, priority: 20, pause_while_waiting: true"
