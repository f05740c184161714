"""A plan may promise more to cases of more priority, and says when a promise is at risk."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st
from msgspec.structs import replace

from common.core.cases import Decision
from common.core.events import Contract
from router.core.facts import Arrival, Case
from router.core.policy import Policy

NOON = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)
TARGETS = """
  gold: {sentence: the best, first_response: 1h, resolution: 4h, calendar: always, priority: 20,
         at_risk: 10m, pause_while_waiting: true,
         targets: [{priority_at_least: 40, first_response: 15m, resolution: 2h},
                   {priority_at_least: 50, first_response: 5m, resolution: 1h}]}"""
GOLD = """
  gold: {sentence: the best, first_response: 1h, resolution: 4h, calendar: always, priority: 20}"""

Write = Callable[..., Arrival]
Decide = Callable[..., Decision]
Ruled = Callable[..., Policy]


def test_the_target_with_the_most_points_that_the_case_reaches_counts(
    written: Write, ruled: Ruled, decision_of: Decide, contracted: Callable[..., Contract]
) -> None:
    policy = ruled(GOLD, TARGETS)
    for text, minutes in (("こんにちは", 60), ("障害", 15), ("至急、障害です", 5)):
        decision = decision_of(written(text), policy, contracts=(contracted("K-1", "gold"),))
        assert decision.first_response_due == NOON + timedelta(minutes=minutes)


def test_the_priority_may_make_another_contract_the_best(
    written: Write, ruled: Ruled, decision_of: Decide, contracted: Callable[..., Contract]
) -> None:
    policy = ruled(
        "calendar: office, priority: 10}",
        "calendar: office, priority: 10,\n"
        "           targets: [{priority_at_least: 40, first_response: 1m, resolution: 1h}]}",
    )
    both = (contracted("K-1", "gold"), contracted("K-2", "silver"))
    calm = decision_of(written("こんにちは"), policy, contracts=both)
    urgent = decision_of(written("至急、障害です"), policy, contracts=both)
    assert (calm.contract, urgent.contract) == ("K-1", "K-2")
    assert urgent.first_response_due == NOON + timedelta(minutes=1)


def test_a_message_that_raises_an_open_case_brings_its_deadlines_forward(
    written: Write, ruled: Ruled, decision_of: Decide, waiting: Callable[..., Case]
) -> None:
    policy = ruled(GOLD, TARGETS)
    case = waiting(plan="gold", priority=20)
    answered = replace(case, first_responded_at=NOON)

    raised = decision_of(written("障害です"), policy, case=case)
    again = decision_of(written("障害です"), policy, case=answered)
    same = decision_of(written("こんにちは"), policy, case=case)

    assert raised.first_response_due == NOON + timedelta(minutes=15)
    assert again.first_response_due == case.first_response_due
    assert again.resolution_due == NOON + timedelta(hours=2)
    assert same.first_response_due == case.first_response_due


def test_a_promise_is_at_risk_a_share_or_a_time_before_its_end(ruled: Ruled) -> None:
    promises = ruled(GOLD, TARGETS).promises
    assert promises["gold"].spare(3600) == 600
    assert promises["gold"].spare(300) == 300
    assert round(promises["silver"].spare(3600)) == 720
    assert (promises["gold"].pause_while_waiting, promises["silver"].pause_while_waiting) == (
        True,
        False,
    )


@given(
    first=st.sampled_from(("こんにちは", "急ぎません", "障害です")),
    second=st.sampled_from(("至急、障害です", "請求の件", "こんにちは")),
    plans=st.tuples(*2 * (st.sampled_from((None, "gold", "silver")),)),
    later=st.integers(0, 14 * 24 * 60),
)
def test_nobody_who_writes_later_than_the_most_credit_after_a_deadline_comes_before_it(
    written: Write,
    ruled: Ruled,
    decision_of: Decide,
    contracted: Callable[..., Contract],
    first: str,
    second: str,
    plans: tuple[str | None, str | None],
    later: int,
) -> None:
    policy = ruled(GOLD, TARGETS)
    one, other = ((contracted("K", plan),) if plan else () for plan in plans)
    waits = decision_of(written(first), policy, contracts=one)
    at = waits.first_response_due + policy.credit_at_most + timedelta(minutes=later)
    comes = decision_of(written(second, received_at=at), policy, contracts=other)
    assert waits.priority >= 0
    assert waits.rank <= comes.rank
