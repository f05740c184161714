"""What a simulation leaves behind: each case's story, each agent's hours, how long queues were."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from common.core.cases import Decision
from common.core.work import Presence
from router.core.agents import Agent
from router.core.facts import Case


class Story(Struct, kw_only=True):
    """A case from when it began to wait (or was reopened) until it was solved or given up."""

    case_id: UUID
    queue: str
    channel: str
    plan: str
    arrived_at: datetime
    first_response_due: datetime
    resolution_due: datetime
    agent: str | None = None
    offers: int = 0
    accepted_at: datetime | None = None
    resolved_at: datetime | None = None
    left_at: datetime | None = None


class Hours(Struct, kw_only=True):
    """What an agent did while signed in, in seconds; `used` and `capacity` in units times seconds.

    Whoever winds up takes nothing new, so that all his capacity counts as used meanwhile.
    """

    agent: str
    team: str | None = None
    signed_in: float = 0.0
    used: float = 0.0
    capacity: float = 0.0
    wrap_up: float = 0.0
    accepted: int = 0


class Assigned(Struct, frozen=True):
    """An offer as it was made: which case to whom, when and why."""

    at: datetime
    case_id: UUID
    agent: str
    why: str


class Step(Struct, frozen=True):
    """A queue grew or shrank."""

    at: datetime
    queue: str
    by: int


class Ledger:
    """Writes down what happens, in the order in which it happens."""

    def __init__(self) -> None:
        self.stories: list[Story] = []
        self.hours: dict[str, Hours] = {}
        self.assigned: list[Assigned] = []
        self.steps: list[Step] = []
        self.decisions: dict[UUID, Decision] = {}
        self._current: dict[UUID, Story] = {}
        self._standing: dict[str, tuple[datetime, Agent]] = {}

    def story(self, case_id: UUID) -> Story:
        """Return the story that a case is in, or was in last."""
        return self._current[case_id]

    def begins(self, case: Case, now: datetime) -> Story:
        """Begin a story: the case waits, for the first time or anew."""
        story = Story(
            case_id=case.case_id,
            queue=case.queue,
            channel=case.channel,
            plan=case.plan,
            arrived_at=now,
            first_response_due=case.first_response_due,
            resolution_due=case.resolution_due,
        )
        self.stories.append(story)
        self._current[case.case_id] = story
        self.steps.append(Step(now, case.queue, 1))
        return story

    def moves(self, case: Case, now: datetime) -> None:
        """Note the queue of a case that waits, which may be another one now."""
        story = self._current[case.case_id]
        if story.queue != case.queue:
            self.steps += (Step(now, story.queue, -1), Step(now, case.queue, 1))
            story.queue = case.queue

    def offered(self, case: Case, agent: str, why: str, now: datetime) -> None:
        """Note that a case is held out to an agent."""
        self.assigned.append(Assigned(now, case.case_id, agent, why))
        self._current[case.case_id].offers += 1

    def accepted(self, case: Case, now: datetime) -> None:
        """Note that the agent takes the case: it waits no longer."""
        story = self._current[case.case_id]
        story.accepted_at, story.agent = now, case.agent
        self.steps.append(Step(now, story.queue, -1))
        self.hours[case.agent or ""].accepted += 1

    def solved(self, case: Case, now: datetime) -> None:
        """Note that the matter is done."""
        self._current[case.case_id].resolved_at = now

    def left(self, case: Case, now: datetime) -> None:
        """Note that the customer gave up waiting."""
        story = self._current[case.case_id]
        story.left_at = now
        self.steps.append(Step(now, story.queue, -1))

    def stands(self, agent: Agent, now: datetime) -> None:
        """Note how an agent stands from now on."""
        self._count(agent.agent, now)
        self._standing[agent.agent] = now, agent
        self.hours.setdefault(agent.agent, Hours(agent=agent.agent, team=agent.team))

    def closes(self, now: datetime) -> None:
        """Nothing is watched from now on."""
        for agent in self._standing:
            self._count(agent, now)

    def _count(self, agent: str, now: datetime) -> None:
        since, before = self._standing.get(agent, (now, None))
        if before is None or before.presence is not Presence.ONLINE:
            return
        hours, seconds = self.hours[agent], (now - since).total_seconds()
        hours.signed_in += seconds
        wrapping = _seconds_of_wrap_up(before, since, now)
        hours.wrap_up += wrapping
        hours.capacity += seconds * before.capacity
        hours.used += wrapping * before.capacity + (seconds - wrapping) * before.load()


def _seconds_of_wrap_up(agent: Agent, since: datetime, now: datetime) -> float:
    if agent.wrap_up_until is None or agent.wrap_up_until <= since:
        return 0.0
    return (min(now, agent.wrap_up_until) - since).total_seconds()
