"""Figures that only the database knows: how much waits, and since when.

Every replica counts them and all show the same, so that no figure stays behind where the leader
died. What takes long is counted less often.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from prometheus_client import Gauge
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.edges import metrics
from common.edges.clock import Clock
from common.edges.database import done_unless_passing
from common.edges.waiting import pause

Look = Callable[[AsyncConnection, datetime], Awaitable[None]]

PAUSE_SECONDS = 10.0
REST = 20  # times as long as counting took: at most a twentieth of a connection's time

_OUTBOX = text(
    """
    SELECT (SELECT count(*) FROM (SELECT FROM outbox LIMIT 100000) AS waiting) AS rows,
           (SELECT created_at FROM outbox ORDER BY id LIMIT 1) AS oldest
    """
)
_INBOX = text(
    """
    SELECT (SELECT count(*) FROM (SELECT FROM inbox LIMIT 100000) AS waiting) AS rows,
           (SELECT received_at FROM inbox ORDER BY id LIMIT 1) AS oldest
    """
)


class Watch:
    """Counts as a component, until told to stop."""

    name = "watch"

    def __init__(self, engine: AsyncEngine, clock: Clock, *looks: Look) -> None:
        self._engine = engine
        self._clock = clock
        self._looks = looks

    async def run(self, stopping: asyncio.Event) -> None:
        """Count every ten seconds, or less often where that takes long."""
        loop = asyncio.get_running_loop()
        counted_at = loop.time()
        metrics.watch_age_seconds.set_function(lambda: loop.time() - counted_at)
        while not stopping.is_set():
            began = loop.time()
            if await done_unless_passing(self.name, self.look()):
                counted_at = loop.time()
            await pause(stopping, max(PAUSE_SECONDS, REST * (loop.time() - began)))

    async def look(self) -> None:
        """Count once. Raises what the database raises."""
        async with self._engine.connect() as connection:
            for look in self._looks:
                await look(connection, self._clock())


async def look_at_outbox(connection: AsyncConnection, now: datetime) -> None:
    """Show what waits to be published. A look of Watch."""
    gauges = (metrics.outbox_rows, metrics.outbox_oldest_seconds)
    await show_waiting(connection, _OUTBOX, now, *gauges)


async def look_at_inbox(connection: AsyncConnection, now: datetime) -> None:
    """Show what was acknowledged and waits for Kafka. A look of Watch."""
    gauges = (metrics.inbox_rows, metrics.inbox_oldest_seconds)
    await show_waiting(connection, _INBOX, now, *gauges)


async def show_waiting(
    connection: AsyncConnection, question: TextClause, now: datetime, rows: Gauge, oldest: Gauge
) -> None:
    """Show the answer to a question for `rows` and the moment of the `oldest` of them, or null."""
    waiting = (await connection.execute(question)).one()
    rows.set(waiting.rows)
    oldest.set(max(0.0, (now - waiting.oldest).total_seconds()) if waiting.oldest else 0)
