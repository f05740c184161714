"""From an arrival to the case as it stands afterwards, and what the bus is told."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from common.core.cases import CaseOpened, CaseReopened, CaseRouted, Continuity, Decision
from common.core.cloudevents import Attributes, Record, event_type, record
from common.core.events import Contract
from common.core.ids import derived_id, trace_parent
from common.core.text import clean
from common.core.topics import ROUTING
from router.core.continuity import OPENING, find
from router.core.decide import decide
from router.core.facts import Arrival, Case, CaseState, Customer, Roster, Unrouted
from router.core.inputs import Inputs, inputs_of
from router.core.policy import Policy

SOURCE = "/router"
MAX_PARTICIPANTS = 100  # a mail to a whole company must not make the row grow without end


class Routed(Struct, frozen=True):
    """A message with its decision, its case afterwards, and what the decision was made from."""

    arrival: Arrival
    decision: Decision
    case: Case
    inputs: Inputs


def route(
    arrival: Arrival,
    customer: Customer,
    contracts: Sequence[Contract],
    cases: Mapping[str, Case],
    roster: Roster | None,
    policy: Policy,
    now: datetime,
) -> Routed | Unrouted:
    """Decide about a message, given the newest case of each conversation by its filing key.

    A batch is a fold of this function: put the case back under `case.conversation`, go on.
    """
    key, case = find(arrival, customer, cases)
    outcome = decide(arrival, customer, contracts, case, roster, policy, now)
    if isinstance(outcome, Unrouted):
        return outcome
    units = policy.units.get(arrival.message.channel, 1)
    inputs = inputs_of(arrival, customer, contracts, case, roster, policy, now)
    return Routed(arrival, outcome, case_after(case, key, arrival, outcome, units), inputs)


def case_after(
    case: Case | None, key: str, arrival: Arrival, decision: Decision, units: int = 1
) -> Case:
    """Return the case as a decision leaves it; `units` is what a new one weighs."""
    if case is None or decision.continuity is Continuity.OPENED:
        return _opened(key, arrival, decision, units)
    return replace(
        _going_on(case, arrival, decision),
        participants=_participants(arrival, case.participants),
        queue=decision.queue,
        plan=decision.plan,
        contract=decision.contract,
        priority=decision.priority,
        skills={need.skill: need.level for need in decision.skills},
        rank=decision.rank,
        first_response_due=decision.first_response_due,
        resolution_due=decision.resolution_due,
        # what only follows the case asked no rule and tried no queue
        decided_by=arrival.event if decision.queues else case.decided_by,
        version=case.version + 1,
    )


def _going_on(case: Case, arrival: Arrival, decision: Decision) -> Case:
    """Return the case where the message takes it on its way.

    One that was held or resolved waits again; whoever is offered a case or has it keeps it.
    """
    waits = case.state in {CaseState.HELD, CaseState.RESOLVED}
    if waits and arrival.message.kind in OPENING:
        return replace(
            case,
            state=CaseState.WAITING,
            queued_at=decision.decided_at,
            held_until=None,
            paused_at=None,
            resolved_at=None,
        )
    moved = decision.queue != case.queue
    return replace(case, queued_at=decision.decided_at) if moved else case


def announcements(routed: Routed) -> tuple[Record, ...]:
    """Return what `routing.v1` is told, in order; ids are derived, so a repetition is no news."""
    arrival, decision = routed.arrival, routed.decision
    to = CaseRouted(
        case_id=decision.case_id,
        decision=decision,
        case_version=routed.case.version,
        units=routed.case.units,
    )
    told = (*_beginnings(routed), to)
    return tuple(_record(arrival, decision.decided_at, data) for data in told)


def _opened(key: str, arrival: Arrival, decision: Decision, units: int) -> Case:
    return Case(
        case_id=decision.case_id,
        tenant=arrival.tenant,
        conversation=key,
        contact=arrival.contact,
        participants=_participants(arrival, ()),
        customer=decision.customer,
        channel=arrival.message.channel,
        state=CaseState.WAITING,
        queue=decision.queue,
        plan=decision.plan,
        contract=decision.contract,
        priority=decision.priority,
        skills={need.skill: need.level for need in decision.skills},
        rank=decision.rank,
        first_response_due=decision.first_response_due,
        resolution_due=decision.resolution_due,
        opened_at=arrival.message.received_at,
        decided_by=arrival.event,
        queued_at=decision.decided_at,
        units=units,
        subject=clean(arrival.message.subject or "") or None,
    )


def _participants(arrival: Arrival, known: tuple[str, ...]) -> tuple[str, ...]:
    named = (arrival.contact, *(party.contact for party in arrival.message.recipients))
    return tuple(dict.fromkeys((*known, *named)))[:MAX_PARTICIPANTS]


def _beginnings(routed: Routed) -> tuple[CaseOpened | CaseReopened, ...]:
    arrival, decision = routed.arrival, routed.decision
    if decision.continuity is Continuity.OPENED:
        opened = CaseOpened(
            case_id=decision.case_id,
            contact=arrival.contact,
            conversation=arrival.message.conversation.key,
            channel=arrival.message.channel,
            opened_at=routed.case.opened_at,
            message_event=arrival.event,
            subject=arrival.message.subject,
        )
        return (opened,)
    if decision.continuity is Continuity.REOPENED:
        reopened = CaseReopened(
            case_id=decision.case_id,
            contact=arrival.contact,
            reopened_at=arrival.message.received_at,
            message_event=arrival.event,
        )
        return (reopened,)
    return ()


def _record(arrival: Arrival, at: datetime, data: CaseOpened | CaseReopened | CaseRouted) -> Record:
    attributes = Attributes(
        id=derived_id(event_type(data), arrival.tenant, str(arrival.event)),
        source=SOURCE,
        type=event_type(data),
        subject=arrival.contact,
        time=at,
        tenant=arrival.tenant,
        traceparent=arrival.traceparent or trace_parent(arrival.event),
    )
    return record(ROUTING.name, attributes, data)
