"""What the API asks Postgres about agents; every question sees one tenant only."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.work import Presence
from router.core.agents import Agent
from router.edges import tables
from router.edges.arrays import names
from router.edges.work import agent_of

_COLUMNS = names(tables.agent)
_ONE = text(f"SELECT {_COLUMNS} FROM agent WHERE tenant = :tenant AND agent = :agent")  # noqa: S608 - names of our own columns
_PAGE = text(
    f"""
    SELECT {_COLUMNS} FROM agent
     WHERE tenant = :tenant AND agent > :after
       AND (CAST(:presence AS text) IS NULL OR presence = :presence)
       AND (CAST(:queue AS text) IS NULL OR agent IN (
         SELECT agent FROM agent_queue WHERE tenant = :tenant AND queue = :queue
       ))
     ORDER BY agent LIMIT :most
    """  # noqa: S608 - names of our own columns
)


async def agent_by_id(connection: AsyncConnection, tenant: str, agent: str) -> Agent | None:
    """Return an agent of this tenant."""
    rows = await connection.execute(_ONE, {"tenant": tenant, "agent": agent})
    row = rows.mappings().one_or_none()
    return None if row is None else agent_of(row)


async def agents_after(
    connection: AsyncConnection,
    tenant: str,
    queue: str | None,
    presence: Presence | None,
    after: str,
    most: int,
) -> list[Agent]:
    """Return the next agents by id, of one queue or all, present or not."""
    parameters = {
        "tenant": tenant,
        "queue": queue,
        "presence": presence,
        "after": after,
        "most": most,
    }
    rows = await connection.execute(_PAGE, parameters)
    return [agent_of(row) for row in rows.mappings()]
