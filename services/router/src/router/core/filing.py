"""A case as a decision leaves it."""

from datetime import timedelta

from msgspec.structs import replace

from common.core.cases import Continuity, Decision
from common.core.text import clean
from router.core.continuity import OPENING
from router.core.facts import Arrival, Case, CaseState

MAX_PARTICIPANTS = 100  # a mail to a whole company must not make the row grow without end


def case_after(
    case: Case | None, key: str, arrival: Arrival, decision: Decision, units: int = 1
) -> Case:
    """Return the case as a decision leaves it; `units` is what a new one weighs."""
    if case is None or decision.continuity is Continuity.OPENED:
        return _opened(key, arrival, decision, units)
    return replace(
        as_decided(_going_on(case, arrival, decision), decision),
        participants=_participants(arrival, case.participants),
        # what only follows the case asked no rule and tried no queue
        decided_by=arrival.event if decision.queues else case.decided_by,
        # skills asked for anew are relaxed anew
        ring=0 if decision.queues else case.ring,
        version=case.version + 1,
    )


def as_decided(case: Case, decision: Decision) -> Case:
    """Return the case with the place, promise and needs that a decision gives it."""
    return replace(
        case,
        queue=decision.queue,
        plan=decision.plan,
        contract=decision.contract,
        priority=decision.priority,
        skills={need.skill: need.level for need in decision.skills},
        rank=decision.rank,
        first_response_due=decision.first_response_due,
        resolution_due=decision.resolution_due,
    )


def preferring(before: Case | None, case: Case, last_agent: str | None, reserve: timedelta) -> Case:
    """Return a case that begins to wait with whoever knows the customer preferred.

    That is the agent who had this case before, else `last_agent`; for `reserve` nobody else is
    asked while he is signed in.
    """
    waited = before is not None and before.state is CaseState.WAITING
    who = case.preferred or last_agent
    if waited or case.state is not CaseState.WAITING or who is None:
        return case
    until = case.queued_at + reserve if reserve else None
    return replace(case, preferred=who, reserved_until=until)


def _going_on(case: Case, arrival: Arrival, decision: Decision) -> Case:
    """Return the case where the message takes it on its way.

    One that was held or resolved waits again; whoever is offered a case or has it keeps it.
    """
    waits = case.state in {CaseState.HELD, CaseState.RESOLVED}
    if waits and arrival.message.kind in OPENING:
        if case.state is CaseState.RESOLVED:  # it was promised anew: its clocks begin anew, too
            case = replace(case, first_responded_at=None, told=())
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
