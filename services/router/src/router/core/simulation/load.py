"""A load file: who would write, and who would answer, on a day that nobody has recorded.

docs/simulation.md explains it by example.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct

from common.core.events import Channel
from router.core.calendars import weekly_minutes
from router.core.checking import Complaint
from router.core.loading import RulesError
from router.core.marked_yaml import Marked, Problem, parse
from router.core.rules import Duration, Level, Name, Period, Rules, Sentence, seconds
from router.core.simulation.people import Length, Shape

Rate = Annotated[float, Meta(ge=0, le=1_000_000)]
Share = Annotated[float, Meta(ge=0, lt=1)]
People = Annotated[int, Meta(ge=0, le=15_000)]
Units = Annotated[int, Meta(ge=0, le=1000)]


class Lasting(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A length of time as the file has it; `deviation` counts for `lognormal`."""

    mean: Duration
    shape: Shape = Shape.EXPONENTIAL
    deviation: Duration = "0s"

    def length(self) -> Length:
        """Return it in seconds."""
        return Length(self.shape, float(seconds(self.mean)), float(seconds(self.deviation)))


class Stream(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Customers who write about the same. `per_hour` maps weekdays to periods to messages an hour.

    Each message says one of `texts`, each as likely; the rules decide where it goes. After
    `patience` a customer gives up whom nobody has taken; without it all wait.
    """

    sentence: Sentence
    channel: Channel
    texts: Annotated[tuple[str, ...], Meta(min_length=1)]
    per_hour: dict[str, dict[Period, Rate]]
    handling: Lasting
    patience: Lasting | None = None
    plan: str | None = None
    tier: str | None = None
    language: str | None = None
    attributes: dict[str, str] = {}


class Team(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Agents of the same queues and skills who work the same hours."""

    sentence: Sentence
    people: People
    queues: tuple[str, ...]
    shifts: dict[str, tuple[Period, ...]]
    skills: dict[str, Level] = {}
    capacity: Annotated[int, Meta(ge=1, le=1000)] = 1
    channels: dict[str, Units] = {}


class Load(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole load file; times are of the clock in `zone`.

    `answer` is how long an agent looks at an offer, `declined` how many of them he declines.
    """

    zone: str
    streams: dict[Name, Stream]
    teams: dict[Name, Team]
    answer: Lasting = Lasting(mean="0s", shape=Shape.FIXED)
    declined: Share = 0.0


class LoadError(RulesError):
    """The load file cannot be used. `problems` are in the order of their lines."""


def read_load(content: bytes, rules: Rules) -> Load:
    """Return the load of a YAML file (UTF-8), checked against the rules. Raises LoadError."""
    marked = parse(content)
    if marked.problems:
        raise LoadError(marked.problems)
    try:
        load = msgspec.convert(marked.value, Load)
    except msgspec.ValidationError as error:
        raise LoadError((_misfit(marked, str(error)),)) from None
    found = [
        Problem(marked.line(complaint.location), complaint.reason)
        for complaint in _complaints(load, rules)
    ]
    if found:
        raise LoadError(tuple(sorted(found)))
    return load


def _misfit(marked: Marked, text: str) -> Problem:
    """Return what has the wrong shape; the error names its place as `$.streams[...].handling`."""
    reason, _, place = text.partition(" - at `$.")
    section = place.rstrip("`").split(".")[0].split("[")[0]
    where = f"{place.rstrip('`')}: " if place else ""
    return Problem(marked.line((section,)), f"{where}{reason}")


def _complaints(load: Load, rules: Rules) -> Iterator[Complaint]:
    try:
        ZoneInfo(load.zone)
    except (LookupError, ValueError, OSError):
        yield Complaint(("zone",), f"no time zone is called {load.zone}")
    for name, stream in load.streams.items():
        at = ("streams", name)
        per_hour = {days: tuple(periods) for days, periods in stream.per_hour.items()}
        yield from _hours((*at, "per_hour"), per_hour)
        yield from _unknown((*at, "plan"), "plan", [stream.plan], rules.plans)
        yield from _unknown((*at, "tier"), "tier", [stream.tier], rules.tiers)
    for name, team in load.teams.items():
        at = ("teams", name)
        yield from _hours((*at, "shifts"), team.shifts)
        yield from _unknown((*at, "queues"), "queue", team.queues, rules.queues)
        yield from _unknown((*at, "skills"), "skill", team.skills, rules.skills)


def _hours(at: tuple[str, ...], weekly: dict[str, tuple[str, ...]]) -> Iterator[Complaint]:
    try:
        weekly_minutes(weekly)
    except ValueError as error:
        yield Complaint(at, str(error))


def _unknown(
    at: tuple[str, ...], kind: str, named: Iterable[str | None], known: Mapping[str, object]
) -> Iterator[Complaint]:
    for name in named:
        if name is not None and name not in known:
            yield Complaint(at, f"the rules have no {kind} called {name}")
