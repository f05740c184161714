"""Wait until somebody waits: for tests of two who want the same row."""

import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

SECONDS = 20

# Of this database alone: the server may be shared with tests that wait for locks of their own.
_WAITING = text("""
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND backend_type = 'client backend' AND wait_event_type = 'Lock'
""")


async def until_somebody_waits(engine: AsyncEngine) -> None:
    """Return once a session of the database waits for a lock. Raises TimeoutError after 20 s."""
    async with asyncio.timeout(SECONDS), engine.connect() as connection:
        while not (await connection.execute(_WAITING)).scalar_one():
            await connection.rollback()  # the view stays as it is within a transaction
