"""Tenants are apart even where a query forgets to ask for one: in every table there is or will be."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

import router.wiring
import timeline.wiring
from common.edges.database import (
    acting,
    create_reader_engine,
    create_writer_engine,
    reading,
)
from common.edges.migrations import migrate
from common.edges.sessions import Question, Questions

MIGRATIONS: Mapping[str, Path] = {
    "timeline": timeline.wiring.MIGRATIONS,
    "router": router.wiring.MIGRATIONS,
}
# Tables that belong to nobody's customers, each with its reason. A new table is a tenant's, or here.
SHARED = {
    "alembic_version": "the schema's own",
    "partition_offset": "numbers of the bus",
    "outbox": "events of all tenants on their way out; no reader asks it",
    "search_generation": "numbers of the index",
    "figure_generation": "numbers of the figures",
    "change_count": "how many changes there were, of all tenants",
    "rules_version": "the rules are the whole installation's",
    "rules_activation": "the same",
    "wake_sweep": "how far the ticker has come",
}
_TABLES = text(
    """
    SELECT relname, relispartition, relrowsecurity AND relforcerowsecurity AS forced,
           EXISTS (SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'tenant'
                     AND NOT attisdropped) AS has_tenant,
           (SELECT count(*) FROM pg_policy WHERE polrelid = pg_class.oid AND polpermissive) AS policies
      FROM pg_class WHERE relnamespace = CAST(:schema AS regnamespace) AND relkind IN ('r', 'p')
     ORDER BY relname
    """
)
_POLICIES = text(
    """
    SELECT tablename, policyname, qual FROM pg_policies
     WHERE schemaname = :schema AND permissive = 'PERMISSIVE' ORDER BY 1, 2
    """
)
_COLUMNS = text(
    """
    SELECT attname, format_type(atttypid, -1) AS type FROM pg_attribute
     WHERE attrelid = CAST(:relation AS regclass) AND attnum > 0 AND NOT attisdropped
       AND attgenerated = '' AND attidentity <> 'a'
    """
)
_VALUES = {
    "uuid": "gen_random_uuid()",
    "timestamp with time zone": "now()",
    "boolean": "true",
    "json": "'{}'",
    "jsonb": "'{}'",
    "bytea": "'\\x00'",
    "tsvector": "''",
    "date": "current_date",
    "interval": "'1 day'",
}


class Table(Struct, frozen=True):
    """A table of a schema as the catalogue has it."""

    name: str
    partition: bool
    forced: bool
    has_tenant: bool
    policies: int


@pytest.fixture(params=sorted(MIGRATIONS))
def schema(request: pytest.FixtureRequest, database_url: str) -> str:
    name: str = request.param
    migrate(MIGRATIONS[name], database_url, name)
    return name


@pytest.fixture
async def writer(database_url: str, schema: str) -> AsyncIterator[AsyncEngine]:
    engine = create_writer_engine(database_url, schema)
    yield engine
    await engine.dispose()


@pytest.fixture
async def reader(database_url: str, schema: str) -> AsyncIterator[AsyncEngine]:
    engine = create_reader_engine(database_url, schema)
    yield engine
    await engine.dispose()


@pytest.fixture
async def questions(database_url: str, schema: str) -> AsyncIterator[Questions]:
    questions = Questions(database_url, schema, size=1)
    yield questions
    await questions.close()


async def tables(engine: AsyncEngine, schema: str) -> list[Table]:
    async with engine.connect() as connection:
        if schema == "timeline":
            await connection.execute(text("SELECT ensure_entry_month('2026-03-01')"))
        rows = (await connection.execute(_TABLES, {"schema": schema})).all()
    return [Table(*row) for row in rows]


async def test_every_table_has_a_tenant_or_is_known_to_be_nobodys(
    writer: AsyncEngine, schema: str
) -> None:
    found = await tables(writer, schema)
    strangers = [table.name for table in found if not table.has_tenant and table.name not in SHARED]
    assert not strangers, (
        "give it a tenant and isolate_tenants, or name it in SHARED with its reason"
    )


async def test_every_tenants_table_binds_even_its_owner(writer: AsyncEngine, schema: str) -> None:
    found = [table for table in await tables(writer, schema) if table.has_tenant]
    assert len(found) > 10
    assert not [table.name for table in found if not table.forced]
    whole = [table for table in found if not table.partition]
    assert not [table.name for table in whole if not table.policies]


async def test_a_partition_shows_nothing_to_whoever_asks_it_directly(
    writer: AsyncEngine, schema: str
) -> None:
    partitions = [table for table in await tables(writer, schema) if table.partition]
    assert not [table.name for table in partitions if table.policies]
    assert bool(partitions) == (schema == "timeline")


async def test_every_policy_asks_for_the_tenant(writer: AsyncEngine, schema: str) -> None:
    async with writer.connect() as connection:
        policies = (await connection.execute(_POLICIES, {"schema": schema})).all()
    assert policies
    for policy in policies:
        assert "current_setting('madoguchi.tenant'::text, true)" in policy.qual, policy.tablename


async def test_a_query_without_a_filter_sees_and_changes_only_its_own_tenant(
    writer: AsyncEngine, reader: AsyncEngine, questions: Questions, schema: str
) -> None:
    """Each table is given a row of acme's; then another tenant asks for everything there is."""
    mine = [t for t in await tables(writer, schema) if t.has_tenant and not t.partition]
    filled = [table.name for table in mine if await fill(writer, schema, table.name)]
    assert len(filled) > len(mine) // 2, "few tables could be filled: the test would prove little"
    for name in filled:
        everything = text(f'SELECT count(*) FROM "{name}"')  # noqa: S608 - names from the catalogue
        for tenant, count in (("acme", 1), ("globex", 0)):
            [seen] = await questions.ask_of(tenant, Question.of(everything), {}, {})
            assert min(seen["count"], 1) == count, name
        async with reading(reader, "acme") as connection:
            assert await connection.scalar(everything), name
        async with reading(reader, "globex") as connection:
            assert await connection.scalar(everything) == 0, name
        async with reader.connect() as connection:  # who names no tenant at all
            assert await connection.scalar(everything) == 0, name
        if name == "access_log":  # nobody changes it
            continue
        async with acting(writer, "globex") as connection:
            deleted = await connection.execute(text(f'DELETE FROM "{name}"'))  # noqa: S608 - the same
            assert deleted.rowcount == 0, name


async def fill(engine: AsyncEngine, schema: str, table: str) -> bool:
    """Add a row of acme's with anything in it; False where that is against the table's rules."""
    async with engine.connect() as connection:
        columns = (await connection.execute(_COLUMNS, {"relation": f"{schema}.{table}"})).all()
        names = ", ".join(f'"{column.attname}"' for column in columns)
        values = ", ".join(value(column.attname, column.type) for column in columns)
        begun = await connection.begin_nested()
        try:
            await connection.execute(
                text(f'INSERT INTO "{table}" ({names}) VALUES ({values})')  # noqa: S608 - the same
            )
        except Exception:  # noqa: BLE001 - a constraint that a made-up row does not keep
            await begun.rollback()
            return False
        await connection.commit()
    return True


def value(name: str, kind: str) -> str:
    """Return an SQL literal for a column."""
    if name == "tenant":
        return "'acme'"
    if kind.endswith("[]"):
        return "'{}'"
    return _VALUES.get(kind, "'1'")
