"""Two decisions about the same message, side by side, where they send it elsewhere."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from common.core.cases import Decision


class Brief(Struct, frozen=True, kw_only=True):
    """What a decision comes to: where, why, how urgent, and which rules matched."""

    queue: str
    reason: str
    plan: str
    priority: int
    rank: datetime
    first_response_due: datetime
    skills: dict[str, int]
    rules: tuple[str, ...]


class Elsewhere(Struct, frozen=True, kw_only=True):
    """A message that the candidate sends to another queue, asks others for, or ranks otherwise."""

    message_event: UUID
    case_id: UUID
    contact: str
    current: Brief
    candidate: Brief


class Differences(Struct, frozen=True, kw_only=True):
    """How many messages each set of rules sends where.

    Of `messages` decided by both, `moved` go to another queue and `changed` stay in theirs with
    another plan, priority, rank or other skills. `moves` counts them by the two queues; `examples`
    are the first of both kinds, moved ones first.
    """

    messages: int
    moved: int
    changed: int
    moves: tuple[tuple[str, str, int], ...]
    examples: tuple[Elsewhere, ...]


def differences(
    current: Mapping[UUID, Decision], candidate: Mapping[UUID, Decision], examples: int
) -> Differences:
    """Compare what two sets of rules decide about the same messages; show so many of them."""
    both = [
        (decision, candidate[event]) for event, decision in current.items() if event in candidate
    ]
    moved = [pair for pair in both if pair[0].queue != pair[1].queue]
    changed = [pair for pair in both if pair[0].queue == pair[1].queue and _weighed(*pair)]
    moves: dict[tuple[str, str], int] = {}
    for old, new in moved:
        moves[old.queue, new.queue] = moves.get((old.queue, new.queue), 0) + 1
    return Differences(
        messages=len(both),
        moved=len(moved),
        changed=len(changed),
        moves=tuple(
            (*queues, count) for queues, count in sorted(moves.items(), key=lambda item: -item[1])
        ),
        examples=tuple(_elsewhere(*pair) for pair in (*moved, *changed)[:examples]),
    )


def _weighed(current: Decision, candidate: Decision) -> bool:
    """Whether one of two decisions for the same queue weighs the message otherwise."""
    old, new = _brief(current), _brief(candidate)
    return (old.plan, old.priority, old.skills, old.rank) != (
        new.plan,
        new.priority,
        new.skills,
        new.rank,
    )


def _elsewhere(current: Decision, candidate: Decision) -> Elsewhere:
    return Elsewhere(
        message_event=current.message_event,
        case_id=current.case_id,
        contact=current.contact,
        current=_brief(current),
        candidate=_brief(candidate),
    )


def _brief(decision: Decision) -> Brief:
    return Brief(
        queue=decision.queue,
        reason=decision.queue_reason,
        plan=decision.plan,
        priority=decision.priority,
        rank=decision.rank,
        first_response_due=decision.first_response_due,
        skills={need.skill: need.level for need in decision.skills},
        rules=tuple(trial.rule for trial in decision.rules if trial.matched),
    )
