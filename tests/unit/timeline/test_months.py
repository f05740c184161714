"""Possible dates have a partition for their month; impossible ones make none."""

from datetime import UTC, date, datetime

import pytest

from timeline.core.months import months_of, upcoming_months

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def test_this_month_and_two_more_are_made_ahead_over_the_turn_of_the_year() -> None:
    assert upcoming_months(NOW) == [date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)]


@pytest.mark.parametrize(
    ("moment", "months"),
    [
        (NOW, {date(2026, 11, 1)}),
        (datetime(2000, 1, 1, tzinfo=UTC), {date(2000, 1, 1)}),
        (datetime(1999, 12, 31, 23, 59, tzinfo=UTC), set()),
        (datetime(1970, 1, 1, tzinfo=UTC), set()),
        (datetime(2027, 1, 31, tzinfo=UTC), {date(2027, 1, 1)}),
        (datetime(2027, 2, 1, tzinfo=UTC), set()),
        (datetime.max.replace(tzinfo=UTC), set()),
    ],
)
def test_only_a_possible_date_asks_for_a_month(moment: datetime, months: set[date]) -> None:
    assert months_of([moment, moment], NOW) == months
