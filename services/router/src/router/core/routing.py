"""From an arrival to the case as it stands afterwards, and what the bus is told."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from common.core.cases import CaseOpened, CaseReopened, CaseRouted, Continuity, Decision
from common.core.cloudevents import Attributes, Record, event_type, record
from common.core.events import Contract
from common.core.ids import derived_id, trace_parent
from common.core.topics import ROUTING
from router.core.answering import spoken
from router.core.continuity import find
from router.core.decide import decide
from router.core.facts import Arrival, Case, Customer, Roster, Unrouted
from router.core.filing import case_after, preferring
from router.core.inputs import Inputs, inputs_of
from router.core.policy import Policy

SOURCE = "/router"


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
    last_agent: str | None = None,
) -> Routed | Unrouted:
    """Decide about a message, given the newest case of each conversation by its filing key.

    `last_agent` is who had a case of this customer lately.

    A batch is a fold of this function: put the case back under `case.conversation`, go on.
    """
    key, found = find(arrival, customer, cases)
    case = spoken(found, arrival.message, policy)
    outcome = decide(arrival, customer, contracts, case, roster, policy, now)
    if isinstance(outcome, Unrouted):
        return outcome
    units = policy.units.get(arrival.message.channel, 1)
    inputs = inputs_of(arrival, customer, contracts, case, roster, policy, now)
    after = case_after(case, key, arrival, outcome, units)
    after = preferring(case, after, last_agent, policy.reserve)
    return Routed(arrival, outcome, after, inputs)


def announcements(routed: Routed) -> tuple[Record, ...]:
    """Return what `routing.v1` is told, in order; ids are derived, so a repetition is no news."""
    arrival, decision = routed.arrival, routed.decision
    to = CaseRouted(
        case_id=decision.case_id,
        decision=decision,
        case_version=routed.case.version,
        units=routed.case.units,
        reserved_for=routed.case.preferred if routed.case.reserved_until else None,
        reserved_until=routed.case.reserved_until,
        resolution_paused_at=routed.case.paused_at,
    )
    told = (*_beginnings(routed), to)
    return tuple(_record(arrival, decision.decided_at, data) for data in told)


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
            follows=_follows(routed.inputs),
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


def _follows(inputs: Inputs) -> UUID | None:
    return inputs.case.case_id if inputs.raising and inputs.case else None


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
