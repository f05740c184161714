"""Which rules match a message, and what is said of those that don't."""

from collections.abc import Iterable

from msgspec import Struct

from common.core.cases import RuleTrial, SkillRequirement
from router.core.conditions import Asking, Condition, Questions, Situation, shortened
from router.core.indexing import RuleIndex
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


class RuleBook(Struct, frozen=True):
    """Rules that are asked together, in the file's order."""

    rules: tuple[ReadyRule, ...]
    questions: Questions
    index: RuleIndex


def book_of(rules: Iterable[ReadyRule]) -> RuleBook:
    """Return rules made ready to be asked together."""
    listed = tuple(rules)
    questions = Questions(condition for rule in listed for condition in rule.conditions)
    filed = ((rule.conditions, rule.fails[0] if rule.fails else rule.holds) for rule in listed)
    return RuleBook(listed, questions, RuleIndex(filed))


def matching(
    book: RuleBook, situation: Situation, say: Wording
) -> tuple[list[ReadyRule], tuple[RuleTrial, ...]]:
    """Return the rules that match, in the file's order, and a trial of every rule."""
    asking = Asking(situation, book.questions)
    trials = list(book.index.failed)
    matched = []
    for number in book.index.candidates(asking):
        rule = book.rules[number]
        trials[number] = trial = tried(rule, asking, say)
        if trial.matched:
            matched.append(rule)
    return matched, tuple(trials)


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


def tried(ready: ReadyRule, asking: Asking, say: Wording) -> RuleTrial:
    """Return whether a rule matches a message, and why."""
    for condition, fails in zip(ready.conditions, ready.fails, strict=True):
        answer = condition.answer(asking)
        if answer.error is not None:
            reason = say.condition_cannot.format(condition=condition.source, error=answer.error)
            return RuleTrial(ready.rule.id, matched=False, reason=reason)
        if not answer.holds:
            return fails
    words = [word for condition in ready.conditions for word in condition.found(asking)]
    if not words:
        return ready.holds
    reason = say.conditions_hold_words.format(words=", ".join(dict.fromkeys(words)))
    return RuleTrial(ready.rule.id, matched=True, reason=reason)
