"""What the API asks of Postgres; every question sees one tenant only."""

from uuid import UUID

from sqlalchemy import text

from common.edges.database import ReadConnection
from router.core.facts import Case
from router.edges import tables
from router.edges.arrays import names
from router.edges.store import case_of

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
