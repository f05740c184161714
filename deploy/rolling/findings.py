"""What the bus and the logs tell of a time in which processes came and went."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from uuid import UUID

from typing_extensions import override

from assignment_laws.told import Bus, read_everything
from common.core.cases import CaseRouted
from common.core.events import Direction, Message
from common.core.topics import MESSAGES

CLAIMED, GIVEN_UP = "partitions claimed", "partitions given up"
OFTEN = 0.99


@dataclass(frozen=True)
class Decided:
    """The messages on the bus and their decisions; `waits` in seconds, from one to the other."""

    messages: int
    undecided: int
    decided_anew: int
    waits: Sequence[float]

    @property
    def is_exact(self) -> bool:
        """Whether each message has one decision, under one id."""
        return not (self.undecided or self.decided_anew)

    @override
    def __str__(self) -> str:
        return (
            f"{self.messages} messages on the bus: {self.undecided} without a decision, "
            f"{self.decided_anew} with more than one; from the bus to the decision "
            f"{told(self.waits)}"
        )


async def heard(kafka: str) -> tuple[Decided, int]:
    """Return what the bus tells of messages and their decisions, and how many records repeat an id."""
    messages = await read_everything(kafka, topic=MESSAGES.name)
    routing = await read_everything(kafka)
    return decided(messages, routing), repetitions(messages) + repetitions(routing)


def decided(messages: Bus, routing: Bus) -> Decided:
    """Compare what customers wrote with what was decided, both from the bus.

    A decision made anew for a later cause is another matter than one that was made twice.
    """
    received = {
        event.attributes.id
        for event in messages.events
        if isinstance(event.data, Message) and event.data.direction is Direction.INBOUND
    }
    decisions: defaultdict[UUID, set[UUID]] = defaultdict(set)
    for event in routing.events:
        if isinstance(event.data, CaseRouted) and event.data.decision.cause_event is None:
            decisions[event.data.decision.message_event].add(event.attributes.id)
    waits = [
        (routing.public_at[one] - messages.public_at[message]).total_seconds()
        for message in received & decisions.keys()
        for one in decisions[message]
    ]
    anew = sum(len(ids) > 1 for ids in decisions.values())
    return Decided(len(received), len(received - decisions.keys()), anew, sorted(waits))


def repetitions(bus: Bus) -> int:
    """Return how many records of a topic repeat the id of another: written again, by one id."""
    counts = Counter(event.attributes.id for event in bus.events)
    return sum(counts.values()) - len(counts)


def pauses(logs: Iterable[str]) -> dict[str, list[float]]:
    """Return, by consumer group, for how many seconds each rebalance left partitions to nobody.

    From the first process that gave up some of its own to the last that was given some.
    """
    found: dict[str, list[float]] = {}
    for group, steps in _steps(logs).items():
        found[group] = list(_pauses(sorted(steps)))
    return found


def _steps(logs: Iterable[str]) -> dict[str, list[tuple[datetime, str]]]:
    steps: defaultdict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for line in chain.from_iterable(log.splitlines() for log in logs):
        if CLAIMED in line or GIVEN_UP in line:
            said = json.loads(line)
            steps[said["group"]].append((datetime.fromisoformat(said["timestamp"]), said["event"]))
    return steps


def _pauses(steps: Iterable[tuple[datetime, str]]) -> Iterator[float]:
    given_up: datetime | None = None
    claimed: datetime | None = None
    for moment, event in steps:
        if event == CLAIMED:
            claimed = moment
            continue
        if given_up and claimed:
            yield (claimed - given_up).total_seconds()
        if claimed or given_up is None:
            given_up, claimed = moment, None
    if given_up and claimed:
        yield (claimed - given_up).total_seconds()


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the value that a share of the ordered ones does not exceed; 0 of none."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def told(seconds: Iterable[float]) -> str:
    """Return p50, p99 and the most, in words."""
    ordered = sorted(seconds)
    half, often, most = (percentile(ordered, share) * 1000 for share in (0.5, OFTEN, 1.0))
    return f"p50 {half:.0f} ms, p99 {often:.0f} ms, at most {most:.0f} ms"
