"""A case's facts in their order, and what each changed.

The router counts the versions of a case without a gap, so they order it, whatever clocks said.
Where a version is missing, all of the case is ordered by time.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from operator import itemgetter
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from timeline.core.figures_facts import Fact, FactKind

ABOUT_SURVEYS = (FactKind.SURVEYED, FactKind.RATED)


class CaseState(StrEnum):
    """Whether a case waits for us, for the customer or a moment, or is done."""

    OPEN = "open"
    HELD = "held"
    RESOLVED = "resolved"


class Standing(Struct, frozen=True, kw_only=True):
    """Where a case is at a moment. `agent` is who has it, `queue` where it waits or was taken from."""

    state: CaseState = CaseState.OPEN
    queue: str | None = None
    plan: str | None = None
    contract: str | None = None
    priority: int | None = None
    agent: str | None = None
    first_response_due: datetime | None = None
    resolution_due: datetime | None = None
    paused_at: datetime | None = None


class Step(Struct, frozen=True):
    """A fact, and where the case was before and after it."""

    fact: Fact
    before: Standing
    after: Standing


def steps_of(facts: Iterable[Fact]) -> tuple[Step, ...]:
    """Return what happened to a case, first things first; surveys are no part of it."""
    steps: list[Step] = []
    standing = Standing()
    for fact in _in_order([fact for fact in facts if fact.kind not in ABOUT_SURVEYS]):
        after = _standing_after(standing, fact)
        steps.append(Step(fact, standing, after))
        standing = after
    return tuple(steps)


def of_kind(steps: Iterable[Step], kind: FactKind) -> list[Step]:
    """Return the steps of this kind."""
    return [step for step in steps if step.fact.kind is kind]


def first_of(steps: Iterable[Step], kind: FactKind) -> Step | None:
    """Return the first step of this kind."""
    return next((step for step in steps if step.fact.kind is kind), None)


def rounds(steps: Sequence[Step], *, by_customer: bool) -> list[list[Step]]:
    """Return the steps from each beginning to the next: the opening, then every reopening.

    `by_customer`: of reopenings, only those by the customer, who is then promised an answer anew.
    """
    parts: list[list[Step]] = [[]]
    for step in steps:
        fact = step.fact
        if fact.kind is FactKind.REOPENED and not (by_customer and fact.by):
            parts.append([])
        parts[-1].append(step)
    return parts


def _in_order(facts: Sequence[Fact]) -> list[Fact]:
    versions = [_version(fact, facts) for fact in facts]
    if None in versions:
        return sorted(facts, key=_by_time)
    places = [(version, *_by_time(fact)[1:]) for version, fact in zip(versions, facts, strict=True)]
    return [fact for _, fact in sorted(zip(places, facts, strict=True), key=itemgetter(0))]


def _version(fact: Fact, facts: Iterable[Fact]) -> int | None:
    """Return the version that a fact made. What begins with a message has that of its routing."""
    if fact.kind is FactKind.OPENED:
        return 0
    if fact.version is not None or fact.kind is not FactKind.REOPENED:
        return fact.version
    routed = (
        other.version
        for other in facts
        if other.flag and other.kind is FactKind.ROUTED and other.message == fact.message
    )
    return min((version for version in routed if version is not None), default=None)


def _by_time(fact: Fact) -> tuple[Any, ...]:
    kind = fact.kind
    rank = 0 if kind is FactKind.OPENED else 1 if kind is FactKind.REOPENED else 2
    return (rank > 0, fact.at), fact.version or 0, rank, fact.at, fact.event


def _standing_after(before: Standing, fact: Fact) -> Standing:
    if fact.kind is FactKind.ROUTED:
        return _routed(before, fact)
    if fact.kind is FactKind.REQUEUED:
        return replace(before, state=CaseState.OPEN, queue=fact.queue, agent=None)
    if fact.kind is FactKind.TAKEN:
        return replace(before, state=CaseState.OPEN, agent=fact.agent)
    if fact.kind is FactKind.ANSWERED:
        return replace(before, paused_at=fact.paused_at)
    state = _ENDS_IN.get(fact.kind)
    if state is None:
        return before
    return replace(before, state=state, agent=None, paused_at=None)


_ENDS_IN = {
    FactKind.REOPENED: CaseState.OPEN,
    FactKind.HELD: CaseState.HELD,
    FactKind.RESOLVED: CaseState.RESOLVED,
}


def _routed(before: Standing, fact: Fact) -> Standing:
    goes_on = fact.flag or before.state is CaseState.HELD
    # One routing follows another for hundreds of messages: `replace` would take twice as long.
    return Standing(
        state=CaseState.OPEN if goes_on else before.state,
        agent=before.agent,
        queue=fact.queue,
        plan=fact.plan,
        contract=fact.contract,
        priority=fact.priority,
        first_response_due=fact.first_response_due,
        resolution_due=fact.resolution_due,
        paused_at=fact.paused_at,
    )
