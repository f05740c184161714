"""The figures of a simulation, as they are shown and written as JSON.

Every time and length is in seconds, every share is a part of 1, every moment is UTC.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import accumulate, groupby
from operator import attrgetter
from statistics import fmean
from typing import TypeVar

from msgspec import Struct

from router.core.simulation.ledger import Hours, Ledger, Step, Story

InQueue = TypeVar("InQueue", Story, Step)


class Waits(Struct, frozen=True, kw_only=True):
    """How long those waited whom an agent took, in seconds, from arrival to acceptance.

    `p90` is the wait that nine of ten did not exceed. All are None where nobody was taken.
    """

    mean: float | None = None
    p50: float | None = None
    p90: float | None = None
    p99: float | None = None


class Promise(Struct, frozen=True, kw_only=True):
    """How many cases kept what their plan promises, and how many broke it.

    `open` were neither, when watching ended or the customer left. `share` is kept / (kept +
    broken), None where both are 0.
    """

    kept: int
    broken: int
    open: int
    share: float | None


class QueueFigures(Struct, frozen=True, kw_only=True):
    """One queue; a case that moved on counts in the last.

    `arrived` = `taken` + `left` + `waiting` (when watching ended); `deepest` is the most that
    waited at once.
    """

    queue: str
    arrived: int
    taken: int
    left: int
    waiting: int
    waits: Waits
    first_response: Promise
    resolution: Promise
    deepest: int


class AgentFigures(Struct, frozen=True, kw_only=True):
    """One agent.

    `occupancy` is the share of his capacity that cases and wrap-up took while he was signed in;
    None where he never was.
    """

    agent: str
    team: str | None
    signed_in: float
    accepted: int
    occupancy: float | None


class Depth(Struct, frozen=True):
    """How many cases waited in a queue: at `starts` of each interval, and at most within it."""

    queue: str
    starts: tuple[int, ...]
    highest: tuple[int, ...]


class Figures(Struct, frozen=True, kw_only=True):
    """One simulated stretch of time under one set of rules. `interval` is that of `depths`."""

    rules_version: str
    start: datetime
    end: datetime
    messages: int
    total: QueueFigures
    queues: tuple[QueueFigures, ...]
    agents: tuple[AgentFigures, ...]
    interval: float
    depths: tuple[Depth, ...]


ALL = "*"  # the queue of figures over all queues
INTERVALS = 96  # quarters of an hour, for a day


def figures(ledger: Ledger, rules_version: str, start: datetime, end: datetime) -> Figures:
    """Return the figures of what happened between two instants."""
    interval = (end - start) / INTERVALS
    stories, steps = _by_queue(ledger.stories), _by_queue(ledger.steps)
    return Figures(
        rules_version=rules_version,
        start=start,
        end=end,
        messages=len(ledger.decisions),
        total=_queue(ALL, ledger.stories, ledger.steps, end),
        queues=tuple(_queue(name, stories[name], steps[name], end) for name in sorted(steps)),
        agents=tuple(_agent(hours) for _, hours in sorted(ledger.hours.items())),
        interval=interval.total_seconds(),
        depths=tuple(_depth(name, steps[name], start, interval) for name in sorted(steps)),
    )


def waits_of(stories: Iterable[Story]) -> Waits:
    """Return how long those waited who were taken."""
    seconds = sorted(
        (story.accepted_at - story.arrived_at).total_seconds()
        for story in stories
        if story.accepted_at is not None
    )
    if not seconds:
        return Waits()
    return Waits(
        mean=fmean(seconds),
        p50=percentile(seconds, 0.5),
        p90=percentile(seconds, 0.9),
        p99=percentile(seconds, 0.99),
    )


def percentile(ordered: Sequence[float], part: float) -> float:
    """Return the least of the values, which are in order, that this part of them does not exceed."""
    return ordered[max(0, math.ceil(part * len(ordered)) - 1)]


def promise(
    stories: Iterable[Story],
    due: Callable[[Story], datetime],
    done: Callable[[Story], datetime | None],
    end: datetime,
) -> Promise:
    """Return how a promise was kept: what is done later than due, or not by then, breaks it."""
    kept = broken = undecided = 0
    for story in stories:
        at = done(story)
        if at is not None and at <= due(story):
            kept += 1
        elif at is not None or due(story) < (story.left_at or end):
            broken += 1
        else:
            undecided += 1
    share = kept / (kept + broken) if kept + broken else None
    return Promise(kept=kept, broken=broken, open=undecided, share=share)


def _by_queue(items: Iterable[InQueue]) -> defaultdict[str, list[InQueue]]:
    found: defaultdict[str, list[InQueue]] = defaultdict(list)
    for item in items:
        found[item.queue].append(item)
    return found


def _queue(
    name: str, stories: Sequence[Story], steps: Sequence[Step], end: datetime
) -> QueueFigures:
    taken = sum(story.accepted_at is not None for story in stories)
    left = sum(story.left_at is not None for story in stories)
    return QueueFigures(
        queue=name,
        arrived=len(stories),
        taken=taken,
        left=left,
        waiting=len(stories) - taken - left,
        waits=waits_of(stories),
        first_response=promise(
            stories, attrgetter("first_response_due"), attrgetter("accepted_at"), end
        ),
        resolution=promise(stories, attrgetter("resolution_due"), attrgetter("resolved_at"), end),
        deepest=max(accumulate((step.by for step in steps), initial=0)),
    )


def _agent(hours: Hours) -> AgentFigures:
    return AgentFigures(
        agent=hours.agent,
        team=hours.team,
        signed_in=hours.signed_in,
        accepted=hours.accepted,
        occupancy=hours.used / hours.capacity if hours.capacity else None,
    )


def _depth(name: str, steps: Sequence[Step], start: datetime, interval: timedelta) -> Depth:
    by_index: defaultdict[int, list[int]] = defaultdict(list)
    for index, inside in groupby(steps, key=lambda step: (step.at - start) // interval):
        by_index[index] += [step.by for step in inside]
    starts, highest, depth = [], [], 0
    for index in range(INTERVALS):
        changes = list(accumulate(by_index[index], initial=depth))
        starts.append(depth)
        highest.append(max(changes))
        depth = changes[-1]
    return Depth(name, tuple(starts), tuple(highest))
