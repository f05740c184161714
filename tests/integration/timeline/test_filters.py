"""Pages of what is asked for only: whatever the filters and limits, together they are the history filtered."""

import asyncio
from datetime import UTC, datetime
from itertools import count, islice
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.timeline.conftest import Pages, Tell
from tests.unit.timeline.telling import (
    HANAKO_LINE,
    HANAKO_MAIL,
    HANAKO_TEL,
    after,
    call,
    event,
    message,
    profile,
)

from common.core.cases import CaseOpened, CaseResolved
from common.core.cloudevents import Event
from common.core.events import Channel, Conversation, Direction, MessageKind
from common.core.ids import customer_id, derived_id
from common.edges.database import reading
from timeline.core.cursor import NEWEST
from timeline.core.items import Item
from timeline.core.recording import conversation_ref
from timeline.core.selection import Order, Selection
from timeline.edges import histories
from timeline.edges.histories import CHOSEN_PAGES, holder

CASE = derived_id("case", "解約")
CONTACTS = (HANAKO_LINE, HANAKO_MAIL, HANAKO_TEL)


def opened(wrote: Event, minutes: float) -> Event:
    data = CaseOpened(
        case_id=CASE,
        contact=wrote.attributes.subject,
        conversation="c",
        channel=Channel.LINE,
        opened_at=after(minutes),
        message_event=wrote.attributes.id,
    )
    return event(data, wrote.attributes.subject, after(minutes), "opened", str(minutes))


def resolved(minutes: float) -> Event:
    data = CaseResolved(case_id=CASE, contact=HANAKO_LINE, resolved_at=after(minutes))
    return event(data, HANAKO_LINE, after(minutes), "resolved")


async def walked(pages: Pages, wanted: Selection, limit: int) -> list[Item]:
    items: list[Item] = []
    page = await pages(HANAKO_LINE, limit, wanted=wanted)
    items += page.entries
    while page.next is not None:
        page = await pages(HANAKO_LINE, limit, page.next, wanted=wanted)
        items += page.entries
    return items


def made(number: int) -> Event:
    """Return something that happened: by turns on three channels, of four kinds, both ways."""
    contact, minutes = CONTACTS[number % 3], number // 2
    if number % 4 == 0:
        return call(contact, minutes, summary=str(number), attributes={"direction": "inbound"})
    return message(
        contact,
        minutes,
        f"{number}件目です",
        message_id=f"m{number}",
        kind=MessageKind.POSTBACK if number % 5 == 0 else MessageKind.MESSAGE,
        direction=Direction.OUTBOUND if number % 7 == 0 else Direction.INBOUND,
        channel=(Channel.LINE, Channel.EMAIL, Channel.SMS)[number % 3],
        conversation=Conversation(f"話{number % 6}"),
    )


def fits(item: Item, wanted: Selection) -> bool:
    """The same as the database is asked, said plainly."""
    return all(
        (
            not wanted.channels or item.channel in wanted.channels,
            not wanted.kinds or item.kind in wanted.kinds,
            wanted.direction in (None, item.direction),
            wanted.conversation in (None, item.conversation),
            wanted.since is None or item.occurred_at >= wanted.since,
            wanted.until is None or item.occurred_at < wanted.until,
        )
    )


names = st.lists(st.sampled_from(["line", "email", "voice", "fax"]), max_size=2).map(tuple)
kinds = st.lists(st.sampled_from(["message", "postback", "call", "未知"]), max_size=2).map(tuple)
moments = st.none() | st.integers(-1, 25).map(after)
selections = st.builds(
    Selection,
    channels=names,
    kinds=kinds,
    direction=st.none() | st.sampled_from(Direction),
    conversation=st.none() | st.integers(0, 6).map(lambda number: conversation_ref(f"話{number}")),
    since=moments,
    until=moments,
    order=st.sampled_from(Order),
)


async def test_pages_of_any_filters_and_limits_are_together_the_history_filtered(
    tell: Tell, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a page may look at few entries, and while new entries come at both ends."""
    await tell(profile(CONTACTS), *(made(number) for number in range(40)))
    whole = await walked(pages, Selection(), 200)
    loop = asyncio.get_running_loop()
    later = count(1)

    async def holds(wanted: Selection, limit: int, looked_at: int) -> None:
        monkeypatch.setattr(histories, "MOST_LOOKED_AT", looked_at)
        known = {item.id for item in whole}
        items: list[Item] = []
        page = await pages(HANAKO_LINE, limit, wanted=wanted)
        items += page.entries
        comes = islice(later, 3)
        while page.next is not None:
            for number in islice(comes, 1):
                minutes = (1000 + number, -1000 - number, number / 1000)
                await tell(*(call(HANAKO_TEL, minute) for minute in minutes))
            page = await pages(HANAKO_LINE, limit, page.next, wanted=wanted)
            items += page.entries
        ordered = whole if wanted.order is Order.NEWEST else whole[::-1]
        assert [item.id for item in items if item.id in known] == [
            item.id for item in ordered if fits(item, wanted)
        ]
        assert len({item.id for item in items}) == len(items), "nothing is shown twice"
        assert all(fits(item, wanted) for item in items)

    @settings(max_examples=12, database=None, suppress_health_check=list(HealthCheck))
    @given(wanted=selections, limit=st.integers(1, 12), looked_at=st.integers(3, 90))
    def law(wanted: Selection, limit: int, looked_at: int) -> None:
        asyncio.run_coroutine_threadsafe(holds(wanted, limit, looked_at), loop).result(60)

    await asyncio.to_thread(law)


async def test_a_case_is_its_events_and_the_messages_that_they_name(
    tell: Tell, pages: Pages
) -> None:
    first, other = message(), message(minutes=1, message_id="m2", text="別件です")
    second = message(minutes=2, message_id="m3", text="追加です")
    await tell(opened(second, 2.5), resolved(9))
    await tell(first, other, second, opened(first, 0.5))
    items = await walked(pages, Selection(case=CASE), 1)
    assert [item.kind for item in items] == [
        "case.resolved", "case.opened", "message", "case.opened", "message",
    ]  # fmt: skip
    assert [item.id for item in items if item.kind == "message"] == [
        second.attributes.id, first.attributes.id,
    ]  # fmt: skip
    assert {item.case for item in items} == {CASE}
    whole = {item.id: item.case for item in await walked(pages, Selection(), 50)}
    assert whole[other.attributes.id] is None
    assert whole[first.attributes.id] == CASE


@pytest.mark.parametrize("in_table", [True, False])
async def test_entries_that_do_not_fit_are_passed_over_in_the_order_of_the_index(
    tell: Tell, reader: AsyncEngine, *, in_table: bool
) -> None:
    """Sorting a contact's whole history, as the planner likes to, took 700 ms at 100,000 entries."""
    await tell(*(call(HANAKO_TEL, minute) for minute in range(50)))
    wanted: dict[str, Any] = dict.fromkeys(
        ("channels", "kinds", "direction", "conversation", "as_of")
    )
    wanted |= {"case": UUID(int=1)} if in_table else {}
    wanted |= {
        "tenant": "acme",
        "since": datetime.min.replace(tzinfo=UTC),
        "until": datetime.max.replace(tzinfo=UTC),
        **histories.place_of(NEWEST),
        "most": 51,
        "each": 1000,
    }
    query = text(f"EXPLAIN {CHOSEN_PAGES[Order.NEWEST, in_table].text}")
    async with reading(reader, "acme") as connection:
        held = await holder(connection, "acme", customer_id("acme", HANAKO_TEL))
        assert held is not None
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        await connection.execute(text("SET LOCAL enable_bitmapscan = off"))
        plan = list(await connection.scalars(query, wanted | {"contacts": list(held.contacts)}))
    below = "\n".join(plan[next(at for at, line in enumerate(plan) if "WindowAgg" in line) :])
    scanned = below[: below.index("Index Cond")]
    assert "Sort" not in scanned
    assert ("Index Only Scan" in scanned) is not in_table
