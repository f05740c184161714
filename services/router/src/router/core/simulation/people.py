"""Who takes part in a simulation: customers who write and wait, agents who come, answer and go."""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from common.core.events import Contract
from router.core.agents import Agent
from router.core.facts import Arrival, Case, Customer

NO_TIME = timedelta()


class Chance(Protocol):
    """Where randomness comes from; `random.Random` is one. Core has none of its own."""

    def random(self) -> float:
        """Return a number of [0, 1), any as likely as any other."""

    def expovariate(self, lambd: float) -> float:
        """Return an exponential number of mean 1/lambd."""

    def lognormvariate(self, mu: float, sigma: float) -> float:
        """Return e to the power of a normal number."""


Chances = Callable[[str], Chance]
"""Gives a source of randomness of its own for each name, so that a change in one disturbs no other."""


class Shape(StrEnum):
    """How a length of time varies."""

    FIXED = "fixed"
    EXPONENTIAL = "exponential"
    LOGNORMAL = "lognormal"


class Length(Struct, frozen=True):
    """A length of time that varies: `mean` and, for `lognormal`, `deviation`, in seconds."""

    shape: Shape
    mean: float
    deviation: float = 0.0

    def draw(self, chance: Chance) -> timedelta:
        """Return one length."""
        if self.shape is Shape.FIXED or not self.mean:
            return timedelta(seconds=self.mean)
        if self.shape is Shape.EXPONENTIAL:
            return timedelta(seconds=chance.expovariate(1 / self.mean))
        variance = math.log1p((self.deviation / self.mean) ** 2)
        mu = math.log(self.mean) - variance / 2
        return timedelta(seconds=chance.lognormvariate(mu, math.sqrt(variance)))


class Answer(Struct, frozen=True):
    """How an agent answers an offer: after how long, and whether he takes the case."""

    after: timedelta = NO_TIME
    accepts: bool = True


class Work(Struct, frozen=True):
    """What a case will take, whoever gets it.

    `handling` runs from acceptance until it is solved; after `patience` without an agent the
    customer leaves (None waits for ever). `answers` are to its offers, one after the other; an
    offer after the last of them is taken at once, so that no case is refused for ever.
    """

    handling: timedelta
    patience: timedelta | None = None
    answers: tuple[Answer, ...] = ()

    def answer(self, offers: int) -> Answer:
        """Return the answer to an offer, `offers` having been made before it."""
        return self.answers[offers] if offers < len(self.answers) else Answer()


class Incoming(Struct, frozen=True):
    """A message that arrives, what is known of who wrote it, and what its case will take.

    `before` is the case that its conversation had, where the simulation has seen none of it.
    """

    at: datetime
    arrival: Arrival
    customer: Customer
    work: Work
    contracts: tuple[Contract, ...] = ()
    before: Case | None = None


class Placed(Struct, frozen=True):
    """A case that already waits in a queue: no rule is asked about it."""

    at: datetime
    case: Case
    work: Work


class Shift(Struct, frozen=True):
    """An agent comes, goes or changes: he stands so from `at` on. What he works on he keeps."""

    at: datetime
    agent: Agent
