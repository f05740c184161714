"""Events become entries once, in order, whatever dates and texts they carry."""

import asyncio
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.timeline.conftest import NOW, Pages, Rows, Tell
from tests.unit.timeline.telling import (
    HANAKO_LINE,
    HANAKO_TEL,
    after,
    call,
    change,
    message,
    profile,
    status,
    unknown,
)

from common.core.cloudevents import Event
from common.core.delivery import DeliveryStatus
from common.core.errors import PoisonError
from common.core.events import Direction, MessageKind
from common.edges.database import is_data_error
from timeline.core.values import utc
from timeline.edges.months import MonthsAhead, ensure_months


async def test_a_batch_that_comes_twice_counts_once(tell: Tell, pages: Pages, rows: Rows) -> None:
    batch = (
        message(direction=Direction.OUTBOUND),
        status(DeliveryStatus.DELIVERED, 1),
        change(MessageKind.EDIT, "m1", 2, "訂正"),
        call(HANAKO_LINE, 3),
    )
    await tell(*batch)
    first = await pages(HANAKO_LINE)
    await tell(*batch, *batch)
    assert await pages(HANAKO_LINE) == first
    assert len(first.entries) == 3
    assert await rows("SELECT count(*) FROM amendment") == [(2,)]


async def test_a_redelivery_with_another_time_is_the_same_event(tell: Tell, pages: Pages) -> None:
    """A provider without a time of its own lets us use the time of receipt, which differs."""
    told = message()
    later = Event(
        type(told.attributes)(
            **{name: getattr(told.attributes, name) for name in told.attributes.__struct_fields__}
            | {"time": after(50)}
        ),
        told.data,
        told.value,
    )
    await tell(told)
    await tell(later)
    assert [item.occurred_at for item in (await pages(HANAKO_LINE)).entries] == [after(0)]


async def test_one_event_id_in_two_tenants_is_two_events(tell: Tell, pages: Pages) -> None:
    await tell(message(tenant="acme"), message(tenant="globex"))
    for tenant in ("acme", "globex"):
        assert len((await pages(HANAKO_LINE, tenant=tenant)).entries) == 1


async def test_what_was_acknowledged_in_one_instant_stays_in_order(
    tell: Tell, pages: Pages
) -> None:
    await tell(*(message(message_id=f"m{number:03}", text=str(number)) for number in range(60)))
    shown = [item.id for item in (await pages(HANAKO_LINE)).entries]
    told = [message(message_id=f"m{number:03}", text=str(number)) for number in range(60)]
    assert shown == [event.attributes.id for event in reversed(told)]


async def test_what_is_said_of_a_message_before_it_comes_waits_for_it(
    tell: Tell, pages: Pages
) -> None:
    await tell(status(DeliveryStatus.READ, 5))
    await tell(change(MessageKind.EDIT, "m1", 4, "納期は25日です"))
    await tell(message(text="納期は24日です", direction=Direction.OUTBOUND))
    await tell(status(DeliveryStatus.SENT, 1))
    edit, wrote = (await pages(HANAKO_LINE)).entries
    assert edit.kind == "edit"
    assert [version.text for version in wrote.versions] == ["納期は24日です", "納期は25日です"]
    assert wrote.delivery is not None
    assert wrote.delivery.status is DeliveryStatus.READ


ODD_DATES = [
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2000, 1, 1, tzinfo=UTC),
    datetime(2019, 2, 28, 23, 59, 59, tzinfo=UTC),
    datetime(2024, 2, 29, tzinfo=UTC),
    datetime(2026, 5, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2026, 6, 1, tzinfo=UTC),
    datetime(2027, 1, 1, tzinfo=UTC),
    datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
]


async def test_entries_of_all_times_are_one_history(tell: Tell, pages: Pages, rows: Rows) -> None:
    await tell(*(call(occurred_at=date, summary=str(date)) for date in reversed(ODD_DATES)))
    shown = [item.occurred_at for item in (await pages(HANAKO_TEL)).entries]
    assert shown == [utc(date) for date in reversed(ODD_DATES)]
    for partition in ("entry_before", "entry_after"):
        hidden = await rows(f"SELECT count(*) FROM {partition}")  # noqa: S608 - the names above
        assert hidden == [(0,)], "hidden when asked directly"
    tables = {name for (name,) in await rows("SELECT relname FROM pg_class WHERE relkind = 'r'")}
    assert {"entry_2000", "entry_2019", "entry_2024", "entry_2026"} <= tables
    assert not tables & {"entry_1970", "entry_1999", "entry_2025", "entry_2027", "entry_2038"}


async def test_what_was_impossibly_late_moves_into_its_year_when_that_comes(
    tell: Tell, pages: Pages, writer: AsyncEngine
) -> None:
    await tell(*(call(occurred_at=date, summary=str(date)) for date in ODD_DATES))
    before = await pages(HANAKO_TEL)
    later = datetime(2027, 1, 1, tzinfo=UTC)
    assert await partition_at(writer, later) == "entry_after"
    await MonthsAhead(writer, lambda: later).look()
    assert await pages(HANAKO_TEL) == before
    assert await partition_at(writer, later) == "entry_2027"


async def partition_at(writer: AsyncEngine, moment: datetime) -> str:
    """Return where the entry of a moment lies."""
    query = text("SELECT tableoid::regclass::text FROM entry WHERE occurred_at = :at")
    async with writer.connect() as connection:
        found: str = (await connection.scalars(query, {"at": moment})).one()
    return found


async def test_workers_that_meet_the_same_new_months_make_each_year_once(
    writer: AsyncEngine,
) -> None:
    months = [date(year, month, 1) for year in range(2013, 2016) for month in range(1, 13)]

    async def worker() -> None:
        async with writer.begin() as connection:
            await ensure_months(connection, months)

    await asyncio.gather(*(worker() for _ in range(4)))
    async with writer.connect() as connection:
        query = text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '_201'")
        assert set(await connection.scalars(query)) == {"entry_2013", "entry_2014", "entry_2015"}


async def test_what_is_long_is_compressed_quickly_in_partitions_to_come_too(
    tell: Tell, writer: AsyncEngine, rows: Rows
) -> None:
    await tell(call(occurred_at=datetime(2024, 2, 3, tzinfo=UTC)))
    async with writer.begin() as connection:
        for of in ("figure", "search"):
            await connection.execute(text(f"SELECT add_{of}_generation(CAST(2 AS smallint))"))
    found = await rows(
        """
        SELECT relname, CAST(attcompression AS text)
          FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
         WHERE relkind = 'r' AND (relname ~ '^entry_' AND attname = 'body'
            OR relname ~ '^figure_case_[0-9]' AND attname IN ('facts', 'counted', 'story')
            OR relname ~ '^search_document_' AND attname = 'plain')
        """
    )
    assert {name for name, _ in found} >= {"entry_2024", "figure_case_2", "search_document_2"}
    assert [one for one in found if one[1] != "l"] == []


async def test_a_year_that_has_months_keeps_to_months_and_the_next_is_a_year(
    tell: Tell, pages: Pages, rows: Rows, writer: AsyncEngine
) -> None:
    """As in a history that was begun when each month had a partition."""
    async with writer.begin() as connection:
        for statement in MONTHS_UP_TO_FEBRUARY:
            await connection.execute(text(statement))
    too_late_to_be_true = datetime(2027, 5, 1, tzinfo=UTC)
    dates = [datetime(2026, month, 10, tzinfo=UTC) for month in (1, 3, 4)]
    await tell(*(call(occurred_at=at, summary=str(at)) for at in [*dates, too_late_to_be_true]))
    before = await pages(HANAKO_TEL)
    assert await partition_at(writer, too_late_to_be_true) == "entry_after"
    await MonthsAhead(writer, lambda: datetime(2026, 11, 5, tzinfo=UTC)).look()
    assert await pages(HANAKO_TEL) == before
    assert await partition_at(writer, too_late_to_be_true) == "entry_2027"
    tables = await rows("SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '_20'")
    months = {f"entry_2026_{month:02}" for month in (1, 2, 3, 4, 11, 12)}
    assert {name for (name,) in tables} == months | {"entry_2027"}


MONTHS_UP_TO_FEBRUARY = (
    "CREATE TABLE entry_2026_01 (LIKE entry INCLUDING ALL)",
    "CREATE TABLE entry_2026_02 (LIKE entry INCLUDING ALL)",
    "ALTER TABLE entry DETACH PARTITION entry_after",
    "ALTER TABLE entry ATTACH PARTITION entry_2026_01 FOR VALUES FROM ('2026-01-01Z') TO ('2026-02-01Z')",
    "ALTER TABLE entry ATTACH PARTITION entry_2026_02 FOR VALUES FROM ('2026-02-01Z') TO ('2026-03-01Z')",
    "ALTER TABLE entry ATTACH PARTITION entry_after FOR VALUES FROM ('2026-03-01Z') TO (MAXVALUE)",
)


HOSTILE = [
    "'; DROP TABLE entry; --",
    "\x00",
    "\u202e逆さま",
    "𠮷野家で👨‍👩‍👧‍👦と🍣",
    '{}",(\\N\t\r\n',
    "%s :name $1 {0}",
    "あ" * 100_000,
    "\ufffe\uffff",
]


@pytest.mark.parametrize("nasty", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_text_is_kept_to_the_letter(tell: Tell, pages: Pages, nasty: str) -> None:
    told = (
        message(text=nasty, subject=nasty),
        call(HANAKO_LINE, 1, kind=nasty, summary=nasty, attributes={nasty: [nasty]}),
        unknown(HANAKO_LINE, told_json(nasty)),
    )
    await tell(*told, profile([HANAKO_LINE], name=nasty))
    shown = {item.id: bytes(item.data or b"") for item in (await pages(HANAKO_LINE)).entries}
    assert shown == {event.attributes.id: event.value for event in told}


def told_json(text: str) -> bytes:
    return message(text=text).value


async def test_a_name_that_no_column_can_hold_is_shown_as_unreadable(
    tell: Tell, pages: Pages
) -> None:
    await tell(unknown(HANAKO_LINE, b"{}", kind="io.madoguchi.odd\x00kind"))
    [item] = (await pages(HANAKO_LINE)).entries
    assert (item.type, item.kind) == ("io.madoguchi.odd\ufffdkind", "odd\ufffdkind")


async def test_a_field_that_nobody_reads_may_hide_no_broken_text(tell: Tell, pages: Pages) -> None:
    """msgspec skips such a field without a look; Postgres looks, and the record is refused."""
    told = call(HANAKO_LINE)
    spoiled = Event(told.attributes, told.data, told.value[:-1] + b',"later":"\xed\xa0\x80"}')
    with pytest.raises(DBAPIError) as refused:
        await tell(message(), spoiled)
    assert is_data_error(refused.value)
    assert (await pages(HANAKO_LINE)).entries == ()


async def test_one_bad_event_leaves_nothing_of_its_batch(tell: Tell, pages: Pages) -> None:
    with pytest.raises(PoisonError):
        await tell(message(), unknown(HANAKO_LINE, b"{"))
    assert (await pages(HANAKO_LINE)).entries == ()


async def test_workers_that_meet_the_same_newcomers_in_any_order_do_not_deadlock(
    tell: Tell, rows: Rows
) -> None:
    newcomers = [
        message(f"line:1657000000:U{number:03}", message_id=str(number)) for number in range(200)
    ]
    orders = [newcomers, newcomers[::-1], newcomers[100:] + newcomers[:100], newcomers[::2]]
    await asyncio.gather(*(tell(*order) for order in orders))
    assert await rows("SELECT count(*) FROM contact") == [(200,)]
    assert await rows("SELECT count(*), count(DISTINCT event_id) FROM entry") == [(200, 200)]


async def test_an_entry_knows_when_it_happened_and_when_we_heard(tell: Tell, pages: Pages) -> None:
    await tell(call(minutes=3))
    [item] = (await pages(HANAKO_TEL)).entries
    assert (item.occurred_at, item.learned_at) == (after(3), NOW)
