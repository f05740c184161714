"""What figures keep of an event: the few words of it that a case's story is made of.

A case is the set of its facts. A set knows no order and no repetition, and neither does what is
made of it.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from common.core.cases import CaseOpened, CaseReopened, CaseResolved, CaseRouted, Continuity
from common.core.cloudevents import Event
from common.core.surveys import SurveyAnswered, SurveyRequested
from common.core.work import (
    CaseAnswered,
    CaseHeld,
    CaseRequeued,
    OfferAccepted,
    SlaAtRisk,
    SlaBreached,
)
from timeline.core.values import storable, utc


class FactKind(StrEnum):
    """What happened to a case, in a letter or two because every case holds many of them."""

    OPENED = "o"
    ROUTED = "r"
    REOPENED = "ro"
    REQUEUED = "q"
    HELD = "h"
    TAKEN = "t"
    ANSWERED = "a"
    RESOLVED = "e"
    AT_RISK = "d"
    BREACHED = "b"
    SURVEYED = "s"
    RATED = "x"


class Fact(Struct, frozen=True, array_like=True, kw_only=True):
    """Something that happened to a case. Stored as an array: only ever append a field.

    `version` is the case's after it, where the event tells; `message` the message that it was
    about. `flag` is, of a routing, whether it reopened the case; of an answer, whether it was the
    first response to what the customer asked. `due` is the promise that was broken or is in danger,
    of a hold its end, of a question the last moment to answer.
    """

    event: UUID
    kind: FactKind
    at: datetime
    contact: str
    version: int | None = None
    message: UUID | None = None
    channel: str | None = None
    queue: str | None = None
    plan: str | None = None
    agent: str | None = None
    by: str | None = None
    flag: bool = False
    in_time: bool | None = None
    target: str | None = None
    due: datetime | None = None
    subject: str | None = None
    contract: str | None = None
    priority: int | None = None
    first_response_due: datetime | None = None
    resolution_due: datetime | None = None
    paused_at: datetime | None = None
    survey: UUID | None = None
    question: str | None = None
    score: int | None = None


CaseKey = tuple[str, UUID]  # tenant and case

_NO_NUMBER = 1 << 63  # neither a version nor a score, and more than is stored

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[Fact, ...]).decode


def fact_of(event: Event, contact: str) -> tuple[CaseKey, Fact] | None:
    """Return what an event says of a case, or None where it says nothing that figures count.

    `contact` is whom it is about. An answer to a survey that is about no case we know of is a case
    of its own: the survey's, or its own.
    """
    describe = _DESCRIBED_BY.get(type(event.data))
    if describe is None:
        return None
    case, kind, at, told = describe(event.data)
    attributes = event.attributes
    fact = Fact(
        event=attributes.id,
        kind=kind,
        at=utc(at),
        contact=contact,
        **{name: _kept(value) for name, value in told.items()},
    )
    return (attributes.tenant, case), fact


def united(known: Sequence[Fact], told: Iterable[Fact]) -> tuple[Fact, ...]:
    """Return both sets as one in the order of their events' ids, in which `known` is already.

    Of two that claim to be the same event the smaller counts, whichever came first.
    """
    facts = list(known)
    for fact in told:
        place = bisect_left(facts, fact.event, key=_event)
        if place < len(facts) and facts[place].event == fact.event:
            facts[place] = min(facts[place], fact, key=_written)
        else:
            facts.insert(place, fact)
    return tuple(facts)


def written(facts: Iterable[Fact]) -> bytes:
    """Return the form in which facts are stored."""
    return _encode(tuple(facts))


def read(stored: bytes) -> tuple[Fact, ...]:
    """Return the facts that were stored."""
    return _decode(stored)


def _event(fact: Fact) -> UUID:
    return fact.event


def _written(fact: Fact) -> bytes:
    return _encode(fact)


def _kept(value: Any) -> Any:
    if isinstance(value, datetime):
        return utc(value)
    if isinstance(value, int):
        return value if abs(value) < _NO_NUMBER else None
    return storable(value) if isinstance(value, str) else value


_Told = tuple[UUID, FactKind, datetime, dict[str, Any]]


def _opened(data: CaseOpened) -> _Told:
    told = {
        "version": data.case_version,
        "message": data.message_event,
        "channel": str(data.channel),
        "subject": data.subject,
    }
    return data.case_id, FactKind.OPENED, data.opened_at, told


def _routed(data: CaseRouted) -> _Told:
    decision = data.decision
    anew = decision.cause is not None
    told = {
        "version": data.case_version,
        "message": decision.message_event,
        "queue": decision.queue,
        "plan": decision.plan,
        "contract": decision.contract,
        "priority": decision.priority,
        "flag": decision.continuity is Continuity.REOPENED and not anew,
        "first_response_due": decision.first_response_due,
        "resolution_due": decision.resolution_due,
        "paused_at": data.resolution_paused_at,
    }
    return data.case_id, FactKind.ROUTED, decision.decided_at, told


def _reopened(data: CaseReopened) -> _Told:
    told = {"version": data.case_version, "message": data.message_event, "by": data.by}
    return data.case_id, FactKind.REOPENED, data.reopened_at, told


def _requeued(data: CaseRequeued) -> _Told:
    told = {"version": data.case_version, "queue": data.queue, "agent": data.agent}
    return data.case_id, FactKind.REQUEUED, data.requeued_at, told


def _held(data: CaseHeld) -> _Told:
    told = {"version": data.case_version, "agent": data.agent, "due": data.until}
    return data.case_id, FactKind.HELD, data.held_at, told


def _taken(data: OfferAccepted) -> _Told:
    told = {"version": data.case_version, "agent": data.agent}
    return data.case_id, FactKind.TAKEN, data.accepted_at, told


def _answered(data: CaseAnswered) -> _Told:
    told = {
        "version": data.case_version,
        "message": data.message_event,
        "agent": data.agent,
        "flag": data.first,
        "in_time": data.in_time,
        "paused_at": data.resolution_paused_at,
    }
    return data.case_id, FactKind.ANSWERED, data.answered_at, told


def _resolved(data: CaseResolved) -> _Told:
    told = {"version": data.case_version, "agent": data.agent, "by": data.resolved_by}
    return data.case_id, FactKind.RESOLVED, data.resolved_at, told


def _clock(data: SlaAtRisk | SlaBreached) -> _Told:
    told = {
        "version": data.case_version,
        "target": str(data.target),
        "due": data.due,
        "queue": data.queue,
        "plan": data.plan,
        "agent": data.agent,
    }
    kind = FactKind.BREACHED if isinstance(data, SlaBreached) else FactKind.AT_RISK
    return data.case_id, kind, data.at, told


def _surveyed(data: SurveyRequested) -> _Told:
    told = {
        "survey": data.survey_id,
        "question": str(data.question),
        "channel": str(data.channel),
        "queue": data.queue,
        "plan": data.plan,
        "agent": data.agent,
        "due": data.answer_until,
    }
    return data.case_id, FactKind.SURVEYED, data.requested_at, told


def _rated(data: SurveyAnswered) -> _Told:
    told = {
        "survey": data.survey_id,
        "question": str(data.question),
        "score": data.score,
        "channel": data.channel,
        "queue": data.queue,
        "plan": data.plan,
        "agent": data.agent,
    }
    case = data.case_id or data.survey_id or data.answer_event
    return case, FactKind.RATED, data.answered_at, told


_DESCRIBED_BY: dict[type, Callable[[Any], _Told]] = {
    CaseOpened: _opened,
    CaseRouted: _routed,
    CaseReopened: _reopened,
    CaseRequeued: _requeued,
    CaseHeld: _held,
    OfferAccepted: _taken,
    CaseAnswered: _answered,
    CaseResolved: _resolved,
    SlaAtRisk: _clock,
    SlaBreached: _clock,
    SurveyRequested: _surveyed,
    SurveyAnswered: _rated,
}

COUNTED = frozenset(_DESCRIBED_BY)  # what events must be for a case to be made of them
