"""What the company writes: the first response, and whose turn it is from then on."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from common.core.cloudevents import Record
from common.core.events import Message, MessageKind
from common.core.work import CaseAnswered
from router.core.continuity import OPENING, find
from router.core.facts import Arrival, Case, CaseState, Customer
from router.core.policy import Policy
from router.core.sla import paused, resumed, told_until
from router.core.steps import Change
from router.core.telling import of_case

ANSWERING = frozenset(  # a person's; what a machine sends or somebody reacts with answers nothing
    {MessageKind.MESSAGE, MessageKind.UNSUPPORTED}
)
SPEAKING = OPENING | {MessageKind.OPT_IN, MessageKind.OPT_OUT}  # YES and CANCEL are answers, too


class Answered(Struct, frozen=True):
    """A message of the company's, and its case's steps: what was told before it, then the answer."""

    arrival: Arrival
    answered_at: datetime
    changes: tuple[Change, ...]

    @property
    def case(self) -> Case:
        """Return the case afterwards."""
        return self.changes[-1].case


def answer(
    arrival: Arrival, customer: Customer, cases: Mapping[str, Case], policy: Policy
) -> Answered | None:
    """Return what a message of the company's does to its case; None where it answers no open one.

    `cases` are the newest of each conversation by filing key. The rank stays: who waits longest for
    an end comes first, answered or not.
    """
    message = arrival.message
    if message.kind not in ANSWERING:
        return None
    _, case = find(arrival, customer, cases)
    at = _written_at(message)
    if case is None or case.state is CaseState.RESOLVED or at < case.opened_at:
        return None
    before = told_until(case, policy, at)
    case = before[-1].case if before else case
    return Answered(arrival, at, (*before, _answered(case, arrival, policy, at)))


def spoken(case: Case | None, message: Message, policy: Policy) -> Case | None:
    """Return the case that a customer's message joins, its clock running if it is our turn now."""
    if case is None or message.kind not in SPEAKING:
        return case
    return resumed(case, policy, message.received_at)


def announcements(answered: Answered, now: datetime) -> tuple[Record, ...]:
    """Return what `routing.v1` is told, in order."""
    return tuple(
        of_case(change.case, event, change.case.version, now)
        for change in answered.changes
        for event in change.events
    )


def _answered(case: Case, arrival: Arrival, policy: Policy, at: datetime) -> Change:
    first = case.first_responded_at is None
    after = replace(
        paused(case, policy, at),
        first_responded_at=at if first else case.first_responded_at,
        version=case.version + 1,
    )
    event = CaseAnswered(
        case_id=case.case_id,
        contact=case.contact,
        answered_at=at,
        message_event=arrival.event,
        case_version=after.version,
        first=first,
        in_time=at <= case.first_response_due if first else None,
        agent=case.agent if case.state is CaseState.ASSIGNED else None,
        resolution_paused_at=after.paused_at,
    )
    return Change(case=after, events=(event,))


def _written_at(message: Message) -> datetime:
    """Return when the company wrote: as the channel says, and never after we have read it."""
    sent, received = message.sent_at, message.received_at
    if sent is None or sent.tzinfo is None:
        return received
    return min(sent, received)
