"""Rules that can be used and yet are hardly what their author meant: warnings, each with its place.

Only what is certain is said. That a rule implies another is concluded from the shape of their
conditions (`core.forms`); what has another shape implies nothing.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations

from msgspec import Struct

from router.core.calendars import weekly_minutes
from router.core.checking import Complaint
from router.core.forms import (
    Constant,
    Form,
    Mentions,
    OneOf,
    contradict,
    forms_of,
    implied,
    same_word,
)
from router.core.rules import Calendar, Overflow, Queue, Rule, Rules
from router.core.survey_linting import survey_warnings


class Person(Struct, frozen=True):
    """What somebody can do, and from which queues he answers."""

    skills: Mapping[str, int]
    queues: Collection[str]


def warnings(rules: Rules) -> Iterator[Complaint]:
    """Yield what the rules themselves show."""
    yield from _conditions(rules)
    yield from _unreachable(rules)
    yield from _levels_asked(rules)
    yield from _overflow(rules)
    yield from _unused(rules)
    yield from survey_warnings(rules)


def staff_warnings(rules: Rules, people: Sequence[Person]) -> Iterator[Complaint]:
    """Yield what the company's people cannot do."""
    best: Counter[str] = Counter()
    for person in people:
        best |= Counter(person.skills)
    for name in rules.skills:
        if name not in best:
            yield Complaint(("skills", name), f"nobody has the skill {name}")
    for name, queue in rules.queues.items():
        yield from _staffing(name, queue, [one for one in people if name in one.queues])
    for index, rule in enumerate(rules.rules):
        for skill, level in rule.skills.items():
            if 0 < best[skill] < level:
                reason = f"the rule {rule.id} asks for {skill} {level}; the best has {best[skill]}"
                yield Complaint(("rules", index, "skills", skill), reason)


def _staffing(name: str, queue: Queue, working: Sequence[Person]) -> Iterator[Complaint]:
    if not working:
        yield Complaint(("queues", name), f"nobody works in the queue {name}")
    elif not any(_able(person, queue.skills) for person in working):
        asked = _levels(queue.skills)
        reason = f"nobody who works in {name} has {asked} together"
        yield Complaint(("queues", name, "skills"), reason)


def sample_warnings(rules: Rules, matched: Collection[str]) -> Iterator[Complaint]:
    """Yield the rules that no message of a sample matched."""
    for index, rule in enumerate(rules.rules):
        if rule.id not in matched:
            yield Complaint(
                ("rules", index), f"no message of the sample matches the rule {rule.id}"
            )


def conditions_of(rule: Rule) -> tuple[str, ...]:
    """Return a rule's conditions, all of which must hold."""
    return (rule.when,) if isinstance(rule.when, str) else rule.when


def _conditions(rules: Rules) -> Iterator[Complaint]:
    for index, rule in enumerate(rules.rules):
        at = ("rules", index, "when")
        for one, other in combinations(forms_of(conditions_of(rule)), 2):
            if one == other:
                yield Complaint(at, f"the rule {rule.id} asks for the same twice")
            elif contradict(one, other) or contradict(other, one):
                yield Complaint(at, f"two conditions of the rule {rule.id} never hold together")
        for form in forms_of(conditions_of(rule)):
            yield from (Complaint(at, reason) for reason in _of_form(rule, form, rules))


def _of_form(rule: Rule, form: Form, rules: Rules) -> Iterator[str]:
    match form:
        case Constant(value=True):
            yield f"a condition of the rule {rule.id} always holds"
        case Constant():
            yield f"the rule {rule.id} never matches"
        case Mentions():
            yield from _contained(rule, form.words)
        case OneOf(field="customer.tier"):
            yield from _unknown(rule, "tier", form.values - {""}, rules.tiers)
        case OneOf(field="contract.plan"):
            yield from _unknown(rule, "plan", form.values, rules.plans)
        case _:
            return


def _contained(rule: Rule, words: Sequence[str]) -> Iterator[str]:
    for index, word in enumerate(words):
        for other in (*words[:index], *words[index + 1 :]):
            if word != other and same_word(other, word):
                yield f"the rule {rule.id} finds {word} already by {other}"
    for word, times in Counter(words).items():
        if times > 1:
            yield f"the rule {rule.id} names {word} {times} times"


def _unknown(
    rule: Rule, kind: str, values: Collection[str], known: Mapping[str, object]
) -> Iterator[str]:
    for value in sorted(values):
        if value not in known:
            yield f"the rule {rule.id} waits for the {kind} {value}, which the file does not have"


def _unreachable(rules: Rules) -> Iterator[Complaint]:
    """Yield rules that decide nothing because an earlier one matches whenever they do."""
    earlier: list[tuple[Rule, tuple[Form, ...]]] = []
    for index, rule in enumerate(rules.rules):
        forms = forms_of(conditions_of(rule))
        for before, asked in earlier:
            if rule.queue and all(implied(form, forms) for form in asked):
                yield Complaint(("rules", index), _beaten(rule, before, rules))
                break
        if rule.queue:
            earlier.append((rule, forms))


def _beaten(rule: Rule, before: Rule, rules: Rules) -> str:
    queue = before.queue or ""
    why = f"the rule {before.id} above matches whenever {rule.id} does"
    if queue == rule.queue:
        return f"{why} and names the same queue {queue}"
    if _always_takes(rules.queues[queue], rules):
        return f"{why}, and {queue} takes cases at any time: {rule.queue} comes only when nobody there qualifies"
    return f"{why}: {rule.queue} comes only when {queue} cannot take the case"


def _levels_asked(rules: Rules) -> Iterator[Complaint]:
    """Yield the levels that a rule asks for in vain: its queue asks for as much or more."""
    for index, rule in enumerate(rules.rules):
        if rule.queue is None:
            continue
        first = rules.queues[rule.queue]
        queues = [first, *(rules.queues[name] for name in _ways(first))]
        for skill, level in rule.skills.items():
            if all(queue.skills.get(skill, 0) >= level for queue in queues):
                reason = (
                    f"the rule {rule.id} asks for {skill} {level}, and {rule.queue} for "
                    f"{first.skills[skill]} anyway"
                )
                yield Complaint(("rules", index, "skills", skill), reason)


def _ways(queue: Queue) -> list[str]:
    """Return the queues that a queue overflows into."""
    return [way if isinstance(way, str) else way.to for way in queue.overflow]


def _always_takes(queue: Queue, rules: Rules) -> bool:
    return queue.when_closed == "wait" or rules.calendars[queue.calendar].always


def _overflow(rules: Rules) -> Iterator[Complaint]:
    for name, queue in rules.queues.items():
        at = ("queues", name, "overflow")
        ways = [(way, Overflow(to=way) if isinstance(way, str) else way) for way in queue.overflow]
        for written, times in Counter(str(written) for written, _ in ways).items():
            if times > 1:
                yield Complaint(at, f"{name} overflows {times} times alike: {written}")
        for _, meant in ways:
            if _when_closed(queue, meant) and _never_helps(queue, rules.queues[meant.to], rules):
                yield Complaint(at, f"{meant.to} is never open while {name} is closed")
    for circle in _circles(rules):
        way = " → ".join((*circle, circle[0]))
        yield Complaint(("queues", circle[0], "overflow"), f"cases may go round: {way}")


def _when_closed(queue: Queue, way: Overflow) -> bool:
    """Whether a way out is meant for the hours in which the queue is closed, not for a long wait."""
    closed = "closed" in way.when if way.when else way.after is None
    return closed and queue.when_closed != "wait"


def _circles(rules: Rules) -> Iterator[tuple[str, ...]]:
    """Yield the ways by which a case that waits too long comes back, each once."""
    ways = {name: _after_a_wait(queue) for name, queue in rules.queues.items()}
    for start in sorted(ways):
        open_ways: list[tuple[str, ...]] = [(start,)]
        while open_ways:
            way = open_ways.pop()
            if start in ways[way[-1]]:
                yield way
            # a circle is told from its first name on, so only later names may follow
            open_ways += [
                (*way, to) for to in sorted(ways[way[-1]]) if to > start and to not in way
            ]


def _after_a_wait(queue: Queue) -> set[str]:
    """Return where a case goes that has waited too long."""
    return {
        way if isinstance(way, str) else way.to
        for way in queue.overflow
        if queue.max_age is not None or (not isinstance(way, str) and way.after is not None)
    }


def _never_helps(queue: Queue, other: Queue, rules: Rules) -> bool:
    """Whether the other queue is closed whenever this one is; calendars of one zone only."""
    mine, theirs = rules.calendars[queue.calendar], rules.calendars[other.calendar]
    if other.when_closed == "wait" or theirs.always:
        return False
    if mine.always:
        return True
    same_days = mine.zone == theirs.zone and mine.holidays in {theirs.holidays, ()}
    return same_days and all(_minutes(theirs, day) <= _minutes(mine, day) for day in range(7))


def _minutes(calendar: Calendar, day: int) -> set[int]:
    """Return the open minutes of a weekday."""
    periods = weekly_minutes(calendar.open)[day]
    return {minute for start, end in periods for minute in range(start, end)}


def _unused(rules: Rules) -> Iterator[Complaint]:
    named = {rule.queue for rule in rules.rules}
    named |= {survey.low.queue for survey in rules.surveys if survey.low}
    for queue in rules.queues.values():
        named.update(_ways(queue))
    for name, queue in rules.queues.items():
        if name not in named and not queue.default:
            yield Complaint(("queues", name), f"no rule leads to the queue {name}")
    skills = {skill for rule in rules.rules for skill in rule.skills}
    skills |= {skill for queue in rules.queues.values() for skill in queue.skills}
    for name in sorted(rules.skills.keys() - skills):
        yield Complaint(("skills", name), f"neither rule nor queue asks for the skill {name}")
    kept = {plan.calendar for plan in rules.plans.values()}
    kept |= {queue.calendar for queue in rules.queues.values()}
    for name in sorted(rules.calendars.keys() - kept):
        yield Complaint(("calendars", name), f"nothing keeps the calendar {name}")
    tiers = _asked_for("customer.tier", rules)
    for name, tier in rules.tiers.items():
        if not tier.priority and name not in tiers:
            yield Complaint(("tiers", name), f"the tier {name} changes nothing")


def _asked_for(field: str, rules: Rules) -> set[str]:
    """Return the values that some condition names for a field."""
    forms = (form for rule in rules.rules for form in forms_of(conditions_of(rule)))
    return {
        value
        for form in forms
        if isinstance(form, OneOf) and form.field == field
        for value in form.values
    }


def _able(person: Person, skills: Mapping[str, int]) -> bool:
    return all(person.skills.get(skill, 0) >= level for skill, level in skills.items())


def _levels(skills: Mapping[str, int]) -> str:
    return ", ".join(f"{skill} {level}" for skill, level in skills.items())
