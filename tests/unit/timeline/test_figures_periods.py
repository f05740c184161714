"""Days and hours begin when clocks of the zone say so, and every quarter belongs to one of them."""

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from timeline.core.figures_observations import quarter_of
from timeline.core.figures_periods import (
    Period,
    Stretches,
    TooLongError,
    UnfitZoneError,
    stretches,
)

ZONES = (
    "UTC",
    "Asia/Tokyo",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/New_York",
    "Africa/Cairo",
    "America/Asuncion",
)


def cut(first: date, days: int, period: Period, zone: str, *, by_hour: bool = False) -> Stretches:
    return stretches(first, first + timedelta(days), period, ZoneInfo(zone), by_hour=by_hour)


@given(
    st.dates(date(1975, 1, 1), date(2150, 1, 1)),
    st.integers(1, 40),
    st.sampled_from(Period),
    st.sampled_from(ZONES),
    st.booleans(),
    st.data(),
)
def test_every_quarter_lies_in_the_period_and_hour_that_a_clock_on_the_wall_shows(
    first: date,
    days: int,
    period: Period,
    zone: str,
    by_hour: bool,  # noqa: FBT001 - drawn
    data: st.DataObject,
) -> None:
    time = cut(first, days, period, zone, by_hour=by_hour)
    quarter = data.draw(st.integers(time.starts[0], time.end - 1))
    place = bisect_right(time.starts, quarter) - 1
    span = time.spans[time.places[place]]
    local = datetime.fromtimestamp(quarter * 900, UTC).astimezone(ZoneInfo(zone))
    assert span.start <= local < span.end
    shown = {
        Period.HOUR: (local.date(), local.hour),
        Period.DAY: local.date(),
        Period.WEEK: local.isocalendar()[:2],
        Period.MONTH: (local.year, local.month),
        Period.TOTAL: None,
    }
    start = span.start
    begun = {
        Period.HOUR: (start.date(), start.hour),
        Period.DAY: start.date(),
        Period.WEEK: start.isocalendar()[:2],
        Period.MONTH: (start.year, start.month),
        Period.TOTAL: None,
    }
    assert shown[period] == begun[period]
    assert time.hours[place] == (local.hour if by_hour else -1)
    assert time.spans[0].start.date() == first or zone in ("Africa/Cairo", "America/Asuncion")
    assert quarter_of(time.spans[-1].end.astimezone(UTC)) == time.end


def test_a_day_on_which_clocks_change_has_23_or_25_hours() -> None:
    new_york = "America/New_York"
    spring = cut(date(2026, 3, 8), 1, Period.HOUR, new_york)
    autumn = cut(date(2026, 11, 1), 1, Period.HOUR, new_york)
    assert (len(spring.spans), len(autumn.spans)) == (23, 25)
    assert [span.start.hour for span in autumn.spans][:4] == [0, 1, 1, 2]
    by_hour = cut(date(2026, 11, 1), 1, Period.DAY, new_york, by_hour=True)
    assert sorted(set(by_hour.hours)) == list(range(24))


def test_zones_that_differ_by_odd_minutes_are_refused() -> None:
    with pytest.raises(UnfitZoneError):
        cut(date(1970, 6, 1), 1, Period.DAY, "Africa/Monrovia")


def test_a_day_that_a_country_left_out_is_no_day() -> None:
    apia = cut(date(2011, 12, 29), 3, Period.DAY, "Pacific/Apia")
    assert [span.start.day for span in apia.spans] == [29, 31]


@pytest.mark.parametrize(("days", "period"), [(1101, Period.MONTH), (101, Period.HOUR)])
def test_more_time_than_anybody_reads_is_refused(days: int, period: Period) -> None:
    with pytest.raises(TooLongError):
        cut(date(2026, 1, 1), days, period, "Asia/Tokyo")
