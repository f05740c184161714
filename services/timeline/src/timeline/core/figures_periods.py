"""Hours, days, weeks and months of any time zone, as ranges of the quarters in which things are counted."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from msgspec import Struct

from timeline.core.figures_observations import A_SECOND, EPOCH, QUARTER_SECONDS

A_DAY = timedelta(days=1)
MOST_DAYS = 1_100
MOST_DAYS_OF_HOURS = 100


class Period(StrEnum):
    """How long a row's time is. Weeks begin on Monday; `total` is all that is asked for."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    TOTAL = "total"


class Span(Struct, frozen=True):
    """From `start` until just before `end`, in the time zone asked for."""

    start: datetime
    end: datetime


class Stretches(Struct, frozen=True):
    """The time asked for in pieces: each begins at a quarter and belongs to a span and an hour of day.

    `hours` are all -1 where nobody asks for hours. `end` is the first quarter that is not asked for.
    """

    spans: tuple[Span, ...]
    starts: tuple[int, ...]
    places: tuple[int, ...]
    hours: tuple[int, ...]
    end: int


class UnfitZoneError(ValueError):
    """A time zone differs from UTC by less than whole quarters of an hour."""


class TooLongError(ValueError):
    """More time is asked for than is answered at once."""


_Piece = tuple[datetime, object, int]  # beginning in UTC, what names the period, hour of the day


def stretches(
    first: date, until: date, period: Period, zone: ZoneInfo, *, by_hour: bool
) -> Stretches:
    """Cut the days from `first` until before `until` into periods.

    Days on which clocks are changed have 23 or 25 hours; an hour that comes twice is two periods.
    Raises UnfitZoneError, TooLongError.
    """
    fine = by_hour or period is Period.HOUR
    if (until - first).days > (MOST_DAYS_OF_HOURS if fine else MOST_DAYS):
        raise TooLongError(f"at most {MOST_DAYS_OF_HOURS if fine else MOST_DAYS} days at once")
    pieces = _merged(_pieces(first, until, period, zone, fine=fine))
    end = _midnight(until, zone)
    names = list(dict.fromkeys(name for _, name, _ in pieces))
    places = {name: place for place, name in enumerate(names)}
    return Stretches(
        spans=_spans(pieces, end, zone),
        starts=tuple(_quarter(start) for start, _, _ in pieces),
        places=tuple(places[name] for _, name, _ in pieces),
        hours=tuple(hour if by_hour else -1 for _, _, hour in pieces),
        end=_quarter(end),
    )


def _pieces(
    first: date, until: date, period: Period, zone: ZoneInfo, *, fine: bool
) -> Iterator[_Piece]:
    day = first
    while day < until:
        moment, end = _midnight(day, zone), _midnight(day + A_DAY, zone)
        while moment < end:
            local = moment.astimezone(zone)
            yield moment, _name(local, day, period), local.hour if fine else -1
            moment = moment + QUARTER_SECONDS * A_SECOND if fine else end
        day += A_DAY


def _name(local: datetime, day: date, period: Period) -> object:
    """Return what all moments of one period have in common, and no others."""
    match period:
        case Period.HOUR:
            return day, local.hour, local.utcoffset()
        case Period.DAY:
            return day
        case Period.WEEK:
            return day - day.weekday() * A_DAY
        case Period.MONTH:
            return day.year, day.month
        case _:
            return None


def _merged(pieces: Iterator[_Piece]) -> list[_Piece]:
    merged: list[_Piece] = []
    for piece in pieces:
        if not merged or merged[-1][1:] != piece[1:]:
            merged.append(piece)
    return merged


def _spans(pieces: Sequence[_Piece], end: datetime, zone: ZoneInfo) -> tuple[Span, ...]:
    starts: dict[object, datetime] = {}
    for start, name, _ in pieces:
        starts.setdefault(name, start)
    bounds = [*(start.astimezone(zone) for start in starts.values()), end.astimezone(zone)]
    return tuple(Span(start, following) for start, following in pairwise(bounds))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return when a day begins, in UTC. Where clocks leave midnight out it is when they do."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _quarter(moment: datetime) -> int:
    quarters, rest = divmod((moment - EPOCH) // A_SECOND, QUARTER_SECONDS)
    if rest:
        raise UnfitZoneError("the time zone is not whole quarters of an hour from UTC")
    return quarters
