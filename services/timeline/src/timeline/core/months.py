"""Which months of history must have a partition to lie in."""

from collections.abc import Iterable
from datetime import UTC, date, datetime

EARLIEST = date(2000, 1, 1)
MONTHS_AHEAD = 2


def months_of(moments: Iterable[datetime], now: datetime) -> set[date]:
    """Return the first day of each month that these moments, in UTC, lie in.

    Impossible dates have none: before EARLIEST (a clock that never was set), or more than
    MONTHS_AHEAD after `now` (a forged or broken one). They must not make partitions.
    """
    latest = upcoming_months(now)[-1]
    months = {day.replace(day=1) for day in {moment.date() for moment in moments}}
    return {month for month in months if EARLIEST <= month <= latest}


def upcoming_months(now: datetime) -> list[date]:
    """Return the first day of this month and of those that should be made ahead, UTC."""
    first = now.astimezone(UTC).date()
    count = first.year * 12 + first.month - 1
    return [
        date((count + ahead) // 12, (count + ahead) % 12 + 1, 1)
        for ahead in range(MONTHS_AHEAD + 1)
    ]
