"""What a decision was made from, kept so that it can be made again, byte for byte."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from common.core.events import Contract
from router.core.decide import decide
from router.core.facts import Arrival, Case, Customer, Outcome, Roster
from router.core.policy import Policy


class Inputs(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Everything that `decide` was given, but for what others keep.

    The policy is the one of `rules_version`, the roster the journal's at number `roster`; None means
    that nobody said who was signed in. `case` is the one before the message.
    """

    arrival: Arrival
    customer: Customer
    contracts: tuple[Contract, ...] = ()
    case: Case | None = None
    roster: int | None = None
    now: datetime
    rules_version: str


def inputs_of(
    arrival: Arrival,
    customer: Customer,
    contracts: Sequence[Contract],
    case: Case | None,
    roster: Roster | None,
    policy: Policy,
    now: datetime,
) -> Inputs:
    """Return the arguments of `decide` as they are kept: without the HTML, which no rule reads."""
    slim = arrival if arrival.message.html is None else _without_html(arrival)
    return Inputs(
        arrival=slim,
        customer=customer,
        contracts=tuple(contracts),
        case=case,
        roster=None if roster is None else roster.sequence,
        now=now,
        rules_version=policy.version,
    )


def replayed(inputs: Inputs, roster: Roster | None, policy: Policy) -> Outcome:
    """Make the decision again, or another one under other rules or with other people."""
    return decide(
        inputs.arrival,
        inputs.customer,
        inputs.contracts,
        inputs.case,
        roster,
        policy,
        inputs.now,
    )


def _without_html(arrival: Arrival) -> Arrival:
    return replace(arrival, message=replace(arrival.message, html=None))
