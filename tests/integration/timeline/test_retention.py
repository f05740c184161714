"""What is over goes: by partitions where everybody allows it, else entry by entry."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.timeline.conftest import Pages, Rows, Tell
from tests.integration.timeline.test_writing import MONTHS_UP_TO_FEBRUARY
from tests.unit.timeline.telling import HANAKO_LINE, START, message

from common.core.cloudevents import Event
from timeline.edges import retention
from timeline.edges.retention import Retention

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


async def keep_for_a_year(writer: AsyncEngine, tenant: str = "acme") -> None:
    query = text("INSERT INTO retention_rule VALUES (:tenant, '*', '*', 365, 'test', now())")
    async with writer.begin() as connection:
        await connection.execute(query, {"tenant": tenant})


def written(*moments: datetime, tenant: str = "acme") -> list[Event]:
    return [
        message(minutes=(at - START) / timedelta(minutes=1), message_id=str(at), tenant=tenant)
        for at in moments
    ]


async def partitions(writer: AsyncEngine) -> set[str]:
    query = text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^entry_[0-9]'")
    async with writer.connect() as connection:
        return set(await connection.scalars(query))


async def test_a_year_goes_with_all_that_was_made_of_it_when_its_last_instant_is_over(
    tell: Tell, pages: Pages, rows: Rows, writer: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "AT_ONCE", 2)
    old = [datetime(2025, 12, 31, hour, 59, 59, tzinfo=UTC) for hour in range(19, 24)]
    await tell(*written(*old, NEW_YEAR))
    await keep_for_a_year(writer)
    year_later = NEW_YEAR.replace(year=2027)
    assert await Retention(writer, lambda: year_later).look() == 5
    assert await partitions(writer) == {"entry_2026"}
    assert [item.occurred_at for item in (await pages(HANAKO_LINE)).entries] == [NEW_YEAR]
    assert await rows("SELECT count(*) FROM seen") == [(1,)]


async def test_a_year_stays_until_its_last_instant_is_over(
    tell: Tell, pages: Pages, writer: AsyncEngine
) -> None:
    await tell(*written(datetime(2025, 12, 31, 23, tzinfo=UTC)))
    await keep_for_a_year(writer)
    almost = NEW_YEAR.replace(year=2027) - timedelta(microseconds=1)
    assert await Retention(writer, lambda: almost).look() == 1
    assert await partitions(writer) == {"entry_2025"}
    assert (await pages(HANAKO_LINE)).entries == ()


async def test_a_year_stays_where_nobody_has_a_rule(tell: Tell, writer: AsyncEngine) -> None:
    await tell(*written(datetime(2025, 6, 1, tzinfo=UTC)))
    assert await Retention(writer, lambda: NEW_YEAR.replace(year=2037)).look() == 0
    assert await partitions(writer) == {"entry_2025"}


async def test_a_year_stays_where_somebody_else_has_something_in_it(
    tell: Tell, pages: Pages, writer: AsyncEngine
) -> None:
    old = datetime(2025, 6, 1, tzinfo=UTC)
    await tell(*written(old), *written(old, tenant="globex"))
    await keep_for_a_year(writer)
    assert await Retention(writer, lambda: NEW_YEAR.replace(year=2027)).look() == 1
    assert await partitions(writer) == {"entry_2025"}
    assert (await pages(HANAKO_LINE)).entries == ()
    assert len((await pages(HANAKO_LINE, tenant="globex")).entries) == 1


async def test_of_the_year_that_is_not_over_the_days_that_are_go_one_by_one(
    tell: Tell, pages: Pages, writer: AsyncEngine
) -> None:
    days = [datetime(2026, 2, day, tzinfo=UTC) for day in range(1, 6)]
    await tell(*written(*days))
    await keep_for_a_year(writer)
    now = datetime(2027, 2, 3, 12, tzinfo=UTC)
    assert await Retention(writer, lambda: now).look() == 3
    assert await partitions(writer) == {"entry_2026"}
    left = [item.occurred_at for item in (await pages(HANAKO_LINE)).entries]
    assert left == [days[4], days[3]]


async def test_where_a_year_has_months_each_goes_by_itself(
    tell: Tell, pages: Pages, writer: AsyncEngine
) -> None:
    async with writer.begin() as connection:
        for statement in MONTHS_UP_TO_FEBRUARY:
            await connection.execute(text(statement))
    january, february = (datetime(2026, month, 20, tzinfo=UTC) for month in (1, 2))
    await tell(*written(january, february))
    await keep_for_a_year(writer)
    now = datetime(2027, 2, 1, tzinfo=UTC)
    assert await Retention(writer, lambda: now).look() == 1
    assert await partitions(writer) == {"entry_2026_02"}
    assert [item.occurred_at for item in (await pages(HANAKO_LINE)).entries] == [february]
