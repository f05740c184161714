"""What a decision was made from, kept so that it can be made again, byte for byte."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from common.core.events import Contract
from router.core.decide import decide
from router.core.facts import Arrival, Case, Customer, Outcome, Roster, Unrouted
from router.core.policy import Policy
from router.core.raising import Raising, raised
from router.core.reconsidering import Cause, Known, reconsidered


class Inputs(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Everything that `decide` was given, but for what others keep.

    The policy is the one of `rules_version`, the roster the journal's at number `roster`; None means
    that nobody said who was signed in. `case` is the one before the message.

    With a `cause` it is what `reconsidered` was given: `earlier` are the case's messages before the
    arrival, `before` is what was known when it was decided about last. With `raising` it is what
    `raised` was given, and `case` the one that a low answer speaks of.
    """

    arrival: Arrival
    customer: Customer
    contracts: tuple[Contract, ...] = ()
    case: Case | None = None
    roster: int | None = None
    now: datetime
    rules_version: str
    cause: Cause | None = None
    earlier: tuple[Arrival, ...] = ()
    before: Known | None = None
    raising: Raising | None = None


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
    return Inputs(
        arrival=_without_html(arrival),
        customer=customer,
        contracts=tuple(contracts),
        case=case,
        roster=None if roster is None else roster.sequence,
        now=now,
        rules_version=policy.version,
    )


def reconsidering_inputs(
    arrivals: Sequence[Arrival],
    before: Known,
    after: Known,
    case: Case,
    roster: Roster | None,
    policy: Policy,
    now: datetime,
    cause: Cause,
) -> Inputs:
    """Return the arguments of `reconsidered` as they are kept."""
    *earlier, last = arrivals
    given = inputs_of(last, after.customer, after.contracts, case, roster, policy, now)
    return replace(given, cause=cause, earlier=tuple(earlier), before=before)


def replayed(inputs: Inputs, roster: Roster | None, policy: Policy) -> Outcome:
    """Make the decision again, or another one under other rules or with other people."""
    if inputs.cause is not None:
        return _reconsidered_again(inputs, inputs.cause, roster, policy)
    if inputs.raising is not None and inputs.case is not None:
        given = (inputs.arrival, inputs.customer, inputs.case, roster, policy, inputs.now)
        return raised(inputs.raising, *given)
    return decide(
        inputs.arrival,
        inputs.customer,
        inputs.contracts,
        inputs.case,
        roster,
        policy,
        inputs.now,
    )


def _reconsidered_again(
    inputs: Inputs, cause: Cause, roster: Roster | None, policy: Policy
) -> Outcome:
    assert inputs.before is not None  # noqa: S101 - kept with every cause
    assert inputs.case is not None  # noqa: S101 - kept with every cause
    decision = reconsidered(
        (*inputs.earlier, inputs.arrival),
        inputs.before,
        Known(inputs.customer, inputs.contracts),
        inputs.case,
        roster,
        policy,
        inputs.now,
        cause,
    )
    return decision or Unrouted(policy.say.nothing_new)


def _without_html(arrival: Arrival) -> Arrival:
    if arrival.message.html is None:
        return arrival
    return replace(arrival, message=replace(arrival.message, html=None))
