"""What a queue's wallboard is told: from the router's own events, in the order of the bus.

An event names its case; which queue the case is in, those before it told.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from common.core.cases import CaseReopened, CaseResolved, CaseRouted, Continuity
from common.core.cloudevents import Event, type_prefix
from common.core.work import CaseRequeued

ENTERED = "case.entered"
LEFT = "case.left"
MOST_CASES = 200_000  # whose queue is remembered

QueueKey = tuple[str, str]  # tenant and queue


class Told(Struct, frozen=True):
    """One event of one queue; `data` is JSON."""

    key: QueueKey
    name: str
    data: bytes


class Entered(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A case came to wait in a queue, or waits there again; `before` is where it was."""

    case_id: UUID
    contact: str
    queue: str
    at: datetime
    before: str | None = None
    reason: str | None = None


class Left(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A case is no longer one of a queue: it went to another (`to`), or is resolved."""

    case_id: UUID
    contact: str
    queue: str
    at: datetime
    to: str | None = None
    reason: str | None = None


class Board:
    """Which queue each case is in, as far as is known."""

    def __init__(self) -> None:
        self._queues: dict[UUID, str] = {}

    def knows(self, event: Event) -> bool:
        """Whether it can be said which queue an event is about, if it is about any."""
        case = getattr(event.data, "case_id", None)
        return case is None or case in self._queues or _named(event.data) is not None

    def learn(self, queues: Mapping[UUID, str]) -> None:
        """Take in what somebody else knows."""
        self._queues |= queues

    def take(self, event: Event) -> list[Told]:
        """Return what an event tells to which queues, and remember where it puts its case."""
        data = event.data
        case = getattr(data, "case_id", None)
        before = self._queues.get(case) if case else None
        queue = _named(data) or before
        if case is None or queue is None:
            return []
        self._remember(case, queue)
        tenant = event.attributes.tenant
        if isinstance(data, CaseRouted | CaseRequeued | CaseReopened):
            return _moved(tenant, data, before, queue, event.attributes.time)
        if isinstance(data, CaseResolved):
            left = Left(case_id=case, contact=data.contact, queue=queue, at=data.resolved_at)
            return [_told(tenant, queue, LEFT, msgspec.structs.replace(left, reason="resolved"))]
        name = event.attributes.type.removeprefix(type_prefix)
        return [Told((tenant, queue), name, event.value)]

    def _remember(self, case: UUID, queue: str) -> None:
        self._queues.pop(case, None)
        self._queues[case] = queue
        if len(self._queues) > MOST_CASES:
            del self._queues[next(iter(self._queues))]


def _named(data: Any) -> str | None:
    """Return the queue that an event names itself."""
    if isinstance(data, CaseRouted):
        return data.decision.queue
    named: str | None = getattr(data, "queue", None)
    return named


def _moved(
    tenant: str,
    data: CaseRouted | CaseRequeued | CaseReopened,
    before: str | None,
    queue: str,
    at: datetime,
) -> list[Told]:
    said = data.decision if isinstance(data, CaseRouted) else data
    contact: str = said.contact
    reason: str | None = getattr(said, "queue_reason", getattr(said, "reason", None))
    if isinstance(data, CaseRequeued) and data.previous_queue:
        before = data.previous_queue
    elsewhere = before if before != queue else None
    if isinstance(data, CaseRouted) and not _comes(data, before, queue):
        return []  # another message of a case that is there
    came = Entered(
        case_id=data.case_id, contact=contact, queue=queue, at=at, before=elsewhere, reason=reason
    )
    told = [_told(tenant, queue, ENTERED, came)]
    if elsewhere is None:
        return told
    went = Left(
        case_id=data.case_id, contact=contact, queue=elsewhere, at=at, to=queue, reason=reason
    )
    return [_told(tenant, elsewhere, LEFT, went), *told]


def _comes(data: CaseRouted, before: str | None, queue: str) -> bool:
    """Tell whether a case comes to a queue; a new one does, whoever knew already that it would."""
    decision = data.decision
    if decision.cause is None and decision.continuity is Continuity.OPENED:
        return True
    return before != queue if before is not None else decision.continuity is not Continuity.JOINED


def _told(tenant: str, queue: str, name: str, data: Struct) -> Told:
    return Told((tenant, queue), name, msgspec.json.encode(data))


def place_text(place: Mapping[int, int]) -> str:
    """Return a place on the bus, the next offset of each partition, as an event's id."""
    return ".".join(str(place[partition]) for partition in sorted(place))


def read_place(text: str) -> dict[int, int]:
    """Return the place that an id names."""
    return dict(enumerate(map(int, text.split("."))))
