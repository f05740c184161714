"""A statement that is executed while something is made leaves its connection to the next, whatever happens."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.edges.database import create_writer_engine
from router.edges.work import both

SLOW = text("SELECT pg_sleep(0.2), 7 AS found")


@pytest.fixture
async def one(router_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine of one connection: whoever comes next gets what the last one left."""
    engine = create_writer_engine(router_url, "router", pool_size=1)
    yield engine
    await engine.dispose()


async def found_by(connection: AsyncConnection) -> Row[tuple[None, int]]:
    return (await connection.execute(SLOW)).one()


async def test_both_are_had(one: AsyncEngine) -> None:
    async with one.begin() as connection:
        found, made = await both(found_by(connection), lambda: "made")
    assert (found.found, made) == (7, "made")


async def test_what_cannot_be_made_leaves_the_transaction_as_it_was(one: AsyncEngine) -> None:
    async with one.begin() as connection:
        with pytest.raises(ZeroDivisionError):
            await both(found_by(connection), lambda: 1 // 0)
        assert (await found_by(connection)).found == 7


@pytest.mark.parametrize("when", ["before it is made", "while it is made"])
async def test_who_is_cut_off_leaves_no_transaction_behind(one: AsyncEngine, when: str) -> None:
    """Locks were held by it until nobody could work any more."""

    def make() -> None:
        if when == "while it is made":
            cut_off.cancel()

    async def cutting(connection: AsyncConnection) -> Row[tuple[None, int]]:
        if when == "before it is made":
            cut_off.cancel()
        return await found_by(connection)

    async def work() -> None:
        async with one.begin() as connection:
            await found_by(connection)
            await both(cutting(connection), make)

    cut_off = asyncio.create_task(work())
    with pytest.raises(asyncio.CancelledError):
        await cut_off
    async with one.begin() as connection:
        assert (await found_by(connection)).found == 7
