"""Which rules match a message, and what is said of those that don't."""

from collections.abc import Iterable

from msgspec import Struct

from common.core.cases import RuleTrial, SkillRequirement
from router.core.conditions import Asking, Condition, Questions, Situation, shortened
from router.core.rules import Rule
from router.core.skills import asked
from router.core.wording import Wording


class ReadyRule(Struct, frozen=True, kw_only=True):
    """A rule with its conditions compiled, and the trials that most messages end in."""

    rule: Rule
    conditions: tuple[Condition, ...]
    holds: RuleTrial
    fails: tuple[RuleTrial, ...]
    skills: tuple[SkillRequirement, ...]


def matching(
    rules: Iterable[ReadyRule], situation: Situation, questions: Questions, say: Wording
) -> tuple[list[ReadyRule], tuple[RuleTrial, ...]]:
    """Return the rules that match, in the file's order, and a trial of every rule."""
    asking = Asking(situation, questions)
    tried = [(rule, _tried(rule, asking, say)) for rule in rules]
    return [rule for rule, trial in tried if trial.matched], tuple(trial for _, trial in tried)


def ready(rule: Rule, say: Wording) -> ReadyRule:
    """Return a rule compiled. Raises ValueError where a condition is none."""
    sources = (rule.when,) if isinstance(rule.when, str) else rule.when
    failing = (say.condition_fails.format(condition=shortened(source)) for source in sources)
    return ReadyRule(
        rule=rule,
        conditions=tuple(Condition(source) for source in sources),
        holds=RuleTrial(rule.id, matched=True, reason=say.conditions_hold),
        fails=tuple(RuleTrial(rule.id, matched=False, reason=reason) for reason in failing),
        skills=asked(rule.skills, say.rule_skill.format(rule=rule.id, sentence=rule.sentence)),
    )


def _tried(ready: ReadyRule, asking: Asking, say: Wording) -> RuleTrial:
    for condition, fails in zip(ready.conditions, ready.fails, strict=True):
        answer = condition.answer(asking)
        if answer.error is not None:
            reason = say.condition_cannot.format(condition=condition.source, error=answer.error)
            return RuleTrial(ready.rule.id, matched=False, reason=reason)
        if not answer.holds:
            return fails
    words = [
        word
        for condition in ready.conditions
        for name in condition.mentions
        if (word := asking.found[name])
    ]
    if not words:
        return ready.holds
    reason = say.conditions_hold_words.format(words=", ".join(dict.fromkeys(words)))
    return RuleTrial(ready.rule.id, matched=True, reason=reason)
