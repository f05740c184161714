"""Every figure there is, and how it follows from what was counted. docs/figures.md says it in words."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct

from timeline.core.figures_observations import Measure


class Figure(StrEnum):
    """What can be asked for."""

    CASES_OPENED = "cases_opened"
    CASES_RESOLVED = "cases_resolved"
    CASES_REOPENED = "cases_reopened"
    MESSAGES_RECEIVED = "messages_received"
    MESSAGES_SENT = "messages_sent"
    FIRST_RESPONSE_TIME = "first_response_time"
    RESPONSE_RATE = "response_rate"
    RESOLUTION_TIME = "resolution_time"
    REOPEN_RATE = "reopen_rate"
    SLA_KEPT = "sla_kept"
    SLA_FIRST_RESPONSE = "sla_first_response"
    SLA_RESOLUTION = "sla_resolution"
    CSAT = "csat"
    NPS = "nps"
    SURVEY_RESPONSE_RATE = "survey_response_rate"


class Dimension(StrEnum):
    """By what a figure can be told apart; `hour` is the hour of the day in the time zone asked for."""

    CHANNEL = "channel"
    QUEUE = "queue"
    PLAN = "plan"
    TEAM = "team"
    AGENT = "agent"
    HOUR = "hour"


class Statistic(StrEnum):
    """What is told of a figure: the `value` of a count or rate, three of a duration."""

    VALUE = "value"
    MEAN = "mean"
    MEDIAN = "median"
    P90 = "p90"


class Unit(StrEnum):
    """What a statistic is in: a number of things, 0 to 100, seconds of wall time, -100 to 100."""

    COUNT = "count"
    PERCENT = "percent"
    SECONDS = "seconds"
    POINTS = "points"


class Sense(StrEnum):
    """On which side of its target a figure keeps it."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"


class Definition(Struct, frozen=True, kw_only=True):
    """A figure: `good` among `all`, less `bad`, or where both are empty how many `all` there are.

    `good` counts values that reach the number given, `bad` those that do not exceed it.
    """

    unit: Unit
    sense: Sense
    all: frozenset[Measure]
    good: Mapping[Measure, int] = MappingProxyType({})
    bad: Mapping[Measure, int] = MappingProxyType({})
    dimensions: frozenset[Dimension] = frozenset(Dimension)

    @property
    def statistics(self) -> tuple[Statistic, ...]:
        """Return what is told of it."""
        if self.unit is Unit.SECONDS:
            return (Statistic.MEAN, Statistic.MEDIAN, Statistic.P90)
        return (Statistic.VALUE,)

    @property
    def measures(self) -> frozenset[Measure]:
        """Return everything that it is made of."""
        return self.all | self.good.keys() | self.bad.keys()


class Tally(Struct, frozen=True):
    """How many there are, and of these how many good ones, less the bad."""

    count: int
    numerator: int | None


_OF_MESSAGES = frozenset({Dimension.CHANNEL, Dimension.HOUR})
_KEPT = {Measure.RESPONSE_KEPT: 0, Measure.RESOLUTION_KEPT: 0}
_SATISFIED = {Measure.CSAT3: 1, Measure.CSAT5: 4}


def _count(
    measure: Measure, sense: Sense, dimensions: Iterable[Dimension] = Dimension
) -> Definition:
    return Definition(
        unit=Unit.COUNT, sense=sense, all=frozenset({measure}), dimensions=frozenset(dimensions)
    )


def _duration(measure: Measure) -> Definition:
    return Definition(unit=Unit.SECONDS, sense=Sense.AT_MOST, all=frozenset({measure}))


def _rate(
    good: Mapping[Measure, int], among: Iterable[Measure], sense: Sense = Sense.AT_LEAST
) -> Definition:
    return Definition(unit=Unit.PERCENT, sense=sense, all=frozenset(among), good=good)


DEFINITIONS: Mapping[Figure, Definition] = MappingProxyType(
    {
        Figure.CASES_OPENED: _count(Measure.OPENED, Sense.AT_MOST),
        Figure.CASES_RESOLVED: _count(Measure.RESOLUTION, Sense.AT_LEAST),
        Figure.CASES_REOPENED: _count(Measure.REOPENED, Sense.AT_MOST),
        Figure.MESSAGES_RECEIVED: _count(Measure.RECEIVED, Sense.AT_MOST, _OF_MESSAGES),
        Figure.MESSAGES_SENT: _count(Measure.SENT, Sense.AT_LEAST, _OF_MESSAGES),
        Figure.FIRST_RESPONSE_TIME: _duration(Measure.FIRST_RESPONSE),
        Figure.RESPONSE_RATE: _rate({Measure.FIRST_RESPONSE: 0}, [Measure.ASKED]),
        Figure.RESOLUTION_TIME: _duration(Measure.RESOLUTION_TIME),
        Figure.REOPEN_RATE: _rate({Measure.UNDONE: 0}, [Measure.RESOLUTION], Sense.AT_MOST),
        Figure.SLA_KEPT: _rate(_KEPT, [*_KEPT, Measure.RESPONSE_BROKEN, Measure.RESOLUTION_BROKEN]),
        Figure.SLA_FIRST_RESPONSE: _rate(
            {Measure.RESPONSE_KEPT: 0}, [Measure.RESPONSE_KEPT, Measure.RESPONSE_BROKEN]
        ),
        Figure.SLA_RESOLUTION: _rate(
            {Measure.RESOLUTION_KEPT: 0}, [Measure.RESOLUTION_KEPT, Measure.RESOLUTION_BROKEN]
        ),
        Figure.CSAT: _rate(_SATISFIED, _SATISFIED),
        Figure.NPS: Definition(
            unit=Unit.POINTS,
            sense=Sense.AT_LEAST,
            all=frozenset({Measure.NPS}),
            good={Measure.NPS: 9},
            bad={Measure.NPS: 6},
        ),
        Figure.SURVEY_RESPONSE_RATE: _rate({Measure.RETURNED: 0}, [Measure.SURVEYED]),
    }
)


def tally(definition: Definition, counted: Iterable[tuple[str, int, int]]) -> Tally:
    """Return what was counted (measure, value, how often) of a figure that is no duration."""
    total = numerator = 0
    for name, value, n in counted:
        measure = Measure(name)
        total += n if measure in definition.all else 0
        numerator += n if value >= definition.good.get(measure, value + 1) else 0
        numerator -= n if value <= definition.bad.get(measure, value - 1) else 0
    return Tally(total, None if definition.unit is Unit.COUNT else numerator)


def value_of(counted: Tally) -> float | None:
    """Return a count, or a rate in per cent; None where there is nothing to be a part of."""
    if counted.numerator is None:
        return counted.count
    return 100 * counted.numerator / counted.count if counted.count else None
