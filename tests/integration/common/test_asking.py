"""Connections that stay set for whoever asked last: nobody ever sees what is another's."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.edges.database import Question, asking, create_reader_engine, reading

WHOSE = "SELECT current_setting('madoguchi.tenant', true) AS tenant, pg_backend_pid() AS backend"
HOW = Question.of(
    text(f"{WHOSE}, current_setting('enable_sort') AS sorts, :word || 'です' AS said")
)


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[AsyncEngine]:
    """One connection only, so that everybody is handed the same."""
    engine = create_reader_engine(database_url, "public", pool_size=1)
    yield engine
    await engine.dispose()


async def asked(engine: AsyncEngine, tenant: str, **settings: str) -> dict[str, Any]:
    async with asking(engine, tenant, **settings) as connection:
        [row] = await HOW.ask(connection, {"word": "返品", "and": "more"})
        return dict(row)


async def test_who_asks_after_another_has_his_own_tenant_and_settings(reader: AsyncEngine) -> None:
    first = await asked(reader, "acme", enable_sort="off")
    again = await asked(reader, "acme", enable_sort="off")
    other = await asked(reader, "globex")
    assert first == again == {**first, "tenant": "acme", "sorts": "off", "said": "返品です"}
    assert other == {**first, "tenant": "globex", "sorts": "on"}, "on the same connection"


async def test_a_reading_in_between_has_its_tenant_and_leaves_none(reader: AsyncEngine) -> None:
    first = await asked(reader, "acme")
    async with reading(reader, "globex") as connection:
        row = (await connection.execute(text(WHOSE))).one()
    assert (row.tenant, row.backend) == ("globex", first["backend"])
    assert (await asked(reader, "acme"))["tenant"] == "acme"


async def test_who_names_no_tenant_gets_a_connection_that_never_had_one(
    reader: AsyncEngine,
) -> None:
    first = await asked(reader, "acme")
    async with reader.connect() as connection:
        row = (await connection.execute(text(WHOSE))).one()
    assert not row.tenant
    assert row.backend != first["backend"]


async def test_what_could_not_be_set_is_nobodys(reader: AsyncEngine) -> None:
    first = await asked(reader, "acme")
    with pytest.raises(asyncpg.InvalidParameterValueError):
        await asked(reader, "globex", enable_sort="返品")
    last = await asked(reader, "initech")
    assert last["tenant"] == "initech"
    assert last["backend"] != first["backend"]


async def test_nobody_writes_by_asking(reader: AsyncEngine) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with asking(reader, "acme") as connection:
            await connection.execute("CREATE TABLE anything ()")
    assert (await asked(reader, "acme"))["tenant"] == "acme"


async def test_everybody_is_no_tenant(reader: AsyncEngine) -> None:
    with pytest.raises(ValueError, match="one tenant"):
        await asked(reader, "*")
