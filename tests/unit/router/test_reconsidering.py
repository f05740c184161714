"""A waiting case gets the promise that it would have had, had all been known before."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given, strategies as st
from msgspec.structs import replace

from common.core.cases import Decision
from common.core.events import Contract
from router.core.decide import decide
from router.core.facts import Arrival, Case, Customer, Unrouted
from router.core.filing import case_after
from router.core.inputs import inputs_of, reconsidering_inputs, replayed
from router.core.policy import Policy
from router.core.reconsidering import Cause, Known, case_reconsidered, reconsidered

NOON = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)
CAUSE = Cause("a profile became known", UUID(int=9))

Write = Callable[..., Arrival]
Promise = tuple[str, str | None, datetime, datetime]


def _told(arrivals: tuple[Arrival, ...], known: Known, policy: Policy) -> Case:
    case = None
    for arrival in arrivals:
        decision = decide(arrival, known.customer, known.contracts, case, None, policy, NOON)
        assert isinstance(decision, Decision)
        case = case_after(case, "key", arrival, decision)
    assert case is not None
    return case


def _promise(case: Case) -> Promise:
    return case.plan, case.contract, case.first_response_due, case.resolution_due


def _anew(
    arrivals: tuple[Arrival, ...], before: Known, after: Known, case: Case, policy: Policy
) -> Decision | None:
    return reconsidered(arrivals, before, after, case, None, policy, NOON, CAUSE)


@given(
    words=st.lists(
        st.sampled_from(("障害です", "請求の件", "至急", "こんにちは")), min_size=1, max_size=3
    ),
    plans=st.lists(st.sampled_from(("gold", "silver")), min_size=1, max_size=2),
)
def test_what_is_known_late_ends_as_if_it_had_been_known_before(
    written: Write,
    taro: Customer,
    policy: Policy,
    contracted: Callable[..., Contract],
    words: list[str],
    plans: list[str],
) -> None:
    arrivals = tuple(written(text, message_id=f"m-{n}") for n, text in enumerate(words))
    contracts = tuple(contracted(f"K-{n}", plan) for n, plan in enumerate(plans))
    ignorant, known = Known(taro), Known(replace(taro, tier="vip"), contracts)
    late = _told(arrivals, ignorant, policy)

    decision = _anew(arrivals, ignorant, known, late, policy)

    assert decision is not None
    anew, before = case_reconsidered(late, decision), _told(arrivals, known, policy)
    assert _promise(anew) == _promise(before)
    assert (anew.queue, anew.skills) == (before.queue, before.skills)
    assert anew.priority >= max(late.priority, before.priority)
    assert anew.rank <= late.rank
    assert (decision.cause, decision.cause_event) == (CAUSE.reason, CAUSE.event)


def test_nothing_new_decides_nothing_and_a_worse_contract_takes_nothing_back(
    written: Write, taro: Customer, policy: Policy, contracted: Callable[..., Contract]
) -> None:
    arrivals = (written("障害です"),)
    gold, silver = (Known(taro, (contracted("K-1", plan),)) for plan in ("gold", "silver"))
    case = _told(arrivals, gold, policy)

    assert _anew(arrivals, gold, gold, case, policy) is None
    assert _anew(arrivals, gold, silver, case, policy) is None
    assert _anew(arrivals, gold, Known(taro), case, policy) is None


def test_a_better_contract_moves_deadlines_forward_and_keeps_what_was_judged_or_stood_still(
    written: Write, taro: Customer, policy: Policy, contracted: Callable[..., Contract]
) -> None:
    arrivals = (written("障害です"),)
    gold, silver = (Known(taro, (contracted("K-1", plan),)) for plan in ("gold", "silver"))
    case = _told(arrivals, silver, policy)
    pause = timedelta(hours=2)
    answered = replace(case, first_responded_at=NOON, resolution_due=case.resolution_due + pause)

    decision = _anew(arrivals, silver, gold, answered, policy)

    assert decision is not None
    assert decision.plan == "gold"
    assert decision.first_response_due == case.first_response_due
    assert decision.resolution_due == NOON + timedelta(hours=4) + pause


def test_a_case_moves_only_where_what_became_known_makes_the_difference(
    written: Write,
    taro: Customer,
    ruled: Callable[..., Policy],
    contracted: Callable[..., Contract],
) -> None:
    policy = ruled(
        "  - id: bills",
        '  - id: gold\n    sentence: gold to billing\n    when: contract.plan == "gold"\n'
        "    queue: billing\n  - id: bills",
    )
    arrivals = (written("こんにちは"),)
    ignorant, gold = Known(taro), Known(taro, (contracted("K-1", "gold"),))
    case = _told(arrivals, ignorant, policy)
    silver = Known(taro, (contracted("K-1", "silver"),))
    moved_by_hand = replace(case, queue="technical", ring=2)

    by_contract = _anew(arrivals, ignorant, gold, case, policy)
    stays = _anew(arrivals, ignorant, silver, moved_by_hand, policy)

    assert by_contract is not None
    assert by_contract.queue == "billing"
    assert case_reconsidered(case, by_contract).queued_at == by_contract.decided_at
    assert stays is not None
    assert (stays.queue, stays.queue_reason) == ("technical", "the case already waits here")
    assert case_reconsidered(moved_by_hand, stays).ring == 0


def test_a_decision_made_anew_can_be_made_once_more_and_may_come_to_nothing(
    written: Write, taro: Customer, policy: Policy, contracted: Callable[..., Contract]
) -> None:
    arrivals = (
        written("障害です", message_id="1", html="<p>障害です"),
        written("至急", message_id="2"),
    )
    ignorant, gold = Known(taro), Known(taro, (contracted("K-1", "gold"),))
    case = _told(arrivals, ignorant, policy)
    given_: tuple[Any, ...] = (case, None, policy, NOON, CAUSE)

    inputs = reconsidering_inputs(arrivals, ignorant, gold, *given_)
    same = reconsidering_inputs(arrivals, ignorant, ignorant, *given_)
    first = inputs_of(arrivals[0], taro, (), None, None, policy, NOON)

    assert replayed(inputs, None, policy) == _anew(arrivals, ignorant, gold, case, policy)
    assert replayed(same, None, policy) == Unrouted("what became known changes nothing")
    assert first.arrival.message.html is None
    assert replayed(first, None, policy) == decide(arrivals[0], taro, (), None, None, policy, NOON)
