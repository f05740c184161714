"""Things that could have been otherwise when a message was decided about, one at a time.

Each change makes another world of the one that was. What it costs tells how large it is: what
changes every day (who is there, which hours) costs least, what somebody is or wrote more, the rules
most.
"""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from common.core.events import Contract
from router.core.calendars import BusinessHours
from router.core.rules import Calendar
from router.core.worlds import (
    SETTERS,
    World,
    rule_of,
    with_customer,
    with_inputs,
    with_message,
    with_people,
    with_rules,
)

IMAGINED = "imagined"  # the id of a contract that nobody has


class _Change(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """One thing that is otherwise."""


class Skill(_Change, frozen=True, kw_only=True, tag="skill"):
    """Somebody signed in for the queue, known by his skills, has one of them at a higher level."""

    queue: str
    profile: dict[str, int]
    skill: str
    level: int
    to: int

    def made(self, world: World) -> World:
        """Return the world in which he has."""
        able = {**self.profile, self.skill: self.to}
        there = world.roster.signed_in.get(self.queue, ()) if world.roster else ()
        return with_people(
            world, self.queue, *(able if one == self.profile else one for one in there)
        )


class Staff(_Change, frozen=True, kw_only=True, tag="staff"):
    """Somebody with these skills is signed in for the queue, too."""

    queue: str
    skills: dict[str, int]

    def made(self, world: World) -> World:
        """Return the world in which somebody is."""
        there = world.roster.signed_in.get(self.queue, ()) if world.roster else ()
        return with_people(world, self.queue, *there, self.skills)


class Away(_Change, frozen=True, kw_only=True, tag="away"):
    """Nobody is signed in for the queue that took the case."""

    queue: str

    def made(self, world: World) -> World:
        """Return the world in which nobody is."""
        return with_people(world, self.queue)


class Hours(_Change, frozen=True, kw_only=True, tag="hours"):
    """The queue is open at that time; `opens` is when it really opened next, by its own clock."""

    queue: str
    opens: str

    def made(self, world: World) -> World:
        """Return the world in which it is open."""
        desk = world.policy.desks[self.queue]
        always = BusinessHours("always", Calendar(zone=desk.hours.zone.key, always=True))
        desks = {**world.policy.desks, self.queue: replace(desk, hours=always)}
        return replace(world, policy=replace(world.policy, desks=desks))


class Language(_Change, frozen=True, kw_only=True, tag="language"):
    """The message is in another language."""

    language: str | None
    to: str

    def made(self, world: World) -> World:
        """Return the world in which its channel said so."""
        return with_message(world, lambda message: replace(message, language=self.to))


class Tier(_Change, frozen=True, kw_only=True, tag="tier"):
    """The customer is of another tier."""

    tier: str | None
    to: str | None

    def made(self, world: World) -> World:
        """Return the world in which the customer is."""
        return with_customer(world, lambda customer: replace(customer, tier=self.to))


class Plan(_Change, frozen=True, kw_only=True, tag="plan"):
    """The contract that counts is of another plan; without one, there is one."""

    contract: str | None
    plan: str
    to: str

    def made(self, world: World) -> World:
        """Return the world with that contract; an open case was promised the plan."""
        inputs = world.inputs
        if inputs.case is not None:
            world = with_inputs(world, case=replace(inputs.case, plan=self.to))
        if self.contract is None:
            since = inputs.arrival.message.received_at
            new = Contract(contract_id=IMAGINED, plan=self.to, starts_at=since)
            return with_inputs(world, contracts=(*inputs.contracts, new))
        contracts = tuple(
            replace(one, plan=self.to) if one.contract_id == self.contract else one
            for one in inputs.contracts
        )
        return with_inputs(world, contracts=contracts)


class Said(_Change, frozen=True, kw_only=True, tag="message"):
    """The message, or what is known of its sender, is as one condition of a rule asks.

    `value` is the value of `field`, a word of its text, or the name of an attribute.
    """

    rule: str
    field: str
    value: str

    def made(self, world: World) -> World:
        """Return the world in which it is. Raises msgspec.ValidationError where no message can be."""
        return SETTERS[self.field](world, self.value)


class Apart(_Change, frozen=True, kw_only=True, tag="case"):
    """The message joins no case: there is none in this conversation."""

    queue: str

    def made(self, world: World) -> World:
        """Return the world without the case."""
        return with_inputs(world, case=None, cause=None, earlier=(), before=None)


class Order(_Change, frozen=True, kw_only=True, tag="order"):
    """The rule stands above the one that now decides."""

    rule: str
    above: str

    def made(self, world: World) -> World:
        """Return the world with the rules in that order."""
        moved = rule_of(world, self.rule)
        rest = [ready for ready in world.policy.rules if ready.rule.id != self.rule]
        at = next(index for index, ready in enumerate(rest) if ready.rule.id == self.above)
        return with_rules(world, (*rest[:at], moved, *rest[at:]))


class Condition(_Change, frozen=True, kw_only=True, tag="condition"):
    """The rule does not ask for one of its conditions."""

    rule: str
    condition: str

    def made(self, world: World) -> World:
        """Return the world without the condition."""
        old = rule_of(world, self.rule)
        kept = [
            (condition, fails)
            for condition, fails in zip(old.conditions, old.fails, strict=True)
            if condition.source != self.condition
        ]
        new = replace(
            old,
            conditions=tuple(condition for condition, _ in kept),
            fails=tuple(fails for _, fails in kept),
        )
        return with_rules(
            world,
            tuple(new if ready.rule.id == self.rule else ready for ready in world.policy.rules),
        )


class Without(_Change, frozen=True, kw_only=True, tag="rule"):
    """There is no such rule."""

    rule: str

    def made(self, world: World) -> World:
        """Return the world without the rule."""
        return with_rules(
            world, tuple(ready for ready in world.policy.rules if ready.rule.id != self.rule)
        )


Change = (
    Skill
    | Staff
    | Away
    | Hours
    | Language
    | Tier
    | Plan
    | Said
    | Apart
    | Order
    | Condition
    | Without
)


COSTS: dict[type[Struct], int] = {
    Staff: 5,
    Hours: 5,
    Away: 6,
    Language: 10,
    Tier: 10,
    Plan: 10,
    Said: 15,
    Apart: 15,
    Order: 20,
    Condition: 25,
    Without: 30,
}


def cost_of(changes: Iterable[Change]) -> int:
    """Return how large changes are together: a skill costs 1 a level, others what is listed."""
    return sum(
        change.to - change.level if isinstance(change, Skill) else COSTS[type(change)]
        for change in changes
    )
