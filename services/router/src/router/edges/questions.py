"""What the API asks of Postgres; every question sees one tenant only."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text

from common.edges.database import ReadConnection
from router.core.facts import Case
from router.edges import tables
from router.edges.arrays import names
from router.edges.store import case_of


class Depth(Struct, frozen=True):
    """How many cases wait in a queue, since when, and by when one must be answered first."""

    waiting: int
    oldest: datetime
    next_due: datetime


_DEPTHS = text(
    """
    SELECT queue, count(*) AS waiting, min(opened_at) AS oldest,
           min(first_response_due) AS next_due
      FROM support_case WHERE tenant = :tenant AND state = 'waiting' GROUP BY queue
    """
)
_CASE = text(
    f"SELECT {names(tables.support_case)} FROM support_case "  # noqa: S608 - names of our own columns
    "WHERE case_id = :case_id AND tenant = :tenant"
)
_DECISION = text(
    """
    SELECT CAST(decision.body AS text) FROM decision
      JOIN support_case USING (case_id, tenant)
     WHERE case_id = :case_id AND tenant = :tenant
       AND message_event = coalesce(CAST(:message_event AS uuid), support_case.decided_by)
     ORDER BY decision_number DESC LIMIT 1
    """
)


async def depths(connection: ReadConnection, tenant: str) -> Mapping[str, Depth]:
    """Return the queues in which something waits."""
    rows = await connection.execute(_DEPTHS, {"tenant": tenant})
    return {row.queue: Depth(row.waiting, row.oldest, row.next_due) for row in rows}


async def case_by_id(connection: ReadConnection, tenant: str, case_id: UUID) -> Case | None:
    """Return a case of this tenant."""
    rows = await connection.execute(_CASE, {"tenant": tenant, "case_id": case_id})
    row = rows.mappings().one_or_none()
    return None if row is None else case_of(row)


async def decision_body(
    connection: ReadConnection, tenant: str, case_id: UUID, message_event: UUID | None
) -> str | None:
    """Return the JSON of a decision: of one message, or the one that placed the case last."""
    parameters = {"tenant": tenant, "case_id": case_id, "message_event": message_event}
    body: str | None = (await connection.execute(_DECISION, parameters)).scalar_one_or_none()
    return body
