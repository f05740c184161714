"""Pages over all contacts of a customer, stable while they grow, one tenant at a time."""

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.timeline.conftest import Pages, Rows, Tell
from tests.unit.timeline.telling import (
    HANAKO_LINE,
    HANAKO_MAIL,
    HANAKO_TEL,
    call,
    message,
    profile,
)

from common.core.events import MessageKind
from common.core.ids import customer_id
from common.edges.database import reading
from timeline.core.cursor import NEWEST
from timeline.core.items import Item
from timeline.core.selection import Order
from timeline.edges.histories import WHOLE_PAGES, holder

CONTACTS = (HANAKO_LINE, HANAKO_MAIL, HANAKO_TEL)


async def all_pages(pages: Pages, contact: str, limit: int) -> list[Item]:
    items: list[Item] = []
    before = None
    while True:
        page = await pages(contact, limit, before)
        items += page.entries
        if page.next is None:
            return items
        before = page.next


@pytest.mark.parametrize("limit", [1, 2, 7, 200])
async def test_pages_of_any_size_are_the_whole_history_over_all_contacts(
    tell: Tell, pages: Pages, limit: int
) -> None:
    told = [call(CONTACTS[number % 3], number // 4, summary=str(number)) for number in range(40)]
    await tell(profile(CONTACTS), *told)
    items = await all_pages(pages, HANAKO_TEL, limit)
    assert [item.id for item in items] == [event.attributes.id for event in reversed(told)]


async def test_pages_hold_still_while_the_history_grows_at_both_ends(
    tell: Tell, pages: Pages
) -> None:
    told = [call(CONTACTS[minute % 3], minute) for minute in range(100, 140)]
    await tell(profile(CONTACTS), *told)

    async def write() -> None:
        for number in range(30):
            await tell(call(HANAKO_LINE, 1000 + number), call(HANAKO_MAIL, number))

    async def read() -> list[Item]:
        items: list[Item] = []
        page = await pages(HANAKO_TEL, 3)
        items += page.entries
        while page.next is not None:
            page = await pages(HANAKO_TEL, 3, page.next)
            items += page.entries
        return items

    _, *walks = await asyncio.gather(write(), read(), read())
    known = {event.attributes.id for event in told}
    for walk in walks:
        shown = [item.id for item in walk if item.id in known]
        assert shown == [event.attributes.id for event in reversed(told)]
        assert len({item.id for item in walk}) == len(walk), "nothing is shown twice"


async def test_a_query_without_a_filter_sees_one_tenant_s_rows_only(
    tell: Tell, reader: AsyncEngine
) -> None:
    for tenant in ("acme", "globex"):
        await tell(message(tenant=tenant), profile([HANAKO_LINE, HANAKO_TEL], tenant=tenant))
    tables = ("customer", "contact", "profile", "link", "merge", "seen", "entry")
    for table in tables:
        async with reading(reader, "globex") as connection:
            query = text(f"SELECT DISTINCT tenant FROM {table}")  # noqa: S608 - the list above
            assert list(await connection.scalars(query)) == ["globex"], table
        async with reading(reader, "initech") as connection:
            assert list(await connection.scalars(query)) == [], table
        async with reader.connect() as forgetful:
            assert list(await forgetful.scalars(query)) == [], "no tenant named, no row seen"


async def test_a_partition_asked_directly_shows_nothing(tell: Tell, reader: AsyncEngine) -> None:
    await tell(message())
    async with reading(reader, "acme") as connection:
        assert await connection.scalar(text("SELECT count(*) FROM entry")) == 1
        assert await connection.scalar(text("SELECT count(*) FROM entry_2026")) == 0


async def test_another_tenant_s_customer_does_not_exist(tell: Tell, pages: Pages) -> None:
    await tell(message(tenant="acme"))
    assert (await pages(HANAKO_LINE, tenant="globex")).entries == ()


async def test_unsent_content_stays_in_the_database_and_off_the_page(
    tell: Tell, pages: Pages, rows: Rows
) -> None:
    from_customer = message(text="口座番号は7654321です")
    await tell(
        from_customer, message(kind=MessageKind.UNSEND, target="m1", minutes=1, message_id="u1")
    )
    withdrawn, wrote = (await pages(HANAKO_LINE)).entries
    assert (withdrawn.kind, wrote.data) == ("unsend", None)
    assert await rows("SELECT count(*) FROM entry") == [(2,)]


async def test_a_page_begins_with_the_newest_year_and_never_looks_into_all_of_them(
    tell: Tell, reader: AsyncEngine
) -> None:
    """A partition for any date would have Postgres merge all years (Merge Append)."""
    await tell(*(call(minutes=year * 525_600) for year in range(-6, 1)))
    query = text(f"EXPLAIN {WHOLE_PAGES[Order.NEWEST].text}")
    asked = msgspec.structs.asdict(NEWEST) | {
        "tenant": "acme",
        "as_of": None,
        "since": datetime.min.replace(tzinfo=UTC),
        "until": datetime.max.replace(tzinfo=UTC),
        "most": 51,
    }
    del asked["mark"]
    async with reading(reader, "acme") as connection:
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        await connection.execute(text("SET LOCAL enable_bitmapscan = off"))
        held = await holder(connection, "acme", customer_id("acme", HANAKO_TEL))
        assert held is not None
        asked["contacts"] = list(held.contacts)
        plan = "\n".join(await connection.scalars(query, asked))
    assert "->  Append" in plan
    assert "Merge Append" not in plan
