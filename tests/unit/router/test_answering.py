"""What the company writes: the first response, in time or not, and whose turn it is."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from common.core.cases import Continuity
from common.core.events import Direction, MessageKind
from common.core.work import CaseAnswered, SlaAtRisk, SlaBreached
from router.core.answering import announcements, answer, spoken
from router.core.facts import Arrival, Case, CaseState, Customer
from router.core.policy import Policy
from router.core.routing import Routed, route

HOUR = timedelta(hours=1)

Waiting = Callable[..., Case]
Written = Callable[..., Arrival]
Ruled = Callable[..., Policy]


@pytest.fixture(scope="module")
def patient(ruled: Ruled) -> Policy:
    """Rules by which silver's clock waits for the customer."""
    return ruled(
        "calendar: office, priority: 10",
        "calendar: office, priority: 10, pause_while_waiting: true",
    )


def ours(written: Written, **fields: Any) -> Arrival:
    return written("ご連絡ありがとうございます。", direction=Direction.OUTBOUND, **fields)


def filed(case: Case) -> dict[str, Case]:
    return {case.conversation: case}


def test_the_first_answer_is_the_first_response(
    waiting: Waiting, written: Written, taro: Customer, policy: Policy
) -> None:
    case, arrival = waiting(), ours(written)
    done = answer(arrival, taro, filed(case), policy)
    assert done is not None
    event = done.changes[-1].events[0]
    assert isinstance(event, CaseAnswered)
    assert (event.first, event.in_time, event.case_version) == (True, True, 2)
    assert (event.message_event, event.agent) == (arrival.event, None)
    assert done.case.first_responded_at == done.answered_at == arrival.message.received_at
    assert done.case.rank == case.rank
    (told,) = announcements(done, done.answered_at)
    assert told.topic == "routing.v1"


def test_the_second_answer_is_no_first_response(
    waiting: Waiting, written: Written, taro: Customer, policy: Policy
) -> None:
    first = waiting(
        first_responded_at=waiting().opened_at, state=CaseState.ASSIGNED, agent="tanaka"
    )
    done = answer(ours(written), taro, filed(first), policy)
    assert done is not None
    event = done.changes[-1].events[0]
    assert isinstance(event, CaseAnswered)
    assert (event.first, event.in_time, event.agent) == (False, None, "tanaka")
    assert done.case.first_responded_at == first.opened_at


def test_an_answer_that_comes_too_late_tells_first_that_the_promise_was_broken(
    waiting: Waiting, written: Written, taro: Customer, policy: Policy
) -> None:
    arrival = ours(written)
    due = arrival.message.received_at - timedelta(minutes=10)
    done = answer(arrival, taro, filed(waiting(first_response_due=due)), policy)
    assert done is not None
    events = [change.events[0] for change in done.changes]
    assert [type(event) for event in events] == [SlaAtRisk, SlaBreached, CaseAnswered]
    assert events[-1].in_time is False  # type: ignore[attr-defined]
    assert [change.case.version for change in done.changes] == [2, 3, 4]


@pytest.mark.parametrize("sent", [timedelta(minutes=-5), timedelta(minutes=5), None])
def test_the_channel_says_when_it_was_written_and_never_the_future(
    waiting: Waiting, written: Written, taro: Customer, policy: Policy, sent: timedelta | None
) -> None:
    received: datetime = written().message.received_at
    arrival = ours(written, sent_at=received + sent if sent else None)
    done = answer(arrival, taro, filed(waiting()), policy)
    assert done is not None
    assert done.answered_at == min(received, received + (sent or timedelta()))


def test_a_time_without_a_zone_says_nothing(
    waiting: Waiting, written: Written, taro: Customer, policy: Policy
) -> None:
    arrival = ours(written, sent_at=datetime(2026, 11, 1))  # noqa: DTZ001 - such come over the bus
    done = answer(arrival, taro, filed(waiting()), policy)
    assert done is not None
    assert done.answered_at == arrival.message.received_at


@pytest.mark.parametrize(
    "kind", [MessageKind.AUTO_REPLY, MessageKind.SYSTEM, MessageKind.REACTION, MessageKind.EDIT]
)
def test_what_a_machine_sends_answers_nothing(
    waiting: Waiting, written: Written, taro: Customer, policy: Policy, kind: MessageKind
) -> None:
    assert answer(ours(written, kind=kind), taro, filed(waiting()), policy) is None


def test_only_an_open_case_is_answered_and_only_by_what_was_written_after_it_began(
    waiting: Waiting, written: Written, taro: Customer, policy: Policy
) -> None:
    assert answer(ours(written), taro, {}, policy) is None
    done = waiting(state=CaseState.RESOLVED, resolved_at=waiting().opened_at)
    assert answer(ours(written), taro, filed(done), policy) is None
    early = ours(written, sent_at=waiting().opened_at - timedelta(seconds=1))
    assert answer(early, taro, filed(waiting()), policy) is None


def test_while_the_customer_has_to_answer_the_clock_of_a_patient_plan_stands(
    waiting: Waiting, written: Written, taro: Customer, patient: Policy
) -> None:
    """Answered at 11:40, written again at 14:10: lunch excepted, that is 1 h 30 m."""
    case = waiting()
    done = answer(ours(written), taro, filed(case), patient)
    assert done is not None
    assert done.case.paused_at == done.answered_at
    back = written(
        "まだつながりません", message_id="m-2", received_at=done.answered_at + 2.5 * HOUR
    )
    routed = route(back, taro, (), filed(done.case), None, patient, back.message.received_at)
    assert isinstance(routed, Routed)
    assert routed.case.paused_at is None
    hours = patient.promises["silver"].hours
    assert hours.elapsed(case.resolution_due, routed.case.resolution_due) == 5400
    assert routed.decision.resolution_due == routed.case.resolution_due


@pytest.mark.parametrize(
    ("kind", "stands"),
    [
        (MessageKind.AUTO_REPLY, True),
        (MessageKind.REACTION, True),
        (MessageKind.MESSAGE, False),
        (MessageKind.OPT_IN, False),
    ],
)
def test_only_what_a_person_says_makes_it_our_turn(
    waiting: Waiting, written: Written, patient: Policy, kind: MessageKind, *, stands: bool
) -> None:
    case = waiting(paused_at=waiting().opened_at)
    after = spoken(case, written(kind=kind).message, patient)
    assert after is not None
    assert (after.paused_at is not None) is stands
    assert spoken(None, written().message, patient) is None


def test_a_reopened_case_is_promised_its_first_response_anew(
    waiting: Waiting, written: Written, taro: Customer, policy: Policy
) -> None:
    case = waiting(
        state=CaseState.RESOLVED,
        resolved_at=waiting().opened_at,
        first_responded_at=waiting().opened_at,
        told=("first_response.at_risk", "resolution.breached"),
    )
    again = written("また止まりました")
    routed = route(again, taro, (), filed(case), None, policy, again.message.received_at)
    assert isinstance(routed, Routed)
    assert routed.decision.continuity is Continuity.REOPENED
    assert (routed.case.first_responded_at, routed.case.told) == (None, ())
    following = written(message_id="m-9", kind=MessageKind.MESSAGE)
    joined = route(
        following,
        taro,
        (),
        filed(replace(case, state=CaseState.WAITING, resolved_at=None)),
        None,
        policy,
        following.message.received_at,
    )
    assert isinstance(joined, Routed)
    assert joined.case.told == case.told
