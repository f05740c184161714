"""An agent as the bus tells his history: profile, presence and load after each of his versions."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from assignment_laws.cases import Moment
from common.core.cases import CaseResolved
from common.core.work import (
    AgentChanged,
    AgentPresenceChanged,
    CaseHeld,
    CaseRequeued,
    OfferDeclined,
    OfferExpired,
    OfferMade,
    OfferWithdrawn,
    Presence,
)

LAYING_DOWN = (
    *(OfferDeclined, OfferExpired, OfferWithdrawn),
    *(CaseRequeued, CaseHeld, CaseResolved),
)


class Work(Struct, frozen=True):
    """A case that somebody is offered or has."""

    channel: str
    units: int


class AgentAt(Struct, frozen=True, kw_only=True):
    """An agent between two of his versions. `never_had` names a case he gave back without having it."""

    agent: str
    version: int
    at: datetime
    skills: dict[str, int] = {}
    queues: frozenset[str] = frozenset()
    capacity: int = 0
    channels: dict[str, int] = {}
    presence: Presence = Presence.OFFLINE
    wrap_up_until: datetime | None = None
    work: dict[UUID, Work] = {}
    never_had: UUID | None = None

    def load(self, channel: str | None = None) -> int:
        """Return the units in use, in total or of one channel."""
        return sum(one.units for one in self.work.values() if channel in (None, one.channel))

    def has_room(self, channel: str, units: int) -> bool:
        """Whether so much more is within his limits."""
        most = self.channels.get(channel)
        fits = most is None or self.load(channel) + units <= most
        return fits and self.load() + units <= self.capacity

    def meets(self, skills: dict[str, int]) -> bool:
        """Whether he can do what is asked for."""
        return all(self.skills.get(skill, 0) >= level for skill, level in skills.items())


def states(agent: str, moments: Iterable[Moment]) -> list[AgentAt]:
    """Return the agent after each moment."""
    found: list[AgentAt] = []
    for moment in moments:
        last = found[-1] if found else AgentAt(agent=agent, version=0, at=moment.at)
        after = _after(replace(last, never_had=None), moment.says)
        found.append(replace(after, version=moment.version, at=max(moment.at, last.at)))
    return found


def _after(agent: AgentAt, says: Any) -> AgentAt:
    if isinstance(says, AgentChanged):
        return replace(
            agent,
            skills=says.skills,
            queues=frozenset(says.queues),
            capacity=says.capacity,
            channels=says.channels,
        )
    if isinstance(says, AgentPresenceChanged):
        return replace(agent, presence=says.presence, wrap_up_until=says.wrap_up_until)
    if isinstance(says, OfferMade):
        work = agent.work | {says.case_id: Work(says.channel, says.units)}
        return replace(agent, work=work)
    return _laid_down(agent, says) if isinstance(says, LAYING_DOWN) else agent


def _laid_down(agent: AgentAt, says: Any) -> AgentAt:
    left = {case: work for case, work in agent.work.items() if case != says.case_id}
    never_had = says.case_id if says.case_id not in agent.work else None
    lighter = replace(agent, work=left, never_had=never_had)
    if isinstance(says, CaseResolved) and says.wrap_up_until:
        return replace(lighter, wrap_up_until=says.wrap_up_until)
    return lighter
