"""The best contract in force counts, and each that does not is named with why."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from common.core.cases import Decision
from common.core.events import Channel, Contract, ContractState
from router.core.facts import Arrival
from router.core.policy import Policy

Written = Callable[..., Arrival]
Decide = Callable[..., Decision]
Contracted = Callable[..., Contract]


def test_without_a_contract_anybody_is_served_on_the_default_plan(
    written: Written, policy: Policy, decision_of: Decide
) -> None:
    arrival = written()
    decision = decision_of(arrival, policy)
    assert (decision.plan, decision.contract, decision.contracts) == ("default", None, ())
    # 20 minutes until lunch, then 5 hours until the evening, then 2 h 40 of the next morning
    assert decision.first_response_due == arrival.message.received_at + timedelta(hours=24)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"state": ContractState.SUSPENDED}, "suspended"),
        ({"state": ContractState.CANCELLED}, "cancelled"),
        ({"starts_at": timedelta(minutes=1)}, "begins only at 2026-11-24 11:41"),
        ({"ends_at": timedelta(0)}, "ended at 2026-11-24 11:40"),
        ({"channels": (Channel.EMAIL,)}, "does not cover the channel line"),
        ({"products": ("camera",)}, "does not cover the product router"),
        ({"plan": "platinum"}, "names the plan platinum, which the rules do not know"),
    ],
)
def test_a_contract_that_does_not_count_says_why(
    written: Written,
    policy: Policy,
    decision_of: Decide,
    contracted: Contracted,
    fields: dict[str, Any],
    why: str,
) -> None:
    arrival = written(attributes={"product": "router"})
    at = arrival.message.received_at
    dated = {name: at + v if isinstance(v, timedelta) else v for name, v in fields.items()}
    decision = decision_of(arrival, policy, contracts=(contracted(**dated),))
    (trial,) = decision.contracts
    assert (decision.contract, trial.accepted, trial.reason) == (None, False, why)


@pytest.mark.parametrize(
    ("fields", "attributes"),
    [
        ({"ends_at": timedelta(minutes=1)}, {}),
        ({"starts_at": timedelta(0)}, {}),
        ({"channels": (Channel.LINE, Channel.EMAIL)}, {}),
        ({"products": ("router",)}, {"product": "router"}),
        ({"products": ("router",)}, {}),  # the message names none: the customer is believed
    ],
)
def test_a_contract_covers_what_it_names_and_everything_where_it_names_nothing(
    written: Written,
    policy: Policy,
    decision_of: Decide,
    contracted: Contracted,
    fields: dict[str, Any],
    attributes: dict[str, str],
) -> None:
    arrival = written(attributes=attributes)
    at = arrival.message.received_at
    dated = {name: at + v if isinstance(v, timedelta) else v for name, v in fields.items()}
    decision = decision_of(arrival, policy, contracts=(contracted(**dated),))
    assert decision.contract == "K-1"


def test_of_overlapping_contracts_the_earliest_answer_wins_and_the_others_say_so(
    written: Written, policy: Policy, decision_of: Decide, contracted: Contracted
) -> None:
    contracts = (contracted("a", "silver"), contracted("b", "gold"), contracted("c", "gold"))
    decision = decision_of(written(), policy, contracts=contracts)
    assert (decision.contract, decision.plan) == ("b", "gold")
    assert [trial.reason for trial in decision.contracts] == [
        "in force, but b (plan gold) promises an earlier answer",
        "in force and covers the message: plan gold",
        "in force, but b (plan gold) promises an earlier answer",
    ]


def test_what_is_best_depends_on_the_hour(
    written: Written, ruled: Callable[..., Policy], decision_of: Decide, contracted: Contracted
) -> None:
    """Four office hours beat twelve hours round the clock in the morning, not on a Friday evening."""
    policy = ruled("first_response: 1h, resolution: 4h", "first_response: 12h, resolution: 24h")
    contracts = (contracted("office", "silver"), contracted("always", "gold"))
    morning = written()
    friday = written(received_at=morning.message.received_at + timedelta(days=3, hours=5))
    assert decision_of(morning, policy, contracts=contracts).contract == "office"
    assert decision_of(friday, policy, contracts=contracts).contract == "always"


def test_a_contract_may_promise_skills(
    written: Written, policy: Policy, decision_of: Decide, contracted: Contracted
) -> None:
    contract = contracted(skills={"network": 9, "unheard-of": 3})
    needs = decision_of(written("hi"), policy, contracts=(contract,)).skills
    assert ("network", 5, "promised by contract K-1") in [
        (need.skill, need.level, need.reason) for need in needs
    ]
    assert "unheard-of" not in [need.skill for need in needs]
