"""Open cases as a head shows them: where each is, and how its clocks stand."""

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from common.core.work import Target
from timeline.core.case_story import CaseStory, Clock
from timeline.core.figures_facts import Fact, FactKind

_NEVER = datetime.max.replace(tzinfo=UTC)


class ClockState(StrEnum):
    """How a promise stands."""

    RUNNING = "running"
    PAUSED = "paused"
    AT_RISK = "at_risk"
    BREACHED = "breached"
    KEPT = "kept"
    UNKNOWN = "unknown"


class ShownClock(Struct, frozen=True):
    """A promise of a case: due when, how it stands, and the events that say so."""

    due: datetime | None
    state: ClockState
    events: tuple[UUID, ...]


class OpenCase(Struct, frozen=True, kw_only=True):
    """A case that is not done; `agent` has it. `events` are what opened it and what happened last."""

    case_id: UUID
    subject: str | None
    channel: str | None
    state: str
    queue: str | None
    plan: str | None
    contract: str | None
    priority: int | None
    agent: str | None
    opened_at: datetime | None
    reopened: int
    first_response: ShownClock
    resolution: ShownClock
    events: tuple[UUID, ...]

    @property
    def urgency(self) -> tuple[datetime, UUID]:
        """Return by what cases are put in order: what is due first, and not kept yet."""
        waiting = (
            clock.due
            for clock in (self.first_response, self.resolution)
            if clock.due is not None and clock.state is not ClockState.KEPT
        )
        return min(waiting, default=_NEVER), self.case_id


def open_case(case: CaseStory, facts: Iterable[Fact], now: datetime) -> OpenCase:
    """Return a case as it is shown; `facts` are all that is known of it."""
    told = tuple(facts)
    return OpenCase(
        case_id=case.case_id,
        subject=case.subject,
        channel=case.channel,
        state=case.state,
        queue=case.queue,
        plan=case.plan,
        contract=case.contract,
        priority=case.priority,
        agent=case.agent,
        opened_at=case.opened_at,
        reopened=case.reopened,
        first_response=_shown(case.first_response, Target.FIRST_RESPONSE, told, None, now),
        resolution=_shown(case.resolution, Target.RESOLUTION, told, case.paused_at, now),
        events=tuple(dict.fromkeys(filter(None, (case.opened_event, case.last_event)))),
    )


def _shown(
    clock: Clock, target: Target, facts: tuple[Fact, ...], paused_at: datetime | None, now: datetime
) -> ShownClock:
    said = [fact for fact in facts if fact.target == target and fact.due == clock.due]
    events = tuple(fact.event for fact in sorted(said, key=lambda fact: (fact.at, fact.event)))
    return ShownClock(clock.due, _state(clock, said, paused_at, now), events)


def _state(
    clock: Clock, said: Iterable[Fact], paused_at: datetime | None, now: datetime
) -> ClockState:
    if clock.kept is not None:
        return ClockState.KEPT if clock.kept else ClockState.BREACHED
    if clock.due is None:
        return ClockState.UNKNOWN
    if paused_at is not None and paused_at < clock.due:
        return ClockState.PAUSED
    if clock.due <= now:
        return ClockState.BREACHED
    warned = any(fact.kind is FactKind.AT_RISK for fact in said)
    return ClockState.AT_RISK if warned else ClockState.RUNNING
