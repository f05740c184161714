"""What stands in each queue now, and who works from it: two questions, whatever the number of queues."""

from datetime import datetime

from msgspec import Struct
from sqlalchemy import TextClause, text

from common.core.work import Target
from common.edges.database import ReadConnection
from router.core.sla import AT_RISK, BREACHED


class Depth(Struct, frozen=True, kw_only=True):
    """The open cases of a queue by state; since when the oldest waits, and which promise comes next.

    `at_risk` and `breached` count those of them whose promises were told to be in danger, or broken.
    """

    waiting: int = 0
    offered: int = 0
    assigned: int = 0
    held: int = 0
    at_risk: int = 0
    breached: int = 0
    oldest: datetime | None = None
    next_due: datetime | None = None


class Staff(Struct, frozen=True, kw_only=True):
    """The agents of a queue by what they do now, and the units that those online have free."""

    online: int = 0
    winding_up: int = 0
    away: int = 0
    offline: int = 0
    free_units: int = 0


_ALL_DEPTHS = """
    SELECT queue,
           count(*) FILTER (WHERE state = 'waiting') AS waiting,
           count(*) FILTER (WHERE state = 'offered') AS offered,
           count(*) FILTER (WHERE state = 'assigned') AS assigned,
           count(*) FILTER (WHERE state = 'held') AS held,
           count(*) FILTER (WHERE told ?| CAST(:at_risk AS text[])
                              AND NOT told ?| CAST(:breached AS text[])) AS at_risk,
           count(*) FILTER (WHERE told ?| CAST(:breached AS text[])) AS breached,
           min(opened_at) FILTER (WHERE state = 'waiting') AS oldest,
           min(first_response_due) FILTER (WHERE state = 'waiting') AS next_due
      FROM support_case WHERE tenant = :tenant AND state <> 'resolved'
"""
_ALL_STAFF = """
    SELECT queue,
           count(*) FILTER (WHERE presence = 'online' AND NOT winds_up) AS online,
           count(*) FILTER (WHERE presence = 'online' AND winds_up) AS winding_up,
           count(*) FILTER (WHERE presence = 'away') AS away,
           count(*) FILTER (WHERE presence = 'offline') AS offline,
           coalesce(sum(greatest(0, capacity - load))
                    FILTER (WHERE presence = 'online' AND NOT winds_up), 0) AS free_units
      FROM agent_queue
      JOIN (
        SELECT agent, presence, capacity, load,
               coalesce(wrap_up_until > :now, false) AS winds_up
          FROM agent WHERE tenant = :tenant
      ) AS one USING (agent)
     WHERE agent_queue.tenant = :tenant
"""


def _grouped(query: str) -> tuple[TextClause, TextClause]:
    """Return a question about every queue, and the same about one."""
    every, one = f"{query} GROUP BY queue", f"{query} AND queue = :queue GROUP BY queue"
    return text(every), text(one)


_DEPTHS, _DEPTH_OF_ONE = _grouped(_ALL_DEPTHS)
_STAFF, _STAFF_OF_ONE = _grouped(_ALL_STAFF)


async def depths(
    connection: ReadConnection, tenant: str, queue: str | None = None
) -> dict[str, Depth]:
    """Return the queues that hold open cases, or only one of them."""
    parameters = {
        **({} if queue is None else {"queue": queue}),
        "tenant": tenant,
        "at_risk": [f"{target}.{AT_RISK}" for target in Target],
        "breached": [f"{target}.{BREACHED}" for target in Target],
    }
    rows = await connection.execute(_DEPTHS if queue is None else _DEPTH_OF_ONE, parameters)
    return {row.pop("queue"): Depth(**row) for row in map(dict, rows.mappings())}


async def staff(
    connection: ReadConnection, tenant: str, now: datetime, queue: str | None = None
) -> dict[str, Staff]:
    """Return the queues that somebody works from, or only one of them."""
    parameters = {**({} if queue is None else {"queue": queue}), "tenant": tenant, "now": now}
    rows = await connection.execute(_STAFF if queue is None else _STAFF_OF_ONE, parameters)
    return {row.pop("queue"): Staff(**row) for row in map(dict, rows.mappings())}
