"""What becomes of a case that waits for long: less is asked of whoever answers, or it moves on."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec.structs import replace

from common.core.work import CaseRelaxed
from router.core.facts import Case, CaseState, Roster
from router.core.lifecycle import requeue
from router.core.policy import Policy
from router.core.queues import Desk
from router.core.relaxing import next_relaxation, overflow_times, overflowed, relaxed
from router.core.steps import Change

LOOK_AGAIN = timedelta(minutes=1)  # who is signed in and what is open may be otherwise by then


def relaxes_at(case: Case, policy: Policy) -> datetime | None:
    """Return when less is asked of whoever answers a waiting case, None where that is never so."""
    desk = _desk(case, policy)
    wait = next_relaxation(case, desk) if desk else None
    return None if wait is None else case.queued_at + wait


def moves_at(case: Case, policy: Policy, now: datetime, *, looked: bool) -> Iterator[datetime]:
    """Yield when another queue may take a waiting case over.

    Whether one does depends on who is there; so, once `looked`, it has to be looked at again.
    """
    desk = _desk(case, policy)
    if desk is None or (case.queue == policy.default_queue and not desk.overflow):
        return
    for wait in overflow_times(desk):
        at = case.queued_at + wait
        yield now + LOOK_AGAIN if looked and at <= now else at


def relax(case: Case, policy: Policy, now: datetime) -> Change | None:
    """Ask less of whoever answers, if it is time."""
    desk, waited = _desk(case, policy), now - case.queued_at
    eased = relaxed(case, desk, waited) if desk else None
    if eased is None:
        return None
    skills, ring = eased
    after = replace(case, skills=skills, ring=ring, version=case.version + 1)
    event = CaseRelaxed(
        case_id=case.case_id,
        contact=case.contact,
        skills=skills,
        relaxed_at=now,
        reason=policy.say.waited_relaxed.format(minutes=minutes(waited)),
        case_version=after.version,
    )
    return Change(case=after, events=(event,))


def move_on(case: Case, policy: Policy, roster: Roster | None, now: datetime) -> Change | None:
    """Let another queue take a case over, if it is time and one can.

    What only the old queue asked stays behind there.
    """
    desk, waited = _desk(case, policy), now - case.queued_at
    if desk is None or not any(wait <= waited for wait in overflow_times(desk)):
        return None
    near = {desk.name, *(way.to for way in desk.overflow)}
    is_open = {name for name in near if policy.desks[name].hours.is_open(now)}
    default = policy.default_queue
    queue = overflowed(case, desk, policy.desks, default, waited, is_open, roster)
    if queue is None:
        return None
    reason = policy.say.waited_overflow.format(queue=case.queue, minutes=minutes(waited))
    needs = _needs(case, desk, policy.desks[queue])
    change = requeue(case, None, queue, now, reason, skills=needs)
    return replace(change, case=replace(change.case, ring=0))


def minutes(length: timedelta) -> str:
    """Return a length as people read it, in minutes: `5`, `0.5`."""
    return f"{round(length / timedelta(minutes=1), 1):g}"


def _desk(case: Case, policy: Policy) -> Desk | None:
    """Return the queue that a case waits in, None where it does not wait or the rules dropped it."""
    return policy.desks.get(case.queue) if case.state is CaseState.WAITING else None


def _needs(case: Case, old: Desk, new: Desk) -> dict[str, int]:
    local = {need.skill for need in old.skills}
    needs = {skill: level for skill, level in case.skills.items() if skill not in local}
    for need in new.skills:
        needs[need.skill] = max(need.level, needs.get(need.skill, 0))
    return needs
