"""A waiting case decided anew because something about its customer became known after the message.

It ends with the promise that it would have had if that had been known before, so that it does not
matter in which order the bus brings the two. What was promised once is never taken back.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from common.core.cases import Continuity, Decision, QueueTrial
from common.core.events import Contract
from router.core.decide import decide
from router.core.facts import Arrival, Case, Customer, Roster
from router.core.filing import as_decided, case_after
from router.core.policy import Policy
from router.core.priority import credit, kept, total
from router.core.skills import asked

MOST_MESSAGES = 50  # of a case: the first, which has the promise, and the last ones


class Known(Struct, frozen=True, omit_defaults=True):
    """Who a contact belongs to, what that customer is promised, and who had a case of his lately."""

    customer: Customer
    contracts: tuple[Contract, ...] = ()
    last_agent: str | None = None


class Cause(Struct, frozen=True):
    """What became known, in words, and the event that told it."""

    reason: str
    event: UUID


class _Tale(Struct, frozen=True):
    """The first and the last decision about a case's messages, and the one that placed it."""

    first: Decision
    last: Decision
    placed: Decision


def reconsidered(
    arrivals: Sequence[Arrival],
    before: Known,
    after: Known,
    case: Case,
    roster: Roster | None,
    policy: Policy,
    now: datetime,
    cause: Cause,
) -> Decision | None:
    """Return a waiting or held case's decision with what is known now, None where all stays.

    `arrivals` are the messages since the case was opened or reopened that asked the rules, oldest
    first; `before` is what their last decision knew. The case moves to another queue only where
    what became known makes the difference, not because an hour has passed or somebody moved it.
    """
    old = _told_again(arrivals, before, roster, policy, now)
    new = _told_again(arrivals, after, roster, policy, now)
    decision = _improved(old, new, case, policy)
    if _is_same(decision, case):
        return None
    return replace(decision, cause=cause.reason, cause_event=cause.event)


def case_reconsidered(case: Case, decision: Decision) -> Case:
    """Return the case as the new decision leaves it. It goes on waiting, or being held."""
    moved = decision.queue != case.queue
    return replace(
        as_decided(case, decision),
        customer=decision.customer,
        queued_at=decision.decided_at if moved else case.queued_at,
        ring=0,  # skills asked for anew are relaxed anew
        version=case.version + 1,
    )


def _told_again(
    arrivals: Sequence[Arrival], known: Known, roster: Roster | None, policy: Policy, now: datetime
) -> _Tale:
    """Return what would have been decided, had all this been known from the first message on."""
    case: Case | None = None
    decisions: list[Decision] = []
    for arrival in arrivals:
        decision = decide(arrival, known.customer, known.contracts, case, roster, policy, now)
        assert isinstance(decision, Decision)  # noqa: S101 - the case shows that it was routed
        case = case_after(case, "", arrival, decision)
        decisions.append(decision)
    placing = next(one for one in decisions if one.queue == decisions[-1].queue)
    return _Tale(decisions[0], decisions[-1], placing)


def _improved(old: _Tale, new: _Tale, case: Case, policy: Policy) -> Decision:
    """Return the new last decision, but with what the case already has where that is better."""
    plan, contract, first_response_due, resolution_due = _promise(old.last, new.last, case)
    parts = kept(new.last.priority_parts, case, policy)
    priority = total(parts)
    earlier = credit(priority, policy.credit_per_point, policy.credit_at_most)
    counts = plan == new.last.plan  # else the case keeps a better plan, and its place and skills
    moves = counts and new.last.queue != old.last.queue
    reason = policy.say.queue_stays
    return replace(
        new.last,
        case_id=case.case_id,
        continuity=Continuity.JOINED,
        plan=plan,
        contract=contract,
        first_response_due=first_response_due,
        resolution_due=resolution_due,
        priority=priority,
        priority_parts=parts,
        rank=min(case.rank, first_response_due - earlier),
        contracts=new.first.contracts,
        queue=new.last.queue if moves else case.queue,
        queue_reason=new.placed.queue_reason if moves else reason,
        skills=new.last.skills if counts else asked(case.skills, policy.say.case_skill),
        queues=new.placed.queues
        if moves
        else (QueueTrial(case.queue, accepted=True, reason=reason),),
    )


def _promise(
    old: Decision, new: Decision, case: Case
) -> tuple[str, str | None, datetime, datetime]:
    """Return plan, contract and deadlines: the new ones where nothing, or less, was promised.

    The resolution's clock may have stood still since: what that gave stays. An answered case keeps
    the first deadline, by which it was judged.
    """
    as_it_is = (case.plan, case.contract, case.first_response_due, case.resolution_due)
    if new.contract is None:
        return as_it_is
    stood_still = case.resolution_due - old.resolution_due if _same_plan(old, case) else timedelta()
    resolution_due = new.resolution_due + max(stood_still, timedelta())
    first_response_due = new.first_response_due
    if case.first_responded_at is not None:
        first_response_due = case.first_response_due
    if case.contract is None:
        return new.plan, new.contract, first_response_due, resolution_due
    if (first_response_due, resolution_due) >= as_it_is[2:]:
        return as_it_is
    return (
        new.plan,
        new.contract,
        min(first_response_due, case.first_response_due),
        min(resolution_due, case.resolution_due),
    )


def _same_plan(decision: Decision, case: Case) -> bool:
    return (decision.plan, decision.contract) == (case.plan, case.contract)


def _is_same(decision: Decision, case: Case) -> bool:
    return case_reconsidered(case, decision) == replace(case, version=case.version + 1)
