"""Business time: what is open when, and arithmetic that counts open seconds only.

A calendar is a list of open intervals in UTC, made day by day from wall-clock periods, so that a
daylight-saving change makes a night shift an hour shorter or longer and nothing else.
"""

from collections.abc import Callable, Container, Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from msgspec import Struct

from router.core.rules import Calendar, Holidays

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_DAY = timedelta(days=1)


class Interval(Struct, frozen=True):
    """An open stretch of time, UTC, without its end."""

    start: datetime
    end: datetime


class BusinessHours:
    """A calendar made ready for arithmetic. The days it has met are remembered; nothing else is.

    An `always` calendar is open at every instant. Any other must have an open period in its week
    (the loader sees to it), so there is always a next one.
    """

    def __init__(self, name: str, calendar: Calendar) -> None:
        self.name = name
        self.always = calendar.always
        self.zone = ZoneInfo(calendar.zone)
        self._week = weekly_minutes(calendar.open)
        self._closed = closed_days(calendar.holidays)
        self._days: dict[date, tuple[Interval, ...]] = {}

    def add(self, start: datetime, seconds: float) -> datetime:
        """Return the first instant by which `seconds` (0 or more) of open time have passed."""
        left = timedelta(seconds=seconds)
        if self.always or not left:
            return start + left
        opening = self._from(start)
        while (interval := next(opening)).end - interval.start < left:
            left -= interval.end - interval.start
        return interval.start + left

    def before(self, end: datetime, seconds: float) -> datetime:
        """Return the first instant from which on `seconds` (0 or more) of open time lead to `end`.

        What `add` counted forward is counted back, so that `before(add(start, 60), 20)` is
        `add(start, 40)`.
        """
        left = timedelta(seconds=seconds)
        if self.always or not left:
            return end - left
        closing = self._until(end)
        while (interval := next(closing)).end - interval.start < left:
            left -= interval.end - interval.start
        whole = interval.end - interval.start == left
        return next(closing).end if whole else interval.end - left  # closed time counts for nothing

    def elapsed(self, start: datetime, end: datetime) -> float:
        """Return the open seconds between two instants, 0.0 where `end` is not later."""
        if self.always:
            return max(0.0, (end - start).total_seconds())
        total = timedelta()
        opening = self._from(start)
        while (interval := next(opening)).start < end:
            total += min(interval.end, end) - interval.start
        return total.total_seconds()

    def is_open(self, at: datetime) -> bool:
        """Whether somebody works at this instant."""
        return self.always or next(self._from(at)).start == at

    def opens(self, at: datetime) -> datetime:
        """Return the instant itself where it is open, else the next opening."""
        return at if self.always else next(self._from(at)).start

    def local(self, at: datetime) -> str:
        """Return an instant as people of this calendar read it: `2026-11-24 09:00`."""
        return at.astimezone(self.zone).strftime("%Y-%m-%d %H:%M")

    def _from(self, start: datetime) -> Iterator[Interval]:
        """Yield what is open from an instant on, the first interval cut to begin there."""
        start = start.astimezone(UTC)
        day = start.astimezone(self.zone).date() - _DAY  # a clock set back can begin a day twice
        while True:
            for interval in self._day(day):
                if interval.end > start:
                    yield Interval(max(interval.start, start), interval.end)
            day += _DAY

    def _until(self, end: datetime) -> Iterator[Interval]:
        """Yield what is open up to an instant, the latest first and cut to end there."""
        end = end.astimezone(UTC)
        day = end.astimezone(self.zone).date() + _DAY
        while True:
            for interval in reversed(self._day(day)):
                if interval.start < end:
                    yield Interval(interval.start, min(interval.end, end))
            day -= _DAY

    def _day(self, day: date) -> tuple[Interval, ...]:
        known = self._days.get(day)
        if known is None:
            known = self._days[day] = () if self._closed(day) else self._open(day)
        return known

    def _open(self, day: date) -> tuple[Interval, ...]:
        intervals = (
            Interval(instant(day, start, self.zone), instant(day, end, self.zone))
            for start, end in self._week[day.weekday()]
        )
        return tuple(interval for interval in intervals if interval.start < interval.end)


def closed_days(holidays: tuple[date, ...] | Holidays) -> Callable[[date], bool]:
    """Return whether a day is a holiday. Raises ValueError where no such country is known."""
    if not isinstance(holidays, Holidays):
        return frozenset(holidays).__contains__
    public = _public(holidays)
    own, working, yearly = frozenset(holidays.dates), frozenset(holidays.working), holidays.yearly

    def is_closed(day: date) -> bool:
        if day in working:
            return False
        return day in own or f"{day:%m-%d}" in yearly or (public is not None and day in public)

    return is_closed


def _public(holidays: Holidays) -> Container[date] | None:
    if holidays.country is None:
        return None
    from holidays import country_holidays  # noqa: PLC0415 - the world's calendars, a tenth of a start

    try:
        return country_holidays(holidays.country, subdiv=holidays.subdivision)
    except NotImplementedError:
        where = "-".join(filter(None, (holidays.country, holidays.subdivision)))
        raise ValueError(f"no public holidays are known of {where}") from None


def weekly_minutes(weekly: dict[str, tuple[str, ...]]) -> list[list[tuple[int, int]]]:
    """Return seven days' periods as sorted minutes since midnight.

    Raises ValueError where a day's name is unknown, a period ends before it begins or two overlap.
    """
    week: list[list[tuple[int, int]]] = [[] for _ in WEEKDAYS]
    for days, periods in weekly.items():
        for index in day_indexes(days):
            week[index] += [_minutes(period) for period in periods]
    for name, day in zip(WEEKDAYS, week, strict=True):
        day.sort()
        _refuse_overlap(name, day)
    return week


def day_indexes(days: str) -> range:
    """Return the weekdays (0 = Monday) of `sat` or `mon-fri`. Raises ValueError."""
    first, _, last = days.partition("-")
    try:
        start, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
    except ValueError:
        raise ValueError(f"`{days}` is no weekday: write mon, sat or mon-fri") from None
    if end < start:
        raise ValueError(f"`{days}` runs backwards: write two entries")
    return range(start, end + 1)


def instant(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """Return the UTC instant of a wall-clock time; `minutes` may be 24:00.

    A time that the clock shows twice means the first; one that it skips means the moment of the
    change. So a later wall-clock time is never an earlier instant.
    """
    wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
    late = wall.replace(tzinfo=zone).astimezone(UTC)  # by the offset before a change
    if late.astimezone(zone).replace(tzinfo=None) == wall:
        return late
    return _change(wall.replace(tzinfo=zone, fold=1).astimezone(UTC), late, zone)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the second between two instants at which the zone's offset changes."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def _minutes(period: str) -> tuple[int, int]:
    start, end = (
        int(hours) * 60 + int(minutes)
        for hours, minutes in (clock.split(":") for clock in period.split("-"))
    )
    if end <= start:
        raise ValueError(f"{period} ends before it begins: split it at 24:00")
    return start, end


def _refuse_overlap(name: str, periods: list[tuple[int, int]]) -> None:
    for (_, end), (start, _) in pairwise(periods):
        if start < end:
            raise ValueError(f"two periods overlap on {name}")
