"""Shows what the timeline is behind with; looks of common.edges.watching.Watch."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.edges import metrics
from common.edges.watching import show_waiting
from timeline.core.months import upcoming_months

_MISSING = text(
    """
    SELECT count(*) FROM unnest(CAST(:months AS date[])) AS month
     WHERE to_regclass((entry_span(month)).name) IS NULL
    """
)
_ERASURES = text(
    """
    SELECT count(*) AS rows, min(erased_at) AS oldest FROM erasure
     WHERE state NOT IN ('certified', 'closed')
    """
)


async def look_at_months(connection: AsyncConnection, now: datetime) -> None:
    """Show how many of the months that should have a partition have none."""
    missing = await connection.scalar(_MISSING, {"months": upcoming_months(now)})
    metrics.months_missing.set(missing or 0)


async def look_at_erasures(connection: AsyncConnection, now: datetime) -> None:
    """Show how many erasures are not certified yet, and since when the oldest waits."""
    gauges = (metrics.erasures_open, metrics.erasures_oldest_seconds)
    await show_waiting(connection, _ERASURES, now, *gauges)
