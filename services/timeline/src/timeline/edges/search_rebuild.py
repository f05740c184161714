"""The index built anew from the timeline's own tables, beside the one that searches ask."""

import asyncio
from collections.abc import Callable
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.edges.leading import leading
from timeline.edges.search_documents import EventKey, index
from timeline.edges.search_index import lock_tenants

BATCH = 500
# Searches that have begun on the old generation end first (timeline.edges.search.LONGEST_SECONDS).
GRACE_SECONDS = 3.0

_GENERATIONS = text("SELECT number, live FROM search_generation ORDER BY number")
_REMOVE = text("DELETE FROM search_generation WHERE number = :number")
_DROP = text("SELECT drop_search_generation(CAST(:number AS smallint))")
_ADD = text("SELECT add_search_generation(CAST(:number AS smallint))")
_REGISTER = text("INSERT INTO search_generation VALUES (:number, false)")
_COUNT = text("SELECT count(*) FROM seen")
_NEXT = text(
    """
    SELECT tenant, event_id FROM seen WHERE (event_id, tenant) > (CAST(:event AS uuid), :tenant)
     ORDER BY event_id, tenant LIMIT :most
    """
)
_RETIRE = text("UPDATE search_generation SET live = false WHERE live")
_SWITCH = text("UPDATE search_generation SET live = true WHERE number = :number")


class Progress(Struct, frozen=True):
    """How many events of how many were looked at, and how many of these are to be found."""

    done: int
    total: int
    found: int


class RebuildingError(RuntimeError):
    """Somebody else is rebuilding the index."""


async def rebuild(
    engine: AsyncEngine, report: Callable[[Progress], None], grace_seconds: float = GRACE_SECONDS
) -> int:
    """Build a new generation, let searches ask it, drop the old one; return the new one's number.

    What comes meanwhile goes into both. Where it is interrupted, the old one goes on answering, and
    the next rebuild removes what was left. Raises RebuildingError.
    """
    async with leading(engine, "search.rebuild") as session:
        if session is None:
            raise RebuildingError("the index is being rebuilt already")
        old, new = await _begin(engine)
        await _fill(engine, new, report)
        await _switch(engine, new)
        await asyncio.sleep(grace_seconds)
        await _drop(engine, old)
    return new


async def _begin(engine: AsyncEngine) -> tuple[int, int]:
    async with engine.connect() as connection:
        numbers = {row.number: row.live for row in await connection.execute(_GENERATIONS)}
    for number in (number for number, live in numbers.items() if not live):
        await _drop(engine, number)
    [live] = (number for number, is_live in numbers.items() if is_live)
    new = max(numbers) % 32_000 + 1
    async with engine.begin() as connection:
        await connection.execute(_DROP, {"number": new})  # half dropped, by whoever was here before
        await connection.execute(_ADD, {"number": new})
        await connection.execute(_REGISTER, {"number": new})
    return live, new


async def _fill(engine: AsyncEngine, number: int, report: Callable[[Progress], None]) -> None:
    async with engine.connect() as connection:
        total = await connection.scalar(_COUNT) or 0
    last: EventKey = ("", UUID(int=0))
    progress = Progress(0, total, 0)
    report(progress)
    while True:
        async with engine.begin() as connection:
            keys = await _keys_after(connection, last)
            if not keys:
                return
            await lock_tenants(connection, (tenant for tenant, _ in keys))
            found = await index(connection, keys, number)
        last = keys[-1]
        done = progress.done + len(keys)
        progress = Progress(done, max(total, done), progress.found + found)
        report(progress)


async def _keys_after(connection: AsyncConnection, last: EventKey) -> list[EventKey]:
    tenant, event = last
    rows = await connection.execute(_NEXT, {"tenant": tenant, "event": event, "most": BATCH})
    return [(row.tenant, row.event_id) for row in rows]


async def _switch(engine: AsyncEngine, number: int) -> None:
    async with engine.begin() as connection:
        await connection.execute(_RETIRE)
        await connection.execute(_SWITCH, {"number": number})
    async with engine.connect() as connection:
        outside = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await outside.execute(text("ANALYZE search_document"))


async def _drop(engine: AsyncEngine, number: int) -> None:
    """Forget a generation first, so that nobody writes to it any more, then drop its table."""
    async with engine.begin() as connection:
        await connection.execute(_REMOVE, {"number": number})
    async with engine.begin() as connection:
        await connection.execute(_DROP, {"number": number})
