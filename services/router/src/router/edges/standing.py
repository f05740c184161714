"""Shows what stands in the queues of every tenant; looks of common.edges.watching.Watch."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.work import Target
from common.edges import metrics
from router.core.sla import AT_RISK, BREACHED
from router.core.standing import Room, Standing, fullest, room_in

_STANDING = text(
    """
    SELECT tenant, queue,
           count(*) FILTER (WHERE state = 'waiting') AS waiting,
           count(*) FILTER (WHERE told ?| CAST(:at_risk AS text[])
                              AND NOT told ?| CAST(:breached AS text[])) AS at_risk,
           count(*) FILTER (WHERE told ?| CAST(:breached AS text[])) AS breached,
           min(opened_at) FILTER (WHERE state = 'waiting') AS oldest
      FROM support_case WHERE state <> 'resolved' GROUP BY tenant, queue
    """
)
_ROOM = text(
    """
    SELECT tenant, queue, CAST(sum(capacity - load) AS bigint) AS units
      FROM agent JOIN agent_queue USING (tenant, agent)
     WHERE presence = 'online' AND load < capacity
       AND coalesce(wrap_up_until <= :now, true)
     GROUP BY tenant, queue
    """
)
_TOLD = {
    "at_risk": [f"{target}.{AT_RISK}" for target in Target],
    "breached": [f"{target}.{BREACHED}" for target in Target],
}


async def look_at_queues(connection: AsyncConnection, now: datetime) -> None:
    """Show what waits, which promises are in danger or broken, and who could take something."""
    standing = [Standing(**row) for row in (await connection.execute(_STANDING, _TOLD)).mappings()]
    rooms = [Room(**row) for row in (await connection.execute(_ROOM, {"now": now})).mappings()]
    shown = fullest(standing)
    _clear()
    for one in shown:
        _show(one, now)
    for room in room_in(rooms, shown):
        metrics.agents_free_units.labels(room.tenant, room.queue).set(room.units)


def _clear() -> None:
    """Forget queues in which nothing is left. Nobody asks for the metrics before they are set again."""
    for gauge in (
        metrics.cases_waiting,
        metrics.cases_oldest_seconds,
        metrics.cases_at_risk,
        metrics.cases_breached,
        metrics.agents_free_units,
    ):
        gauge.clear()


def _show(one: Standing, now: datetime) -> None:
    labels = one.tenant, one.queue
    age = (now - one.oldest).total_seconds() if one.oldest else 0
    metrics.cases_waiting.labels(*labels).set(one.waiting)
    metrics.cases_oldest_seconds.labels(*labels).set(age)
    metrics.cases_at_risk.labels(*labels).set(one.at_risk)
    metrics.cases_breached.labels(*labels).set(one.breached)
