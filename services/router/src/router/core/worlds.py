"""Everything that one decision followed from, and how to have it otherwise."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from common.core.cases import Decision
from common.core.events import Message
from router.core.facts import Customer, Outcome, Roster
from router.core.inputs import Inputs, replayed
from router.core.matching import ReadyRule, book_of
from router.core.policy import Policy


class World(Struct, frozen=True):
    """Everything that a decision followed from."""

    inputs: Inputs
    roster: Roster | None
    policy: Policy

    def outcome(self) -> Outcome:
        """Return what is decided in this world."""
        return replayed(self.inputs, self.roster, self.policy)


def decision_in(world: World) -> Decision | None:
    """Return the decision of a world, None where the message concerns no case there."""
    outcome = world.outcome()
    return outcome if isinstance(outcome, Decision) else None


def with_inputs(world: World, **fields: Any) -> World:
    """Return the world with fields of its inputs replaced."""
    return replace(world, inputs=replace(world.inputs, **fields))


def with_message(world: World, change: Callable[[Message], Message]) -> World:
    """Return the world with another message."""
    arrival = world.inputs.arrival
    return with_inputs(world, arrival=replace(arrival, message=change(arrival.message)))


def with_customer(world: World, change: Callable[[Customer], Customer]) -> World:
    """Return the world with another customer."""
    return with_inputs(world, customer=change(world.inputs.customer))


def with_people(world: World, queue: str, *profiles: dict[str, int]) -> World:
    """Return the world with these skill profiles signed in for the queue, and no others."""
    roster = world.roster or Roster({})
    signed_in = {**roster.signed_in, queue: profiles}
    return replace(world, roster=replace(roster, signed_in=signed_in))


def rule_of(world: World, name: str) -> ReadyRule:
    """Return a rule by its id."""
    return next(ready for ready in world.policy.rules if ready.rule.id == name)


def with_rules(world: World, rules: tuple[ReadyRule, ...]) -> World:
    """Return the world with these rules."""
    return replace(world, policy=replace(world.policy, rules=rules, book=book_of(rules)))


def _with_word(world: World, word: str) -> World:
    def say(message: Message) -> Message:
        text = message.text if message.text_reply is None else message.text_reply
        more = f"{word} {text or ''}".strip()
        return replace(message, text=more, text_reply=more)

    return with_message(world, say)


def _with_attribute(world: World, name: str) -> World:
    return with_message(
        world,
        lambda message: replace(message, attributes={**message.attributes, name: ""}),
    )


def _setter(field: str) -> Callable[[World, str], World]:
    """Return what sets a field of the message; `msgspec` refuses a value that it cannot have."""

    def put(world: World, value: str) -> World:
        fields = msgspec.to_builtins(world.inputs.arrival.message)
        message = msgspec.convert({**fields, field: value}, Message)
        return with_message(world, lambda _: message)

    return put


TEXT, ATTRIBUTES = "message.text", "message.attributes"
SETTERS: dict[str, Callable[[World, str], World]] = {
    TEXT: _with_word,
    ATTRIBUTES: _with_attribute,
    **{
        f"message.{field}": _setter(field)
        for field in ("kind", "channel", "provider", "account", "team", "subject")
    },
    "customer.account": lambda world, value: with_customer(
        world, lambda customer: replace(customer, account=value)
    ),
    "customer.language": lambda world, value: with_customer(
        world, lambda customer: replace(customer, language=value)
    ),
}
