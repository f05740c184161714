"""What people can do with a case beside its offers: requeue, hold, resolve, reopen.

Each is a function of the case, whoever has it, and the time; callers hold the rows locked. The rank
and the deadlines are the customer's: nothing here moves a case behind one that came later.
"""

from datetime import datetime

from msgspec.structs import replace

from common.core.cases import CaseReopened, CaseResolved
from common.core.work import CaseHeld, CaseRequeued, Target
from router.core.agents import Agent
from router.core.facts import Case, CaseState
from router.core.steps import Change, Terms, freed_of, must_be, waiting


def requeue(
    case: Case,
    agent: Agent | None,
    queue: str,
    now: datetime,
    reason: str,
    by: str | None = None,
    skills: dict[str, int] | None = None,
) -> Change:
    """Let a case wait in a queue, the same or another; its deadlines and rank stay.

    `agent` is whoever has it now; `skills` what is asked there, if not the same as here. Raises ConflictError where it is offered (withdraw first) or
    resolved.
    """
    must_be(case, CaseState.WAITING, CaseState.ASSIGNED, CaseState.HELD)
    back, free = waiting(case), freed_of(case, agent, now)
    needs = case.skills if skills is None else skills
    back = replace(back, queue=queue, skills=needs, queued_at=now, held_until=None)
    event = CaseRequeued(
        case_id=case.case_id,
        contact=case.contact,
        queue=queue,
        requeued_at=now,
        reason=reason,
        case_version=back.version,
        skills=skills,
        previous_queue=case.queue,
        agent=case.agent,
        agent_version=free.version if free else None,
        by=by,
    )
    return Change(case=back, agent=free, events=(event,))


def hold(
    case: Case,
    agent: Agent | None,
    until: datetime | None,
    now: datetime,
    reason: str,
    by: str | None = None,
) -> Change:
    """Let a case wait for the customer, or until a moment: it takes nobody's capacity meanwhile.

    It comes back to its queue with the agent who had it preferred. Raises ConflictError where it
    is offered or resolved.
    """
    must_be(case, CaseState.WAITING, CaseState.ASSIGNED, CaseState.HELD)
    back, free = waiting(case), freed_of(case, agent, now)
    held = replace(
        back, state=CaseState.HELD, held_until=until, preferred=case.agent or case.preferred
    )
    event = CaseHeld(
        case_id=case.case_id,
        contact=case.contact,
        held_at=now,
        reason=reason,
        case_version=held.version,
        until=until,
        agent=case.agent,
        agent_version=free.version if free else None,
        by=by,
    )
    return Change(case=held, agent=free, events=(event,))


def resolve(case: Case, agent: Agent | None, terms: Terms, now: datetime, by: str | None) -> Change:
    """End the matter; who had it gets a while to write down what it was about.

    Raises ConflictError where it is offered (withdraw first) or resolved.
    """
    must_be(case, CaseState.WAITING, CaseState.ASSIGNED, CaseState.HELD)
    back, free = waiting(case), freed_of(case, agent, now)
    done = replace(
        back,
        state=CaseState.RESOLVED,
        resolved_at=now,
        held_until=None,
        paused_at=None,
        preferred=case.agent or case.preferred,
    )
    if free is not None and terms.wrap_up:
        free = replace(free, wrap_up_until=now + terms.wrap_up)
    event = CaseResolved(
        case_id=case.case_id,
        contact=case.contact,
        resolved_at=now,
        resolved_by=by,
        agent=case.agent,
        agent_version=free.version if free else None,
        case_version=done.version,
        wrap_up_until=free.wrap_up_until if free else None,
    )
    return Change(case=done, agent=free, events=(event,))


def reopen(case: Case, resolution_due: datetime, now: datetime, by: str) -> Change:
    """Somebody says that a resolved case is not done: it waits where it was, with its rank."""
    must_be(case, CaseState.RESOLVED)
    again = replace(
        case,
        state=CaseState.WAITING,
        resolved_at=None,
        queued_at=now,
        resolution_due=resolution_due,
        told=tuple(told for told in case.told if not told.startswith(Target.RESOLUTION)),
        version=case.version + 1,
    )
    event = CaseReopened(
        case_id=case.case_id,
        contact=case.contact,
        reopened_at=now,
        message_event=case.decided_by,
        by=by,
        case_version=again.version,
    )
    return Change(case=again, events=(event,))
