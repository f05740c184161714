"""What became of what was promised to a customer: an answer in time, an end in time.

The opening promises both. Who reopens a case is promised both anew; where somebody of the company
reopens it, only its end. Deadlines are the router's, on the calendar of the plan.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from common.core.work import Target
from timeline.core.figures_facts import FactKind
from timeline.core.figures_steps import Step, rounds


class Settled(Struct, frozen=True):
    """A promise that was kept or broken, when, and the step that shows it."""

    target: Target
    kept: bool
    at: datetime
    step: Step


def settled_of(steps: Sequence[Step]) -> list[list[Settled]]:
    """Return what became of the promises of each round: those of an answer, then those of an end.

    The last of each kind is the one that counts now; a list is empty while its clock runs, and for
    an answer that was not needed because the matter ended without.
    """
    telling = _telling(steps)
    answers = [_answer(part) for part in rounds(telling, by_customer=True)]
    ends = [_end(part) for part in rounds(telling, by_customer=False)]
    return [*answers, *ends]


def standing_of(target: Target, steps: Sequence[Step]) -> bool | None:
    """Return whether the newest promise of this kind was kept; None while nobody knows."""
    by_customer = target is Target.FIRST_RESPONSE
    settle = _answer if by_customer else _end
    newest = settle(rounds(_telling(steps), by_customer=by_customer)[-1])
    return newest[0].kept if newest else None


def _telling(steps: Iterable[Step]) -> list[Step]:
    """Return all but routings, which settle nothing; a long talk has hundreds of them."""
    return [step for step in steps if step.fact.kind is not FactKind.ROUTED]


def _answer(part: Sequence[Step]) -> list[Settled]:
    broken = _broken(Target.FIRST_RESPONSE, part)
    answers = [s for s in part if s.fact.kind is FactKind.ANSWERED and s.fact.flag]
    if broken or not answers:
        return broken
    first = answers[0]
    in_time = first.fact.in_time is not False
    return [Settled(Target.FIRST_RESPONSE, in_time, first.fact.at, first)]


def _end(part: Sequence[Step]) -> list[Settled]:
    broken = _broken(Target.RESOLUTION, part)
    ends = [step for step in part if step.fact.kind is FactKind.RESOLVED]
    if broken or not ends:
        return broken
    return [Settled(Target.RESOLUTION, kept=True, at=ends[0].fact.at, step=ends[0])]


def _broken(target: Target, part: Iterable[Step]) -> list[Settled]:
    told = (
        step for step in part if step.fact.kind is FactKind.BREACHED and step.fact.target == target
    )
    return [
        Settled(target, kept=False, at=step.fact.due or step.fact.at, step=step) for step in told
    ][:1]
