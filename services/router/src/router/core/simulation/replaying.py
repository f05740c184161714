"""A recorded day's decisions made again, each from what it was made from: no state is simulated."""

from collections.abc import Iterator, Sequence
from uuid import UUID

import msgspec
from msgspec import Struct

from common.core.cases import Decision
from router.core.agents import Agent
from router.core.facts import Roster
from router.core.inputs import replayed
from router.core.policy import Policy
from router.core.roster import roster_of
from router.core.simulation.history import History, Kept, RosterEvent


class Check(Struct, frozen=True, kw_only=True):
    """How recorded decisions compare with the same ones made again under the rules they name.

    `same` are equal byte for byte, `differing` are not (by their messages' events); `others` were
    made under other rules and not compared.
    """

    same: int
    differing: tuple[UUID, ...]
    others: int


class Journal:
    """Who was signed in after each change of the journal; asked in about the order of its numbers."""

    def __init__(self, events: Sequence[RosterEvent]) -> None:
        self._events = events
        self._taken = 0
        self._standing: dict[str, Agent] = {}
        self._known: dict[int, Roster] = {}

    def at(self, sequence: int | None) -> Roster | None:
        """Return the roster that knew of so many changes; None where nobody had said."""
        if sequence is None:
            return None
        if sequence not in self._known:
            self._known[sequence] = self._made(sequence)
        return self._known[sequence]

    def _made(self, sequence: int) -> Roster:
        if self._taken and self._events[self._taken - 1].sequence > sequence:
            self._taken, self._standing = 0, {}
        while self._taken < len(self._events) and self._events[self._taken].sequence <= sequence:
            agent = self._events[self._taken].agent
            self._standing[agent.agent] = agent
            self._taken += 1
        return roster_of(self._standing.values(), sequence)


def replay(history: History, policy: Policy) -> dict[UUID, Decision]:
    """Return what a policy decides from what was recorded, by the messages' events."""
    return {
        kept.decision.message_event: decision
        for kept, decision in _again(history.kept, history, policy)
    }


def checked(history: History, policy: Policy) -> Check:
    """Compare the recorded decisions of a policy with the same ones made again."""
    own = [kept for kept in history.kept if kept.inputs.rules_version == policy.version]
    equal = {
        kept.decision.message_event
        for kept, decision in _again(own, history, policy)
        if msgspec.json.encode(decision) == kept.body
    }
    events = [kept.decision.message_event for kept in own]
    return Check(
        same=len(equal),
        differing=tuple(event for event in events if event not in equal),
        others=len(history.kept) - len(own),
    )


def _again(
    kept: Sequence[Kept], history: History, policy: Policy
) -> Iterator[tuple[Kept, Decision]]:
    journal = Journal(history.roster)
    for one in kept:
        outcome = replayed(one.inputs, journal.at(one.inputs.roster), policy)
        if isinstance(outcome, Decision):
            yield one, outcome
