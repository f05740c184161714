"""Business time: lunch breaks, holidays, midnight, and clocks that are put forward and back."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from router.core.calendars import BusinessHours, instant, weekly_minutes
from router.core.rules import Calendar

TOKYO = ZoneInfo("Asia/Tokyo")
OFFICE = BusinessHours(
    "office",
    Calendar(
        zone="Asia/Tokyo",
        open={"mon-fri": ("09:00-12:00", "13:00-18:00")},
        holidays=(date(2026, 11, 23),),
    ),
)
ROUND_THE_CLOCK = BusinessHours(
    "every day", Calendar(zone="Asia/Tokyo", open={"mon-sun": ("00:00-24:00",)})
)
ALWAYS = BusinessHours("always", Calendar(zone="Asia/Tokyo", always=True))
# Half past midnight is skipped in Beirut, half past two in Berlin and, by half an hour, Lord Howe.
NIGHTS = tuple(
    BusinessHours(zone, Calendar(zone=zone, open={"mon-sun": ("00:30-02:15", "02:15-03:30")}))
    for zone in ("Europe/Berlin", "Asia/Beirut", "Australia/Lord_Howe", "America/Sao_Paulo")
)

moments = st.datetimes(datetime(2015, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is given beside it
lengths = st.integers(0, 200 * 3600)
calendars = st.sampled_from((OFFICE, ROUND_THE_CLOCK, ALWAYS, *NIGHTS))


def tokyo(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TOKYO)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-11-24 09:00", 1, "2026-11-24 10:00"),
        ("2026-11-24 11:40", 4, "2026-11-24 16:40"),  # lunch does not count
        ("2026-11-24 11:00", 1, "2026-11-24 12:00"),  # due when lunch begins, not when it ends
        ("2026-11-24 12:30", 1, "2026-11-24 14:00"),
        ("2026-11-20 17:00", 2, "2026-11-24 10:00"),  # a weekend and a holiday between
        ("2026-11-21 03:00", 0, "2026-11-21 03:00"),
    ],
)
def test_only_open_time_counts_towards_a_deadline(start: str, hours: float, end: str) -> None:
    assert OFFICE.add(tokyo(start), hours * 3600) == tokyo(end)


@pytest.mark.parametrize(
    ("at", "is_open", "opens"),
    [
        ("2026-11-24 09:00", True, "2026-11-24 09:00"),
        ("2026-11-24 11:59", True, "2026-11-24 11:59"),
        ("2026-11-24 12:00", False, "2026-11-24 13:00"),
        ("2026-11-24 18:00", False, "2026-11-25 09:00"),
        ("2026-11-21 10:00", False, "2026-11-24 09:00"),
    ],
)
def test_a_period_begins_with_its_first_second_and_ends_before_its_last(
    at: str, *, is_open: bool, opens: str
) -> None:
    assert OFFICE.is_open(tokyo(at)) is is_open
    assert OFFICE.opens(tokyo(at)) == tokyo(opens)


def test_a_calendar_round_the_clock_does_not_close_at_midnight() -> None:
    before = tokyo("2026-11-24 23:59:59")
    assert all(ROUND_THE_CLOCK.is_open(before + timedelta(seconds=step)) for step in range(3))
    assert ROUND_THE_CLOCK.add(before, 3600) == before + timedelta(hours=1)
    assert ALWAYS.is_open(before)
    assert ALWAYS.opens(before) == before


def test_a_night_shift_is_as_long_as_the_clock_change_makes_it() -> None:
    berlin = NIGHTS[0]
    zone = ZoneInfo("Europe/Berlin")

    def open_seconds(day: str) -> float:
        midnight = datetime.fromisoformat(day).replace(tzinfo=zone)
        return berlin.elapsed(midnight, midnight + timedelta(hours=12))

    assert open_seconds("2026-03-28") == 3 * 3600
    assert open_seconds("2026-03-29") == 2 * 3600  # 02:00 to 03:00 was not on the clock
    assert open_seconds("2026-10-25") == 4 * 3600  # it was there twice


def test_a_time_that_the_clock_skips_is_the_moment_of_the_change() -> None:
    change = datetime(2026, 3, 29, 1, tzinfo=UTC)
    berlin = ZoneInfo("Europe/Berlin")
    skipped = [instant(date(2026, 3, 29), minutes, berlin) for minutes in (120, 130, 179, 180)]
    assert skipped == [change] * 4


@given(calendars, moments, lengths)
def test_what_is_added_has_elapsed(hours: BusinessHours, start: datetime, seconds: int) -> None:
    assert hours.elapsed(start, hours.add(start, seconds)) == seconds


@given(calendars, moments, lengths, lengths)
def test_more_open_time_never_ends_earlier(
    hours: BusinessHours, start: datetime, one: int, other: int
) -> None:
    assert (one <= other) == (hours.add(start, one) <= hours.add(start, other)) or one == other


@given(calendars, moments, lengths, lengths)
def test_adding_twice_is_adding_the_sum(
    hours: BusinessHours, start: datetime, one: int, other: int
) -> None:
    assert hours.add(hours.add(start, one), other) == hours.add(start, one + other)


@given(calendars, moments, st.integers(0, 14 * 86400))
def test_a_later_start_is_never_due_earlier(
    hours: BusinessHours, start: datetime, delay: int
) -> None:
    later = start + timedelta(seconds=delay)
    assert hours.add(start, 3600) <= hours.add(later, 3600)
    assert 0 <= hours.elapsed(start, later) <= delay


@given(calendars, moments)
def test_the_next_opening_is_open_and_nothing_opens_before_it(
    hours: BusinessHours, at: datetime
) -> None:
    opens = hours.opens(at)
    assert hours.is_open(opens)
    assert hours.elapsed(at, opens) == 0
    assert hours.elapsed(opens, at) == 0


@given(
    st.sampled_from(("Europe/Berlin", "Asia/Beirut", "Australia/Lord_Howe", "Asia/Tokyo")),
    st.dates(date(2015, 1, 1), date(2030, 1, 1)),
    st.integers(0, 1440),
    st.integers(0, 1440),
)
def test_a_later_wall_clock_time_is_never_an_earlier_instant(
    zone: str, day: date, one: int, other: int
) -> None:
    early, late = sorted((one, other))
    assert instant(day, early, ZoneInfo(zone)) <= instant(day, late, ZoneInfo(zone))


@pytest.mark.parametrize(
    ("weekly", "complaint"),
    [
        ({"monday": ("09:00-12:00",)}, "`monday` is no weekday: write mon, sat or mon-fri"),
        ({"fri-mon": ("09:00-12:00",)}, "`fri-mon` runs backwards: write two entries"),
        ({"mon": ("12:00-09:00",)}, "12:00-09:00 ends before it begins: split it at 24:00"),
        ({"mon-fri": ("09:00-12:00",), "tue": ("11:00-13:00",)}, "two periods overlap on tue"),
    ],
)
def test_a_week_that_makes_no_sense_is_refused(
    weekly: dict[str, tuple[str, ...]], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        weekly_minutes(weekly)


def test_periods_may_touch_and_stand_in_any_order() -> None:
    monday, *_, sunday = weekly_minutes({"mon": ("12:00-24:00", "09:00-12:00")})
    assert (monday, sunday) == ([(540, 720), (720, 1440)], [])
