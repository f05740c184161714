"""A case as the bus tells its history: one state after each of its versions."""

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from common.core.cases import CaseReopened, CaseResolved, CaseRouted
from common.core.work import (
    CaseHeld,
    CaseRelaxed,
    CaseRequeued,
    OfferAccepted,
    OfferDeclined,
    OfferExpired,
    OfferMade,
    OfferWithdrawn,
)


class Doing(StrEnum):
    """Where a case is."""

    WAITING = "waiting"
    OFFERED = "offered"
    ASSIGNED = "assigned"
    HELD = "held"
    RESOLVED = "resolved"


class CaseAt(Struct, frozen=True, kw_only=True):
    """A case between two of its versions. `pauses` tells who let it go, and until when he rests."""

    case_id: UUID
    version: int
    at: datetime
    channel: str
    queue: str
    rank: datetime
    skills: dict[str, int]
    units: int
    doing: Doing = Doing.WAITING
    agent: str | None = None
    offer: UUID | None = None
    pauses: dict[str, datetime] = {}
    reserved_for: str | None = None
    reserved_until: datetime | None = None
    public_at: datetime | None = None

    @property
    def place(self) -> tuple[datetime, UUID]:
        """What decides among equals: the rank, then the id."""
        return self.rank, self.case_id

    @property
    def lane(self) -> tuple[str, str, int, frozenset[tuple[str, int]]]:
        """What equals have in common."""
        return self.queue, self.channel, self.units, frozenset(self.skills.items())


class Moment(Struct, frozen=True):
    """One version of a case: when, and what was told of it."""

    version: int
    at: datetime
    says: Struct
    public_at: datetime | None = None


def states(case_id: UUID, channel: str, moments: Iterable[Moment]) -> list[CaseAt]:
    """Return the case after each moment; what comes before its first routing is left out."""
    found: list[CaseAt] = []
    for moment in moments:
        step = _STEPS.get(type(moment.says))
        if not found:
            if isinstance(moment.says, CaseRouted):
                found.append(_begin(case_id, channel, moment))
            continue
        last = found[-1]
        after = step(last, moment.says) if step else last
        at = max(moment.at, last.at)
        found.append(replace(after, version=moment.version, at=at, public_at=moment.public_at))
    return found


def _begin(case_id: UUID, channel: str, moment: Moment) -> CaseAt:
    routed: Any = moment.says
    blank = CaseAt(
        case_id=case_id,
        version=moment.version,
        at=moment.at,
        channel=channel,
        queue="",
        rank=moment.at,
        skills={},
        units=1,
        public_at=moment.public_at,
    )
    return _routed(blank, routed)


def _routed(case: CaseAt, said: CaseRouted) -> CaseAt:
    decision = said.decision
    # what only follows a case tried no queue, and wakes none
    woken = case.doing in {Doing.HELD, Doing.RESOLVED} and decision.queues
    return replace(
        case,
        doing=Doing.WAITING if woken else case.doing,
        queue=decision.queue,
        rank=decision.rank,
        skills={need.skill: need.level for need in decision.skills},
        units=said.units or case.units,
        reserved_for=said.reserved_for,
        reserved_until=said.reserved_until,
    )


def _made(case: CaseAt, said: OfferMade) -> CaseAt:
    return replace(case, doing=Doing.OFFERED, agent=said.agent, offer=said.offer_id)


def _accepted(case: CaseAt, said: OfferAccepted) -> CaseAt:
    return replace(
        case,
        doing=Doing.ASSIGNED,
        agent=said.agent,
        pauses={},
        reserved_for=None,
        reserved_until=None,
    )


def _refused(case: CaseAt, said: OfferDeclined | OfferExpired) -> CaseAt:
    pauses = case.pauses | ({said.agent: said.paused_until} if said.paused_until else {})
    return replace(_back(case, Doing.WAITING), pauses=pauses)


def _withdrawn(case: CaseAt, _: OfferWithdrawn) -> CaseAt:
    return _back(case, Doing.WAITING)


def _requeued(case: CaseAt, said: CaseRequeued) -> CaseAt:
    skills = case.skills if said.skills is None else said.skills
    return replace(_back(case, Doing.WAITING), queue=said.queue, skills=skills)


def _relaxed(case: CaseAt, said: CaseRelaxed) -> CaseAt:
    return replace(case, skills=said.skills)


def _held(case: CaseAt, _: CaseHeld) -> CaseAt:
    return _back(case, Doing.HELD)


def _resolved(case: CaseAt, _: CaseResolved) -> CaseAt:
    return _back(case, Doing.RESOLVED)


def _reopened(case: CaseAt, _: CaseReopened) -> CaseAt:
    return _back(case, Doing.WAITING)


def _back(case: CaseAt, doing: Doing) -> CaseAt:
    return replace(case, doing=doing, agent=None, offer=None)


_STEPS: dict[type, Callable[[CaseAt, Any], CaseAt]] = {
    CaseRouted: _routed,
    OfferMade: _made,
    OfferAccepted: _accepted,
    OfferDeclined: _refused,
    OfferExpired: _refused,
    OfferWithdrawn: _withdrawn,
    CaseRequeued: _requeued,
    CaseRelaxed: _relaxed,
    CaseHeld: _held,
    CaseResolved: _resolved,
    CaseReopened: _reopened,
}
STEERING = frozenset(_STEPS)  # the others are remarks, of which one step may make several
