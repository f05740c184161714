"""A case as a desk shows it beside a customer: where it is, its clocks, who had it, what it was worth."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from common.core.work import Target
from timeline.core.figures_facts import Fact, FactKind
from timeline.core.figures_promises import standing_of
from timeline.core.figures_steps import CaseState, Standing, Step, first_of, of_kind


class Clock(Struct, frozen=True):
    """A promise: when it is due, and whether it was kept; None while nobody knows yet."""

    due: datetime | None
    kept: bool | None


class Rating(Struct, frozen=True, kw_only=True):
    """An answer to a survey. `score` is on the scale of its `question` (common.core.surveys)."""

    event: UUID
    at: datetime
    question: str
    score: int | None
    channel: str | None
    agent: str | None


class AgentSeen(Struct, frozen=True):
    """Somebody who took, answered or ended the case: when he last did, and the event that says so."""

    agent: str
    at: datetime
    event: UUID


class CaseStory(Struct, frozen=True, kw_only=True):
    """A case. Events are named so that each statement can be looked up on the timeline.

    `agent` has it now; `agents` had to do with it, the last one first. The resolution's clock
    stands since `paused_at`. `last_at` is when the last thing happened that we know of.
    """

    case_id: UUID
    contact: str
    channel: str | None
    subject: str | None
    state: CaseState
    opened_at: datetime | None
    opened_event: UUID | None
    last_at: datetime
    last_event: UUID
    queue: str | None
    plan: str | None
    contract: str | None
    priority: int | None
    agent: str | None
    agents: tuple[AgentSeen, ...]
    first_response: Clock
    resolution: Clock
    paused_at: datetime | None
    first_answered_at: datetime | None
    resolved_at: datetime | None
    resolved_event: UUID | None
    reopened: int
    ratings: tuple[Rating, ...]


def story_of(case: UUID, facts: Sequence[Fact], steps: Sequence[Step]) -> CaseStory:
    """Return the story of a case of which at least one fact is known, whichever they are.

    `steps` are those of `facts` (timeline.core.figures_steps.steps_of).
    """
    now = steps[-1].after if steps else Standing(state=CaseState.RESOLVED)
    opened = _fact(first_of(steps, FactKind.OPENED))
    answered = _fact(first_of(steps, FactKind.ANSWERED))
    ended = _end(steps, now)
    last = max(facts, key=lambda fact: (fact.at, fact.event))
    return CaseStory(
        case_id=case,
        contact=opened.contact if opened else last.contact,
        channel=opened.channel if opened else None,
        subject=opened.subject if opened else None,
        state=now.state,
        opened_at=opened.at if opened else None,
        opened_event=opened.event if opened else None,
        last_at=last.at,
        last_event=last.event,
        queue=now.queue,
        plan=now.plan,
        contract=now.contract,
        priority=now.priority,
        agent=now.agent,
        agents=_agents(steps),
        first_response=Clock(now.first_response_due, standing_of(Target.FIRST_RESPONSE, steps)),
        resolution=Clock(now.resolution_due, standing_of(Target.RESOLUTION, steps)),
        paused_at=now.paused_at,
        first_answered_at=answered.at if answered else None,
        resolved_at=ended.at if ended else None,
        resolved_event=ended.event if ended else None,
        reopened=len(of_kind(steps, FactKind.REOPENED)),
        ratings=_ratings(facts),
    )


def _fact(step: Step | None) -> Fact | None:
    return step.fact if step else None


def _end(steps: Sequence[Step], now: Standing) -> Fact | None:
    ends = of_kind(steps, FactKind.RESOLVED)
    return ends[-1].fact if ends and now.state is CaseState.RESOLVED else None


_WORK = (FactKind.TAKEN, FactKind.ANSWERED, FactKind.RESOLVED)


def _agents(steps: Iterable[Step]) -> tuple[AgentSeen, ...]:
    seen: dict[str, AgentSeen] = {}
    for fact in (step.fact for step in steps if step.fact.kind in _WORK):
        if fact.agent:
            seen.pop(fact.agent, None)
            seen[fact.agent] = AgentSeen(fact.agent, fact.at, fact.event)
    return tuple(reversed(seen.values()))


def _ratings(facts: Iterable[Fact]) -> tuple[Rating, ...]:
    rated = [fact for fact in facts if fact.kind is FactKind.RATED and fact.question]
    return tuple(
        Rating(
            event=fact.event,
            at=fact.at,
            question=fact.question or "",
            score=fact.score,
            channel=fact.channel,
            agent=fact.agent,
        )
        for fact in sorted(rated, key=lambda fact: (fact.at, fact.event))
    )
