"""Service levels: when a promise is in danger and when it is broken, each told once.

Nothing is counted while it runs. A clock is the instant at which it runs out, and whatever stops
it moves that instant. So an event's `at` is the very second, however late somebody looks.
"""

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from common.core.work import SlaAtRisk, SlaBreached, Target
from router.core.entitlement import Promise
from router.core.facts import Case, CaseState
from router.core.policy import Policy
from router.core.steps import Change

AT_RISK = "at_risk"
BREACHED = "breached"


class Threshold(Struct, frozen=True, kw_only=True):
    """A moment that a clock reaches unless it stops before. `name` stands in `Case.told`."""

    target: Target
    kind: str
    at: datetime
    due: datetime

    @property
    def name(self) -> str:
        """Return what the case remembers it by: `first_response.at_risk`."""
        return f"{self.target}.{self.kind}"


def next_threshold(case: Case, policy: Policy) -> Threshold | None:
    """Return the next that the case's clocks reach and that nobody was told of."""
    return min(_untold(case, policy), key=lambda threshold: threshold.at, default=None)


def told(case: Case, threshold: Threshold) -> Change:
    """Tell that a threshold was reached."""
    after = replace(case, told=(*case.told, threshold.name), version=case.version + 1)
    kind = SlaAtRisk if threshold.kind == AT_RISK else SlaBreached
    event = kind(
        case_id=case.case_id,
        contact=case.contact,
        target=threshold.target,
        due=threshold.due,
        at=threshold.at,
        queue=case.queue,
        plan=case.plan,
        case_version=after.version,
        contract=case.contract,
        agent=case.agent if case.state is CaseState.ASSIGNED else None,
    )
    return Change(case=after, events=(event,))


def told_until(case: Case, policy: Policy, now: datetime) -> tuple[Change, ...]:
    """Tell of every threshold that was reached by now, in the order of their times."""
    changes: list[Change] = []
    while (threshold := next_threshold(case, policy)) and threshold.at <= now:
        changes.append(told(case, threshold))
        case = changes[-1].case
    return tuple(changes)


def paused(case: Case, policy: Policy, at: datetime) -> Case:
    """Return the case with its resolution's clock stopped, where its plan says so: we wait for the customer."""
    if case.paused_at is not None or not promise_of(case, policy).pause_while_waiting:
        return case
    return replace(case, paused_at=at)


def resumed(case: Case, policy: Policy, at: datetime) -> Case:
    """Return the case with its resolution's clock running: due later by the open time it stood.

    A promise that was broken before stays broken.
    """
    if case.paused_at is None:
        return case
    due, hours = case.resolution_due, promise_of(case, policy).hours
    if case.paused_at < due:
        due = hours.add(due, hours.elapsed(case.paused_at, at))
    return replace(case, paused_at=None, resolution_due=due)


def promise_of(case: Case, policy: Policy) -> Promise:
    """Return what the case's plan promises; the default's where the rules know the plan no more."""
    return policy.promises.get(case.plan, policy.default_promise)


def _untold(case: Case, policy: Policy) -> Iterator[Threshold]:
    for threshold, stopped in _thresholds(case, policy):
        if threshold.name not in case.told and (stopped is None or threshold.at < stopped):
            yield threshold


def _thresholds(case: Case, policy: Policy) -> Iterator[tuple[Threshold, datetime | None]]:
    """Yield the thresholds of a case, each with when its clock stopped, if it did.

    What was reached just before it stopped is told all the same.
    """
    promise = promise_of(case, policy)
    first_response, resolution = promise.lengths(case.priority)
    answered = case.first_responded_at or case.resolved_at
    waits = case.paused_at or case.resolved_at
    clocks = (
        (Target.FIRST_RESPONSE, case.first_response_due, first_response, answered),
        (Target.RESOLUTION, case.resolution_due, resolution, waits),
    )
    for target, due, length, stopped in clocks:
        at = promise.hours.before(due, promise.spare(length))
        yield Threshold(target=target, kind=AT_RISK, at=at, due=due), stopped
        yield Threshold(target=target, kind=BREACHED, at=due, due=due), stopped
