"""What the bus holds makes the same history again, whenever and in whatever batches it is read."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.timeline.conftest import NOW
from tests.unit.timeline.telling import (
    HANAKO_LINE,
    HANAKO_MAIL,
    HANAKO_TEL,
    call,
    change,
    mail,
    message,
    profile,
    report,
    status,
    stored,
)

from common.core.cloudevents import Event
from common.core.delivery import DeliveryStatus
from common.core.events import Direction, MessageKind
from common.edges.batches import Received
from common.edges.database import create_writer_engine
from common.edges.migrations import migrate
from timeline.edges.consume import Historian
from timeline.wiring import MIGRATIONS

TABLES = (
    "customer", "contact", "profile", "link", "merge", "seen", "entry", "amendment", "outbox",
)  # fmt: skip
# How whose contact it is came about, step by step: a larger batch may know at once what smaller ones
# learn one after the other.
JOURNAL = ("merge", "outbox")
# Row numbers are the database's own; whatever they stand for is named instead.
EVERYTHING = """
    SELECT (to_jsonb(row) - '{{id,contact_id,number,moved_at}}'::text[]
            || jsonb_build_object('address', contact.address))::text
      FROM (SELECT *, {contact} AS number FROM {table}) AS row
      LEFT JOIN contact ON contact.id = row.number ORDER BY 1
"""
FIRST_BATCH = 4
WITH_CONTACT = ("link", "seen", "entry", "amendment")

WROTE = message(direction=Direction.OUTBOUND)
HISTORY: tuple[Event, ...] = (
    WROTE,
    status(DeliveryStatus.READ, 5),
    profile([HANAKO_MAIL, "email:new@example.jp"], "crm-1", 6),
    call(HANAKO_TEL, 7),
    stored(WROTE, 8),
    profile([HANAKO_LINE, HANAKO_TEL], "crm-2", 9),
    change(MessageKind.EDIT, "m1", 10, "納期は25日です"),
    profile([HANAKO_TEL, HANAKO_MAIL], "crm-2", 11),
    mail(minutes=12),
    report(MessageKind.BOUNCE, 13, report="bounce", bounce_status="5.1.1"),
    change(MessageKind.UNSEND, "m1", 14),
    WROTE,
    profile([HANAKO_TEL], "crm-1", 2),
)


async def rebuilt(engine: AsyncEngine, days_later: int, batch: int) -> None:
    """Read the whole bus, so many records at a time, on another day."""
    historian = Historian(lambda: NOW + timedelta(days=days_later), "JP")
    bus = [
        Received(topic(event), 0, offset, NOW + timedelta(seconds=offset), event)
        for offset, event in enumerate(HISTORY)
    ]
    for start in range(0, len(bus), batch):
        async with engine.begin() as connection:
            await historian(connection, bus[start : start + batch])


def topic(event: Event) -> str:
    names = {"CustomerChanged": "customers.v1", "Activity": "activities.v1"}
    return names.get(type(event.data).__name__, "messages.v1")


async def everything(engine: AsyncEngine) -> dict[str, Sequence[str]]:
    async with engine.connect() as connection:
        return {table: list(await connection.scalars(text(_query(table)))) for table in TABLES}


def _query(table: str) -> str:
    if table == "outbox":  # its rows also note when they were put there
        return "SELECT CAST(record AS text) FROM outbox ORDER BY 1"
    contact = "contact_id" if table in WITH_CONTACT else "CAST(NULL AS bigint)"
    return EVERYTHING.format(table=table, contact=contact)


@pytest.fixture
def schemas(database_url: str) -> tuple[str, str]:
    """Return two migrated schemas of one database."""
    for schema in ("once", "again"):
        migrate(MIGRATIONS, database_url, schema)
    return "once", "again"


@pytest.mark.parametrize("batch", [1, 3, 4, 1000])
async def test_a_timeline_that_is_rebuilt_on_another_day_is_the_same(
    database_url: str, schemas: tuple[str, str], batch: int
) -> None:
    found = []
    for schema, days_later, size in zip(schemas, (0, 40), (FIRST_BATCH, batch), strict=True):
        engine = create_writer_engine(database_url, schema)
        await rebuilt(engine, days_later, size)
        found.append(await everything(engine))
        await engine.dispose()
    first, second = found
    assert all(first.values()), "no table is empty, or it would prove nothing"
    for table in TABLES:
        if batch == FIRST_BATCH or table not in JOURNAL:
            assert second[table] == first[table], table
