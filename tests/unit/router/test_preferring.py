"""Whoever knows the customer is asked first, while the case begins to wait."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from common.core.events import MessageKind
from router.core.facts import Arrival, Case, CaseState, Customer
from router.core.policy import Policy
from router.core.routing import Routed, route

NOON = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)

Write = Callable[..., Arrival]
Wait = Callable[..., Case]


@pytest.fixture
def routed(ruled: Callable[..., Policy], written: Write, taro: Customer) -> Callable[..., Case]:
    """How a message of Taro's leaves its case; 鈴木 had one of his lately."""
    policy = ruled("continuity:", "assignment: {reserve: 2m}\ncontinuity:")

    def run(case: Case | None, kind: MessageKind = MessageKind.MESSAGE) -> Case:
        cases = {case.conversation: case} if case else {}
        step = route(written("障害です", kind=kind), taro, (), cases, None, policy, NOON, "suzuki")
        assert isinstance(step, Routed)
        return step.case

    return run


def test_a_case_that_opens_prefers_who_had_one_of_the_customer_lately(
    routed: Callable[..., Case],
) -> None:
    case = routed(None)
    assert (case.preferred, case.reserved_until) == ("suzuki", NOON + timedelta(minutes=2))


@pytest.mark.parametrize("state", [CaseState.RESOLVED, CaseState.HELD])
def test_a_case_that_goes_on_keeps_its_own_agent_preferred(
    routed: Callable[..., Case], waiting: Wait, state: CaseState
) -> None:
    case = routed(waiting(state=state, resolved_at=NOON, preferred="tanaka"))
    assert (case.state, case.preferred) == (CaseState.WAITING, "tanaka")
    assert case.reserved_until == NOON + timedelta(minutes=2)


def test_a_case_that_waits_already_or_that_somebody_has_is_left_as_it_is(
    routed: Callable[..., Case], waiting: Wait
) -> None:
    assert routed(waiting()).preferred is None
    assert routed(waiting(state=CaseState.ASSIGNED, agent="tanaka")).preferred is None
