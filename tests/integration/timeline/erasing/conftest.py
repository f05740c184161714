"""Somebody with a history of her own, and ways to erase her and to look for what is left."""

import os
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.timeline.conftest import NOW, on_the_bus
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
)

from common.core.adapters import File, Original
from common.core.cloudevents import Event, Record, read
from common.core.delivery import DeliveryStatus
from common.core.erasure import CustomerForgotten, Marker
from common.core.events import Attachment, AttachmentState, Direction, MessageKind, Party
from common.core.ids import customer_id
from common.edges.database import acting
from common.edges.objects import ObjectStore
from common.edges.originals import Originals
from timeline.core.erasure_certificate import Retained
from timeline.core.items import Item
from timeline.edges.consume import Historian
from timeline.edges.erasure_asking import ErasureView, erase, erasure_of
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


async def writer_published(writer: AsyncEngine) -> None:
    """Let the relay have sent all: what waits there names those whom it must name."""
    async with writer.begin() as connection:
        await connection.execute(text("DELETE FROM outbox"))
