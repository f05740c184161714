"""Of several replicas one does the work; whoever comes next does it on the same session."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.edges.database import is_passing
from common.edges.leading import leading

BACKEND = text("SELECT pg_backend_pid()")
END = text("SELECT pg_terminate_backend(pg_backend_pid())")
LOCKS = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")


async def backend_of(session: AsyncConnection | None) -> int:
    assert session is not None
    backend: int = await session.scalar(BACKEND)
    return backend


async def test_one_leads_until_it_is_done_and_then_another(engine: AsyncEngine) -> None:
    async with leading(engine, "sweep") as first, leading(engine, "relay") as apart:
        assert first is not None
        assert apart is not None
        async with leading(engine, "sweep") as second:
            assert second is None
    async with leading(engine, "sweep") as third:
        assert third is not None


async def test_a_session_is_not_opened_for_each_look(engine: AsyncEngine) -> None:
    backends = []
    for _ in range(3):
        async with leading(engine, "sweep") as session:
            backends.append(await backend_of(session))
    assert len(set(backends)) == 1


async def test_whoever_fails_leads_no_more(engine: AsyncEngine) -> None:
    with pytest.raises(ZeroDivisionError):
        async with leading(engine, "sweep"):
            raise ZeroDivisionError
    async with engine.connect() as connection:
        assert await connection.scalar(LOCKS) == 0


async def test_whoever_loses_the_session_leads_no_more_and_hears_of_it(engine: AsyncEngine) -> None:
    async def lose() -> None:
        async with leading(engine, "sweep") as session:
            assert session is not None
            await session.execute(END)

    with pytest.raises(DBAPIError, match=r"terminat|closed") as lost:
        await lose()
    assert is_passing(lost.value)
    async with leading(engine, "sweep") as session:
        assert session is not None
