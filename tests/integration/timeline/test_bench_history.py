"""The history that benchmarks run on is what the timeline would have written itself."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import pytest
from sqlalchemy import Row, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bench.history import TENANT, History, Told
from bench.history_load import SCHEMA, load
from bench.history_people import introduce
from bench.history_rows import REGION, SEARCHED, moment, place_of
from common.edges.batches import Received
from common.edges.database import create_writer_engine
from common.edges.migrations import migrate
from local_stack.shared_servers import SharedPostgres
from timeline.edges.consume import Historian
from timeline.edges.search_documents import index
from timeline.wiring import MIGRATIONS

CUSTOMERS = 600
BATCH = 500
# What was sent long ago, what streams were told, what counts cases; and what belongs to no history.
LEFT_OUT = (
    "outbox", "change", "change_count", "figure_generation", "search_generation", "alembic_version",
)  # fmt: skip
FILLED = (
    *("customer", "contact", "contact_owner", "link", "merge", "profile", "seen", "amendment"),
    *("search_document", "search_name"),
)

_TABLES = """
    SELECT relname, array_agg(attname) FILTER (WHERE attidentity <> '') AS own_numbers,
           bool_or(attname = 'contact_id') AS of_contact
      FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0
     WHERE relnamespace = CAST(:schema AS regnamespace) AND relkind IN ('r', 'p')
       AND NOT relispartition AND relname <> ALL(:left_out)
     GROUP BY relname
"""
_ROWS = """
    SELECT (to_jsonb(row) - CAST(:own AS text[]) - 'contact_id'::text
            || jsonb_build_object('address', contact.address))::text
      FROM (SELECT *, {contact} AS row_of_contact FROM {table}) AS row
      LEFT JOIN contact ON contact.id = row.row_of_contact ORDER BY 1
"""
_INDEXES = (
    "SELECT indexdef FROM pg_indexes WHERE schemaname = :schema AND tablename <> ALL(:left_out)"
)


async def everything(engine: AsyncEngine) -> dict[str, Sequence[str]]:
    """Return all rows but for the numbers that the database gives them."""
    async with engine.connect() as connection:
        named = {"schema": SCHEMA, "left_out": list(LEFT_OUT)}
        tables = (await connection.execute(text(_TABLES), named)).all()
        return {table.relname: await _rows(connection, table) for table in tables}


async def _rows(connection: AsyncConnection, table: Row[Any]) -> Sequence[str]:
    contact = "contact_id" if table.of_contact else "CAST(NULL AS bigint)"
    query = _ROWS.format(table=table.relname, contact=contact)
    own = [*(table.own_numbers or ()), "row_of_contact"]
    return list(await connection.scalars(text(query), {"own": own}))


async def indexes(engine: AsyncEngine) -> set[str]:
    """Return what the indexes of tables are, not of their partitions, whose names differ."""
    query = f"{_INDEXES} AND tablename !~ '_[0-9_]+$'"
    async with engine.connect() as connection:
        named = {"schema": SCHEMA, "left_out": list(LEFT_OUT)}
        return set(await connection.scalars(text(query), named))


async def write(engine: AsyncEngine, history: History) -> None:
    """Tell the timeline the whole history, event by event, and have a part indexed."""
    await introduce(engine, history, range(history.linked))
    historian = Historian(lambda: moment(history.moment(history.entries)), REGION)
    told = [one for number in range(history.entries) for one in history.told(number)]
    for batch in _batches(_received(told)):
        async with engine.begin() as connection:
            await historian(connection, batch)
    searched = [
        (TENANT, one.as_event().attributes.id) for one in told if not one.customer % SEARCHED
    ]
    async with engine.begin() as connection:
        await index(connection, searched)


def _received(told: Iterable[Told]) -> Iterator[Received]:
    for one in told:
        yield Received(*place_of(one), moment(one.heard_at), one.as_event())


def _batches(received: Iterator[Received]) -> Iterator[list[Received]]:
    while batch := list(islice(received, BATCH)):
        yield batch


@pytest.fixture
def superuser(postgres_server: SharedPostgres, database_url: str) -> str:
    """Return the address of the test's database by the superuser."""
    return postgres_server.admin.url(make_url(database_url).database or "")


def test_what_is_copied_is_row_for_row_what_the_writer_writes(
    database_url: str, superuser: str
) -> None:
    history = History(CUSTOMERS)
    migrate(MIGRATIONS, database_url, SCHEMA)
    load(database_url, superuser, history, _say_nothing)
    ours, our_indexes = asyncio.run(found(database_url))
    asyncio.run(forget(database_url))
    migrate(MIGRATIONS, database_url, SCHEMA)
    theirs, their_indexes = asyncio.run(found(database_url, history))
    assert len(ours["entry"]) == history.entries
    assert all(ours[table] for table in FILLED), "or it would prove nothing"
    for table, rows in theirs.items():
        assert ours[table] == rows, table
    assert our_indexes == their_indexes


async def found(
    database: str, write_first: History | None = None
) -> tuple[dict[str, Sequence[str]], set[str]]:
    engine = create_writer_engine(database, SCHEMA)
    if write_first:
        await write(engine, write_first)
    rows, made = await everything(engine), await indexes(engine)
    await engine.dispose()
    return rows, made


async def forget(database: str) -> None:
    engine = create_writer_engine(database, SCHEMA)
    async with engine.begin() as connection:
        await connection.execute(text(f"DROP SCHEMA {SCHEMA} CASCADE"))
    await engine.dispose()


def _say_nothing(said: str) -> None:
    del said


def test_a_customers_entries_are_those_that_are_told_of_them() -> None:
    history = History(1_000)
    told: dict[int, list[int]] = {}
    for number in range(history.entries):
        told.setdefault(history.customer_at(number), []).append(number)
    assert len(told) == history.customers
    assert all(numbers == history.numbers_of(customer) for customer, numbers in told.items())
    assert {len(numbers) for numbers in told.values()} == {3, 30, 300}
