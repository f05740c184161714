"""Priority: points with named parts, and the credit of time that they are worth."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from common.core.cases import PriorityPart
from router.core.conditions import Situation
from router.core.facts import Case
from router.core.matching import ReadyRule
from router.core.policy import Policy
from router.core.text import written


def parts_of(
    situation: Situation, matched: Sequence[ReadyRule], policy: Policy
) -> tuple[PriorityPart, ...]:
    """Return the points of the plan, the tier, each rule that gives some, and words of urgency."""
    say = policy.say
    promise = policy.promises.get(situation.plan, policy.default_promise)
    parts = [PriorityPart("plan", promise.priority, say.priority_plan.format(plan=promise.plan))]
    if tier := policy.tiers.get(situation.customer.tier or ""):
        reason = say.priority_tier.format(tier=situation.customer.tier, sentence=tier.sentence)
        parts.append(PriorityPart("tier", tier.priority, reason))
    parts += (
        PriorityPart(f"rule:{ready.rule.id}", effect.points, effect.reason)
        for ready in matched
        if (effect := ready.rule.priority)
    )
    if words := policy.urgency(written(situation.message)):
        reason = say.priority_words.format(words=", ".join(words))
        parts.append(PriorityPart("words", policy.urgency_points, reason))
    return tuple(parts)


def kept(
    parts: tuple[PriorityPart, ...], joined: Case | None, policy: Policy
) -> tuple[PriorityPart, ...]:
    """Return the parts, or the open case's priority where that is higher: it never falls."""
    if joined is None or (points := total(parts)) >= joined.priority:
        return parts
    reason = policy.say.priority_case.format(points=points)
    return (PriorityPart("case", joined.priority, reason),)


def credit(priority: int, per_point: timedelta, at_most: timedelta) -> timedelta:
    """Return how much earlier a priority ranks a case: never more than `at_most` either way.

    So a case waits at most `at_most` longer than its deadline alone would have it: whoever writes
    later than that has a later rank, whatever his priority.
    """
    return max(-at_most, min(at_most, priority * per_point))


def total(parts: Iterable[PriorityPart]) -> int:
    """Return the priority that the parts add up to."""
    return sum(part.points for part in parts)
