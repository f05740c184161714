"""What would have sent a message to another queue: the smallest change of what was, or two.

Nothing is guessed. A change is proposed because of the decision as it is, made, and the decision is
made again; only what then leads to the queue is told, and of two changes only those of which
neither would do alone.
"""

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

from common.core.cases import Continuity, Decision
from router.core.changes import (
    Apart,
    Away,
    Change,
    Condition,
    Hours,
    Language,
    Order,
    Plan,
    Said,
    Skill,
    Staff,
    Tier,
    Without,
    cost_of,
)
from router.core.conditions import Asking, Situation
from router.core.forms import Attribute, Form, Mentions, NoneOf, OneOf, forms_of
from router.core.matching import ReadyRule
from router.core.skills import HIGHEST_LEVEL
from router.core.worlds import ATTRIBUTES, SETTERS, TEXT, World, decision_in

MOST_TRIED = 1500  # decisions; a second or so
MOST_ANSWERS = 5
MOST_MISSING = 2  # a rule or a person that lacks more is no small change away
MOST_VALUES = 3  # of those that a condition would take
ALWAYS_ASKED = ("en", "ja")


class Answer(Struct, frozen=True):
    """Changes that together lead to the queue, and of which none can be left out."""

    cost: int
    changes: tuple[Change, ...]


class Instead(Struct, frozen=True):
    """What would have led to a queue, smallest first.

    `there` tells that the message goes there as it is. `complete` tells that every change, and
    where no single one would do every two, were tried; `tried` is how many decisions that took.
    """

    queue: str
    there: bool
    answers: tuple[Answer, ...]
    complete: bool
    tried: int


def instead(world: World, queue: str, most_tried: int = MOST_TRIED) -> Instead:
    """Return what would have sent the message to this queue. Raises KeyError for no queue of ours."""
    search = _Search(world.policy.desks[queue].name, most_tried)
    decision = search.decide(world)
    if decision is None or decision.queue == queue:
        return search.told(there=decision is not None)
    first = search.singles(world, decision)
    if not search.answers:
        search.pairs(world, decision, first)
    return search.told(there=False)


class _Made(Struct, frozen=True):
    """A change, the world that it makes, and what is decided there."""

    change: Change
    world: World
    decision: Decision | None


class _Search:
    """Tries changes and counts."""

    def __init__(self, queue: str, most: int) -> None:
        self._queue = queue
        self._left = most
        self._most = most
        self.answers: dict[bytes, Answer] = {}

    def decide(self, world: World) -> Decision | None:
        self._left -= 1
        return decision_in(world)

    def told(self, *, there: bool) -> Instead:
        """Return what was found."""
        found = sorted(self.answers.items(), key=lambda item: (item[1].cost, item[0]))
        return Instead(
            queue=self._queue,
            there=there,
            answers=tuple(answer for _, answer in found[:MOST_ANSWERS]),
            complete=self._left > 0,
            tried=self._most - max(0, self._left),
        )

    def singles(self, world: World, decision: Decision) -> list[_Made]:
        """Try every single change; return those that do not do alone, cheapest first."""
        rest = []
        for made in self._all_made(world, decision):
            if _reaches(made, self._queue):
                self._found(made.change)
            else:
                rest.append(made)
        return sorted(rest, key=lambda made: cost_of([made.change]))

    def pairs(self, world: World, decision: Decision, first: Iterable[_Made]) -> None:
        """Try a second change after each first one that changes anything."""
        before = _bearing(decision)
        for one in first:
            if one.decision is None or (_of_message(one) and _bearing(one.decision) == before):
                continue
            for two in self._all_made(one.world, one.decision):
                if _reaches(two, self._queue) and not self._does_alone(world, two.change):
                    self._found(one.change, two.change)

    def _all_made(self, world: World, decision: Decision) -> Iterator[_Made]:
        for change in self._proposed(world, decision):
            if self._left <= 0:
                return
            try:
                made = change.made(world)
            except msgspec.ValidationError:
                continue
            yield _Made(change, made, self.decide(made))

    def _does_alone(self, world: World, change: Change) -> bool:
        """Whether a change that came second does without the first."""
        alone = self.decide(change.made(world))
        return alone is not None and alone.queue == self._queue

    def _found(self, *changes: Change) -> None:
        key = b"|".join(sorted(_key(change) for change in changes))
        self.answers.setdefault(key, Answer(cost_of(changes), changes))

    def _proposed(self, world: World, decision: Decision) -> Iterator[Change]:
        yield from self._people(world)
        if not world.policy.desks[self._queue].hours.is_open(world.inputs.now):
            desk = world.policy.desks[self._queue]
            opens = desk.hours.local(desk.hours.opens(world.inputs.now))
            yield Hours(queue=self._queue, opens=opens)
        yield from _about_the_sender(world, decision)
        if decision.rules:
            yield from _about_rules(world, decision, self._queue)
        if decision.continuity is Continuity.JOINED:
            yield Apart(queue=decision.queue)
        if world.roster is not None and decision.queue in world.roster.signed_in:
            yield Away(queue=decision.queue)

    def _people(self, world: World) -> Iterator[Change]:
        """Yield whom the queue lacks, if somebody who can do everything would be all it lacks."""
        if world.roster is None:
            return
        able = dict.fromkeys(world.policy.skills, HIGHEST_LEVEL)
        decision = self.decide(Staff(queue=self._queue, skills=able).made(world))
        if decision is None or decision.queue != self._queue:
            return
        needs = {need.skill: need.level for need in decision.skills}
        yield Staff(queue=self._queue, skills=needs)
        for profile in world.roster.signed_in.get(self._queue, ()):
            missing = {
                skill: level for skill, level in needs.items() if profile.get(skill, 0) < level
            }
            if len(missing) <= MOST_MISSING:
                for skill, level in missing.items():
                    yield Skill(
                        queue=self._queue,
                        profile=profile,
                        skill=skill,
                        level=profile.get(skill, 0),
                        to=level,
                    )


def _key(change: Change) -> bytes:
    """Return what two changes have in common that are the same for whoever asks.

    Which rule wanted a word does not matter, nor which of the values of a field.
    """
    if isinstance(change, Said):
        value = change.value if change.field == TEXT else ""
        return f"{change.field} {value}".encode()
    return msgspec.json.encode(change)


def _reaches(made: _Made, queue: str) -> bool:
    return made.decision is not None and made.decision.queue == queue


def _of_message(made: _Made) -> bool:
    return isinstance(made.change, Language | Tier | Plan | Said)


def _bearing(decision: Decision) -> tuple[object, ...]:
    """Return all by which what is known of a message bears on where it goes."""
    return (decision.queues, decision.rules, decision.skills)


def _about_the_sender(world: World, decision: Decision) -> Iterator[Change]:
    policy, customer = world.policy, world.inputs.customer
    for plan in policy.promises:
        if plan != decision.plan:
            yield Plan(contract=decision.contract, plan=decision.plan, to=plan)
    for tier in policy.tiers:
        if tier != customer.tier:
            yield Tier(tier=customer.tier, to=tier)
    if customer.tier is not None:
        yield Tier(tier=customer.tier, to=None)
    for language in sorted(_languages(world)):
        if language != decision.language:
            yield Language(language=decision.language, to=language)


def _languages(world: World) -> set[str]:
    forms = (
        form
        for ready in world.policy.rules
        for form in forms_of([condition.source for condition in ready.conditions])
    )
    named = (form for form in forms if isinstance(form, OneOf | NoneOf))
    spoken = (form.values for form in named if form.field == "message.language")
    return set(ALWAYS_ASKED).union(*spoken)


def _about_rules(world: World, decision: Decision, queue: str) -> Iterator[Change]:
    policy = world.policy
    asking = Asking(_situation(world, decision), policy.book.questions)
    matched = {trial.rule for trial in decision.rules if trial.matched}
    deciding = [ready.rule.id for ready in policy.rules if _decides(ready, matched)]
    for ready in policy.rules:
        if not _leads(ready, world, queue):
            continue
        if ready.rule.id not in matched:
            yield from _needed(ready, asking)
        elif deciding[0] != ready.rule.id:
            yield Order(rule=ready.rule.id, above=deciding[0])
    for name in deciding:
        yield Without(rule=name)


def _decides(ready: ReadyRule, matched: set[str]) -> bool:
    return ready.rule.queue is not None and ready.rule.id in matched


def _leads(ready: ReadyRule, world: World, queue: str) -> bool:
    """Whether a rule names the queue, or one that overflows into it."""
    named = ready.rule.queue
    if named is None:
        return False
    ways = world.policy.desks[named].overflow
    return named == queue or any(way.to == queue for way in ways)


def _needed(ready: ReadyRule, asking: Asking) -> Iterator[Change]:
    """Yield what would make the rule's few failing conditions hold, each by itself."""
    failing = [
        condition.source for condition in ready.conditions if not condition.answer(asking).holds
    ]
    if len(failing) > MOST_MISSING:
        return
    for source in failing:
        for form in forms_of([source]):
            yield from _said(ready.rule.id, form)
        yield Condition(rule=ready.rule.id, condition=source)


def _said(rule: str, form: Form) -> Iterator[Said]:
    match form:
        case Mentions():
            yield Said(rule=rule, field=TEXT, value=form.words[0])
        case Attribute():
            yield Said(rule=rule, field=ATTRIBUTES, value=form.name)
        case OneOf() if form.field in SETTERS:
            for value in sorted(form.values)[:MOST_VALUES]:
                yield Said(rule=rule, field=form.field, value=value)
        case _:
            return


def _situation(world: World, decision: Decision) -> Situation:
    inputs = world.inputs
    return Situation(
        arrival=inputs.arrival,
        customer=inputs.customer,
        plan=decision.plan,
        contract=decision.contract,
        language=decision.language or world.policy.language,
    )
