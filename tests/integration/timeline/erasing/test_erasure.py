"""Who is erased is nowhere any more, is not learned of again, and nobody else is touched."""

import os
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.timeline.conftest import NOW, Pages, Rows
from tests.integration.timeline.erasing.conftest import (
    OTHER,
    WORDS,
    Told,
    asked,
    attachment_at,
    confirmed,
    erased_event,
    found,
    hanako,
    sent,
    shown,
    words,
    writer_published,
)
from tests.unit.timeline.telling import (
    HANAKO_LINE,
    HANAKO_MAIL,
    HANAKO_TEL,
    TENANT,
    message,
    profile,
    status,
    stored,
)

from common.core.delivery import DeliveryStatus
from common.core.erasure import CustomerErased
from common.core.ids import customer_id
from common.edges.objects import ObjectStore
from common.edges.originals import Originals
from timeline.edges.erasure_worker import Eraser


async def test_nothing_of_somebody_erased_is_left_in_any_table_or_object(
    writer: AsyncEngine, told: Told, objects: ObjectStore, eraser: Eraser
) -> None:
    events, raw_ref, place = await hanako(objects)
    await told(*events)
    assert len(await found(writer, WORDS)) > 10
    view = await asked(writer)
    await writer_published(writer)
    for _ in range(3):
        await eraser.look()
    assert (await shown(writer, view.id)).state == "deleted"
    await confirmed(told, view.id)
    await eraser.look()
    assert await found(writer, WORDS) == []
    with pytest.raises(KeyError):
        await objects.get(place)
    with pytest.raises(KeyError):
        await Originals(objects, "ingest_social", "test", lambda: NOW).find(raw_ref)
    for key in await objects.keys(""):
        assert "電源".encode() not in await objects.get(key), key


async def test_the_bus_is_told_without_a_name_and_ends_what_it_kept_of_the_customer(
    writer: AsyncEngine, told: Told, objects: ObjectStore
) -> None:
    events, *_ = await hanako(objects)
    await told(*events)
    await asked(writer)
    records = await sent(writer)
    event_ = await erased_event(writer)
    assert isinstance(event_.data, CustomerErased)
    assert not [word for word in WORDS if word.encode() in event_.value]
    ended = {one.key.decode() for one in records if not one.value}
    assert f"{TENANT}|crm-1" in ended
    assert {f"{TENANT}|{customer_id(TENANT, c)}" for c in (HANAKO_LINE, HANAKO_MAIL)} <= ended


async def test_older_events_told_again_are_refused_and_newer_ones_are_a_new_customers(
    writer: AsyncEngine, told: Told, objects: ObjectStore, eraser: Eraser, pages: Pages
) -> None:
    events, *_ = await hanako(objects)
    await told(*events)
    await asked(writer)
    await writer_published(writer)
    await told(*events)
    await told(
        status(DeliveryStatus.READ, 40),  # of a message that is gone
        message(minutes=41, text="はじめまして", message_id="m9"),
    )
    for _ in range(2):
        await eraser.look()
    await told(*events)
    page = await pages(HANAKO_LINE)
    assert [words(entry) for entry in page.entries] == ["はじめまして"]
    assert not (await pages(HANAKO_MAIL)).entries
    left = {place for place in await found(writer, WORDS) if "U4af4980629" not in place}
    assert left == set()


async def test_others_keep_all_they_have_a_file_that_both_sent_included(
    writer: AsyncEngine, told: Told, objects: ObjectStore, eraser: Eraser, rows: Rows, pages: Pages
) -> None:
    events, _, place = await hanako(objects)
    attached = attachment_at(place)
    jiro = message(OTHER, 7, "私も電源です", message_id="m7", attachments=(attached,))
    await told(*events, jiro, profile([OTHER], "crm-2", 8))
    before = await pages(OTHER)
    await asked(writer)
    for _ in range(2):
        await eraser.look()
    assert await pages(OTHER) == before
    assert await objects.get(place)
    assert await rows("SELECT customer_ref FROM profile") == [("crm-2",)]
    assert [count for (count,) in await rows("SELECT count(*) FROM entry")] == [1]


async def test_a_timeline_that_is_rebuilt_erases_again_in_whatever_order_the_bus_tells(
    writer: AsyncEngine, told: Told, objects: ObjectStore, eraser: Eraser, pages: Pages
) -> None:
    events, *_ = await hanako(objects)
    await told(*events)
    await asked(writer)
    erased = await erased_event(writer)
    async with writer.begin() as connection:
        names = await connection.scalars(
            text(
                "SELECT relname FROM pg_class WHERE relnamespace = 'timeline'::regnamespace AND"
                " relkind IN ('r', 'p') AND NOT relispartition AND relname NOT IN"
                " ('alembic_version', 'search_generation', 'figure_generation', 'access_log')"
            )
        )
        await connection.execute(text(f"TRUNCATE {', '.join(names)} CASCADE"))
    again = message(minutes=41, text="はじめまして", message_id="m9")
    await told(*events[:3], again)
    await told(erased, *events[3:])
    await eraser.look()
    assert [words(entry) for entry in (await pages(HANAKO_LINE)).entries] == ["はじめまして"]
    assert not (await pages(HANAKO_TEL)).entries
    left = {place for place in await found(writer, WORDS) if "U4af4980629" not in place}
    assert {place for place in left if not place.startswith("outbox")} == set()


async def test_a_file_that_was_fetched_only_after_its_message_was_erased_goes_too(
    writer: AsyncEngine, told: Told, objects: ObjectStore, eraser: Eraser, tmp_path: Path
) -> None:
    wrote = message()
    await told(wrote)
    await asked(writer)
    await eraser.look()
    place = "files/acme/ab"  # as the event says
    await objects.put(place, "写真".encode())
    await told(stored(wrote, 40))
    os.utime(tmp_path / "objects" / place)  # just now
    for _ in range(2):
        await eraser.look()
    assert await objects.get(place), "who else it came for may not be known yet"
    os.utime(tmp_path / "objects" / place, (0, 0))
    await eraser.look()
    with pytest.raises(KeyError):
        await objects.get(place)
    left = {one for one in await found(writer, WORDS) if not one.startswith("outbox")}
    assert left == set()
