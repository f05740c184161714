"""Joining a long text message that arrives in parts: in any order, more than once, or never whole.

Networks number the parts and name the message by a small reference that comes round again soon
(3GPP TS 23.040, 9.2.3.24.1), so parts wait for a limited time, and a part that contradicts those
that wait begins another message.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

T = TypeVar("T")

GAP = " […] "  # shown where a part is missing


class Part(Struct, Generic[T], frozen=True):
    """Part `number` (from 1) of `total`. `series` names sender, recipient and reference."""

    series: str
    number: int
    total: int
    content: T
    arrived_at: datetime


class Assembly(Struct, Generic[T], frozen=True):
    """The parts of one message that are there, by number; `first` came first.

    Begin with `Assembly.of(part)`.
    """

    series: str
    total: int
    parts: tuple[Part[T], ...]
    first: Part[T]

    @staticmethod
    def of(part: Part[T]) -> "Assembly[T]":
        """Return the assembly that a first part begins."""
        return Assembly(part.series, part.total, (part,), part)

    def holds(self, part: Part[T]) -> bool:
        """Whether the part belongs to this message, new or repeated."""
        same = next((held for held in self.parts if held.number == part.number), part)
        named_alike = (self.series, self.total) == (part.series, part.total)
        return named_alike and same.content == part.content

    def with_part(self, part: Part[T]) -> "Assembly[T]":
        """Return the assembly with the part; a repeated one changes nothing."""
        if any(held.number == part.number for held in self.parts):
            return self
        parts = (*self.parts, part)
        return replace(self, parts=tuple(sorted(parts, key=lambda held: held.number)))

    @property
    def missing(self) -> tuple[int, ...]:
        """The numbers of the parts that are not there."""
        there = {part.number for part in self.parts}
        return tuple(number for number in range(1, self.total + 1) if number not in there)

    def due(self, now: datetime, patience: timedelta) -> bool:
        """Whether the message should go on: it is whole, or its first arrival waited long enough."""
        return not self.missing or min(part.arrived_at for part in self.parts) + patience <= now

    def runs(self) -> tuple[tuple[T, ...], ...]:
        """Return the contents in order; between two runs something is missing."""
        runs: list[list[T]] = []
        last = None
        for part in self.parts:
            if last is None or part.number != last + 1:
                runs.append([])
            runs[-1].append(part.content)
            last = part.number
        return tuple(tuple(run) for run in runs)


def assembled(parts: Iterable[Part[T]]) -> tuple[Assembly[T], ...]:
    """Return the messages that the parts make, in the order in which each began to arrive."""
    messages: list[Assembly[T]] = []
    for part in parts:
        for index, message in enumerate(messages):
            if message.holds(part):
                messages[index] = message.with_part(part)
                break
        else:
            messages.append(Assembly.of(part))
    return tuple(messages)
