"""Partitions of the history, made ahead of time and when an old date turns up."""

import asyncio
from collections.abc import Collection
from datetime import date

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.core.errors import TransientError
from common.edges.clock import Clock
from common.edges.database import passing_errors
from common.edges.waiting import pause
from timeline.core.months import upcoming_months

logger = structlog.get_logger()

LOOK_SECONDS = 3600.0

_ENSURE = text("SELECT ensure_entry_month(month) FROM unnest(CAST(:months AS date[])) AS month")


async def ensure_months(connection: AsyncConnection, months: Collection[date]) -> None:
    """Make sure that entries of these months have a partition to lie in."""
    if months:
        await connection.execute(_ENSURE, {"months": sorted(months)})


class MonthsAhead:
    """Makes the partitions of the coming months, so that no writer has to wait for one."""

    name = "months ahead"

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    async def run(self, stopping: asyncio.Event) -> None:
        """Look every hour until `stopping` is set."""
        while not stopping.is_set():
            try:
                await self.look()
            except TransientError as error:
                logger.warning("months ahead not made yet", error=str(error))
            await pause(stopping, LOOK_SECONDS)

    async def look(self) -> None:
        """Make what is missing. Raises TransientError."""
        async with passing_errors(), self._engine.begin() as connection:
            await ensure_months(connection, upcoming_months(self._clock()))
