"""Queues whose waits are known by formula, run through the simulator.

Time is in units of a mean handling time: one minute here. An agent takes one case at a time.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations
from random import Random
from statistics import NormalDist, fmean, stdev
from typing import NamedTuple

from msgspec import Struct

from common.core.events import Channel
from common.core.ids import derived_id
from common.core.work import Presence
from router.core.agents import Agent
from router.core.facts import Case, CaseState
from router.core.loading import load
from router.core.policy import compiled
from router.core.simulation.floor import Floor
from router.core.simulation.ledger import Story
from router.core.simulation.people import Placed, Shift, Work

START = datetime(2026, 11, 24, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TENANT = "acme"
RULES = b"""
company: acme
calendars: {always: {zone: Asia/Tokyo, always: true}}
plans: {default: {sentence: all, first_response: 1h, resolution: 8h, calendar: always, default: true}}
queues: {general: {sentence: all, calendar: always, default: true}}
"""
LOADED = load(RULES)
POLICY = compiled(LOADED.rules, LOADED.version)


class System(Struct, frozen=True):
    """A queueing system: agents, each by his skills, and Poisson arrivals of each skill.

    `load` is arrivals a minute over all skills; `patience` the mean wait in minutes after which a
    customer leaves, exponential.
    """

    agents: tuple[tuple[str, ...], ...]
    load: float
    skills: tuple[str, ...] = ("any",)
    patience: float | None = None


SIX = ("billing", "english", "japanese", "network", "public", "retention")
ERLANG_C = System(agents=(("any",),) * 10, load=8.0)


class Interval(NamedTuple):
    """A mean over batches, and how far off it may be with 95 % confidence."""

    mean: float
    half: float

    def contains(self, value: float) -> bool:
        return abs(self.mean - value) <= self.half


def erlang_b(agents: int, load: float) -> float:
    """Return the share of blocked arrivals, by the usual recursion."""
    blocked = 1.0
    for busy in range(1, agents + 1):
        blocked = load * blocked / (busy + load * blocked)
    return blocked


def erlang_c(agents: int, load: float) -> float:
    """Return the share of arrivals that wait in M/M/n (A. K. Erlang, 1917)."""
    blocked = erlang_b(agents, load)
    return agents * blocked / (agents - load * (1 - blocked))


def erlang_a(agents: int, load: float, impatience: float) -> float:
    """Return the share of customers who leave M/M/n+M: from its birth-and-death chain.

    `impatience` is the rate at which one waiting customer leaves, per mean handling time.
    """
    weight, weights = 0.0, []  # logarithms: the terms run over any float
    for present in range(agents * 20):
        weights.append(weight)
        leaving = min(present + 1, agents) + max(0, present + 1 - agents) * impatience
        weight += math.log(load / leaving)
    highest = max(weights)
    shares = [math.exp(weight - highest) for weight in weights]
    waiting = sum(max(0, present - agents) * share for present, share in enumerate(shares))
    return impatience * waiting / sum(shares) / load


def crew(agents: int, skills: Sequence[str], each: int) -> tuple[tuple[str, ...], ...]:
    """Return agents with `each` of the skills, every combination of them as often as any other."""
    kinds = list(combinations(skills, each))
    return tuple(kinds[number % len(kinds)] for number in range(agents))


def impatient(rate: float) -> System:
    """Return the Erlang-A system of 50 agents and 50 Erlang; a waiting customer leaves at this rate."""
    return System(agents=(("any",),) * 50, load=50.0, patience=1 / rate)


def wallace_whitt(each: int) -> System:
    """Return 90 agents with so many of six skills each, under a load of 84 Erlang."""
    return System(agents=crew(90, SIX, each), load=84.0, skills=SIX)


def stories(system: System, customers: int, seed: int) -> list[Story]:
    """Return what became of so many customers, in the order of their arrival."""
    shifts = [Shift(START, _agent(number, skills)) for number, skills in enumerate(system.agents)]
    arrivals = _arrivals(system, customers, Random(seed))  # noqa: S311 - repeatable dice, no secret
    return Floor(POLICY).run(arrivals, shifts, START + timedelta(days=10_000)).stories


def batch_means(values: Sequence[float], batches: int, warm_up: float = 0.05) -> Interval:
    """Return the mean of a run by the method of batch means, its beginning left out."""
    steady = values[int(len(values) * warm_up) :]
    size = len(steady) // batches
    means = [fmean(steady[index * size : (index + 1) * size]) for index in range(batches)]
    # Student's quantile by Cornish and Fisher's expansion; exact to 0.002 from 20 batches on
    normal, freedom = NormalDist().inv_cdf(0.975), batches - 1
    quantile = normal + (normal**3 + normal) / (4 * freedom)
    return Interval(fmean(means), quantile * stdev(means) / math.sqrt(batches))


def share(measured: Sequence[Story], of: Callable[[Story], bool], batches: int) -> Interval:
    """Return the share of customers of whom something is true."""
    return batch_means([float(of(story)) for story in measured], batches)


def waited(story: Story) -> bool:
    return story.accepted_at != story.arrived_at


def left(story: Story) -> bool:
    return story.left_at is not None


def waits(measured: Sequence[Story], batches: int) -> Interval:
    """Return the mean wait in mean handling times."""
    ended = ((story.accepted_at or story.left_at, story.arrived_at) for story in measured)
    return batch_means([(end - start) / MINUTE for end, start in ended if end], batches)


def _agent(number: int, skills: tuple[str, ...]) -> Agent:
    return Agent(
        tenant=TENANT,
        agent=f"agent-{number:03}",
        free_since=START,
        seen_at=START,
        changed_at=START,
        skills=dict.fromkeys(skills, 1),
        queues=("general",),
        presence=Presence.ONLINE,
    )


def _arrivals(system: System, customers: int, chance: Random) -> Iterator[Placed]:
    at = START
    for number in range(customers):
        at += MINUTE * chance.expovariate(system.load)
        skill = system.skills[chance.randrange(len(system.skills))]
        leaves = MINUTE * chance.expovariate(1 / system.patience) if system.patience else None
        work = Work(handling=MINUTE * chance.expovariate(1), patience=leaves)
        yield Placed(at, _case(number, skill, at), work)


def _case(number: int, skill: str, at: datetime) -> Case:
    case_id = derived_id("theory", str(number))
    contact = f"line:main:U{number}"
    return Case(
        case_id=case_id,
        tenant=TENANT,
        conversation=contact,
        contact=contact,
        participants=(contact,),
        customer=case_id,
        channel=Channel.LINE,
        state=CaseState.WAITING,
        queue="general",
        plan="default",
        contract=None,
        priority=0,
        skills={skill: 1},
        rank=at,
        first_response_due=at + timedelta(hours=1),
        resolution_due=at + timedelta(hours=8),
        opened_at=at,
        decided_by=case_id,
        queued_at=at,
    )
