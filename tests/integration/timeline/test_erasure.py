"""Who is erased is nowhere any more, is not learned of again, and nobody else is touched."""

import os
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from fastapi import HTTPException
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.timeline.conftest import NOW, Pages, Rows, on_the_bus
from tests.unit.timeline.telling import (
    HANAKO_LINE,
    HANAKO_MAIL,
    HANAKO_TEL,
    TENANT,
    after,
    call,
    change,
    event,
    message,
    profile,
    status,
    stored,
)

from common.core.adapters import File, Original
from common.core.cloudevents import Event, Record, read
from common.core.delivery import DeliveryStatus
from common.core.erasure import CustomerErased, CustomerForgotten, Marker
from common.core.errors import TransientError
from common.core.events import Attachment, AttachmentState, Direction, MessageKind, Party
from common.core.ids import customer_id
from common.edges.database import acting
from common.edges.objects import ObjectStore
from common.edges.originals import Originals
from timeline.core.erasure_certificate import Retained, is_genuine, readable
from timeline.core.items import Item
from timeline.edges.consume import Historian
from timeline.edges.erasure_asking import ErasureView, HoldView, erase, erasure_of, hold, release
from timeline.edges.erasure_guard import ErasureGuard
from timeline.edges.erasure_store import Asked
from timeline.edges.erasure_worker import Eraser, Patience
from timeline.edges.search_index import Followed, Indexer

KEY = "0123456789abcdef0123456789abcdef"
OTHER = "line:1657000000:Ujiro"
WORDS = ("電源が入りません", "鈴木 花子", "hanako.suzuki", "9012345678", "U4af4980629", "crm-1")
ERASED_AT = after(30)
ASKED = Asked(basis="gdpr-17", reference="DSR-2026-014", asked_by="privacy@example.jp")

Told = Callable[..., Awaitable[None]]

EVERY_COLUMN = text(
    """
    SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
     WHERE relnamespace = CAST('timeline' AS regnamespace) AND relkind IN ('r', 'p')
       AND NOT relispartition AND attnum > 0 AND NOT attisdropped
     ORDER BY 1, 2
    """
)


class FixedRetention:
    """A bus that keeps things for thirty days."""

    async def copies(self, erased_at: datetime) -> tuple[Retained, ...]:
        return (Retained("bus: messages.v1", erased_at + timedelta(days=31)),)


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    return ObjectStore.open(str(tmp_path / "objects"))


@pytest.fixture
def told(writer: AsyncEngine, tmp_path: Path) -> Told:
    """Have a batch written down and indexed, by a new process each time.

    What it comes with was stored long ago, as far as the erasure's clock is concerned.
    """
    offsets = count()

    async def told(*events: Event) -> None:
        historian = Historian(lambda: NOW, "JP", ErasureGuard(KEY))
        received = [
            msgspec.structs.replace(one, published_at=one.event.attributes.time)
            for one in on_the_bus(events, offsets)
        ]
        async with writer.begin() as connection:
            await historian(connection, received)
        async with writer.begin() as connection:
            await connection.execute(
                text(
                    "INSERT INTO partition_offset SELECT 'timeline', topic, 0, 1000000, 1 FROM"
                    " unnest(ARRAY['messages.v1', 'customers.v1']) AS topic ON CONFLICT DO NOTHING"
                )
            )
            await Indexer(Followed("timeline"), "JP")(connection, received)
        for held in (tmp_path / "objects").rglob("*"):
            os.utime(held, (0, 0))

    return told


@pytest.fixture
def eraser(writer: AsyncEngine, objects: ObjectStore) -> Eraser:
    now = ERASED_AT + timedelta(minutes=20)
    return Eraser(writer, objects, FixedRetention(), Marker(KEY), lambda: now, Patience())


async def asked(writer: AsyncEngine, contact: str = HANAKO_LINE) -> ErasureView:
    async with acting(writer, TENANT) as connection:
        holder = customer_id(TENANT, contact)
        return await erase(connection, TENANT, holder, ASKED, Marker(KEY), ERASED_AT)


async def shown(writer: AsyncEngine, erasure: UUID) -> ErasureView:
    async with acting(writer, TENANT) as connection:
        return await erasure_of(connection, TENANT, erasure)  # type: ignore[arg-type]  # it only reads


async def sent(writer: AsyncEngine) -> list[Record]:
    async with writer.connect() as connection:
        rows = await connection.scalars(text("SELECT record FROM outbox ORDER BY id"))
        return [msgspec.msgpack.decode(row, type=Record) for row in rows]


async def erased_event(writer: AsyncEngine) -> Event:
    [told] = [one for one in await sent(writer) if b"key_check" in one.value]
    return read(told.headers, told.value)


async def confirmed(told: Told, erasure: UUID) -> None:
    """Tell that the router has done its part."""
    data = CustomerForgotten(
        erasure=erasure, service="router", counts={"cases": 1}, forgotten_at=after(31)
    )
    await told(event(data, f"{erasure} router", after(31), "forgotten"))


async def found(writer: AsyncEngine, words: Iterable[str]) -> list[str]:
    """Return every table and column in which one of the words stands, and each event in transit."""
    places: list[str] = []
    async with writer.connect() as connection:
        columns = (await connection.execute(EVERY_COLUMN)).all()
        for column in columns:
            rows = await connection.scalars(
                text(f'SELECT "{column.attname}"::text FROM "{column.relname}"')  # noqa: S608 - the catalogue's
            )
            said = "\n".join(_spelled(row) for row in rows if row)
            places += [f"{column.relname}.{column.attname}: {w}" for w in words if w in said]
    return places


def _spelled(value: str) -> str:
    """Return a text as it stands, bytes as the text that they are."""
    if not value.startswith("\\x"):
        return value
    return bytes.fromhex(value[2:]).decode("utf-8", "replace")


def words(entry: Item) -> str:
    assert entry.data is not None
    return str(msgspec.json.decode(entry.data)["text"])


def attachment_at(place: str) -> Attachment:
    return Attachment(
        name="電源.png", media_type="image/png", state=AttachmentState.STORED, location=place
    )


async def hanako(objects: ObjectStore) -> tuple[Sequence[Event], str, str]:
    """Return a customer's events, where her original lies and where her file lies."""
    originals = Originals(objects, "ingest_social", "test", lambda: after(0))
    original = Original(
        provider="line",
        account="1657000000",
        received_at=after(0),
        body="電源が入りません".encode(),
    )
    raw_ref = await originals.keep(original)
    file = File("ab" * 32, "写真".encode(), "image/png")
    place = await objects.put_file(TENANT, file)
    attached = attachment_at(place)
    sender = Party(HANAKO_LINE, "鈴木 花子")
    events = (
        message(sender=sender, raw_ref=raw_ref, attachments=(attached,)),
        message(HANAKO_MAIL, 1, "メールでも電源が入りませんと書きました", message_id="m2"),
        message(minutes=2, direction=Direction.OUTBOUND, message_id="m3", text="鈴木 花子様"),
        status(DeliveryStatus.READ, 3),
        change(MessageKind.EDIT, "m1", 4, "電源が入りません。至急です"),
        call(HANAKO_TEL, 5),
        profile([HANAKO_LINE, HANAKO_MAIL, HANAKO_TEL], "crm-1", 6),
    )
    return events, raw_ref, place


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


async def writer_published(writer: AsyncEngine) -> None:
    """Let the relay have sent all: what waits there names those whom it must name."""
    async with writer.begin() as connection:
        await connection.execute(text("DELETE FROM outbox"))


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


async def test_the_certificate_tells_what_was_done_where_and_when_the_last_copy_is_gone(
    writer: AsyncEngine, told: Told, objects: ObjectStore, eraser: Eraser
) -> None:
    events, *_ = await hanako(objects)
    await told(*events)
    view = await asked(writer)
    for _ in range(3):
        await eraser.look()
    await confirmed(told, view.id)
    await eraser.look()
    certified = await shown(writer, view.id)
    certificate = certified.certificate
    assert certificate is not None
    assert certified.gone_at == ERASED_AT + timedelta(days=31)
    done = {one.where: one.counts for one in certificate.done}
    assert done["timeline and search"]["entry"] == 5
    assert done["timeline and search"]["contact"] == 3
    assert done["object storage"] == {"originals": 1, "files": 1}
    assert done["router"] == {"cases": 1}
    assert is_genuine(certificate, Marker(KEY))
    changed = msgspec.structs.replace(certificate, reference="DSR-1")
    assert not is_genuine(changed, Marker(KEY))
    assert "messages.v1: ≤ 2026-04-02" in readable(certificate)
    assert not [word for word in WORDS if word in readable(certificate)]


async def test_when_no_copy_is_left_the_bus_is_told_once_more_without_the_ids(
    writer: AsyncEngine, told: Told, objects: ObjectStore, eraser: Eraser
) -> None:
    await told(message())
    view = await asked(writer)
    first = await erased_event(writer)
    await writer_published(writer)
    for _ in range(3):
        await eraser.look()
    await confirmed(told, view.id)
    await eraser.look()
    later = ERASED_AT + timedelta(days=32)
    long_after = Eraser(writer, objects, FixedRetention(), Marker(KEY), lambda: later)
    await long_after.look()
    assert (await shown(writer, view.id)).state == "closed"
    [again] = await sent(writer)
    last = read(again.headers, again.value)
    assert again.key == f"{TENANT}|{view.id}".encode()
    assert last.data == msgspec.structs.replace(first.data, customers=())


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


async def test_a_legal_hold_keeps_a_customer_from_being_erased_until_it_is_released(
    writer: AsyncEngine, told: Told, objects: ObjectStore
) -> None:
    events, *_ = await hanako(objects)
    await told(*events)
    ids = [customer_id(TENANT, HANAKO_LINE)]
    view = HoldView("訴訟のため保全", "legal@example.jp", after(20))
    async with acting(writer, TENANT) as connection:
        assert await hold(connection, TENANT, ids, view) == view
    with pytest.raises(HTTPException, match="legal hold"):
        await asked(writer, HANAKO_MAIL)
    async with acting(writer, TENANT) as connection:
        await release(connection, TENANT, ids, "legal@example.jp", after(25))
    assert (await asked(writer, HANAKO_MAIL)).state == "accepted"


async def test_a_timeline_with_another_key_waits_rather_than_learning_of_the_erased(
    writer: AsyncEngine, told: Told, objects: ObjectStore
) -> None:
    events, *_ = await hanako(objects)
    await told(*events)
    await asked(writer)
    erased = await erased_event(writer)
    for guard in (ErasureGuard("another key, and a long one, too"), ErasureGuard()):
        historian = Historian(lambda: NOW, "JP", guard)
        with pytest.raises(TransientError, match="key"):
            async with writer.begin() as connection:
                await historian(connection, on_the_bus([erased], [1]))
