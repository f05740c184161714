"""Work that one of several replicas does at a time, under a lock of Postgres's that ends with its session."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

_TRY = text("SELECT pg_try_advisory_lock(hashtext(current_schema() || '.' || :what))")
_FREE = text("SELECT pg_advisory_unlock(hashtext(current_schema() || '.' || :what))")


@asynccontextmanager
async def leading(engine: AsyncEngine, what: str) -> AsyncIterator[AsyncConnection | None]:
    """Yield the session that holds the lock, each of its statements a transaction; None if another does.

    `what` is a name within the engine's schema. Whoever dies or loses the session leads no more.
    """
    async with engine.connect() as connection:
        session = await connection.execution_options(isolation_level="AUTOCOMMIT")
        if not await session.scalar(_TRY, {"what": what}):
            yield None
            return
        try:
            yield session
        finally:
            if not session.invalidated:  # else the lock went with it
                await _free(session, what)


async def _free(session: AsyncConnection, what: str) -> None:
    """Free the lock rather than close the session, which costs as much as a hundred questions."""
    try:
        await session.execute(_FREE, {"what": what})
    except BaseException:
        await session.invalidate()  # the pool must not keep the lock
        raise
