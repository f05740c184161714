"""A recorded decision with everything that it was made from, to be made again or otherwise."""

from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.cases import Decision
from common.edges.database import ReadConnection
from router.core.agents import Agent
from router.core.facts import Roster
from router.core.inputs import Inputs
from router.core.loading import load
from router.core.policy import compiled
from router.core.roster import roster_of
from router.core.wording import Language
from router.core.worlds import World
from router.edges import rules_store

# Of one message the newest decision, of a case the one that placed it last.
_RECORDED = text(
    """
    SELECT CAST(decision.body AS text) AS decision, CAST(input.body AS text) AS inputs,
           decision.tenant
      FROM decision
      JOIN decision_input AS input USING (message_event, tenant, cause)
      LEFT JOIN support_case USING (case_id, tenant)
     WHERE (CAST(:case_id AS uuid) IS NULL OR case_id = :case_id)
       AND message_event = coalesce(CAST(:message_event AS uuid), support_case.decided_by)
     ORDER BY decision_number DESC LIMIT 1
    """
)
# Whoever was online or away by that number of the journal, as he was then.
_ROSTER = text(
    """
    SELECT CAST(body AS text) AS body FROM (
      SELECT DISTINCT ON (agent) body FROM roster_event
       WHERE tenant = :tenant AND sequence <= :sequence ORDER BY agent, sequence DESC
    ) AS newest
    """
)


class Recalled(Struct, frozen=True):
    """A decision as it was recorded, what it was made from, and whose it is."""

    decision: Decision
    inputs: Inputs
    tenant: str


class UnknownRulesError(LookupError):
    """The rules that a decision was made by were not kept."""


async def recall(
    connection: AsyncConnection | ReadConnection, case_id: UUID | None, message_event: UUID | None
) -> Recalled | None:
    """Return the decision about a message, or the one that placed a case last."""
    asked = {"case_id": case_id, "message_event": message_event}
    row = (await connection.execute(_RECORDED, asked)).one_or_none()
    if row is None:
        return None
    return Recalled(
        msgspec.json.decode(row.decision, type=Decision),
        msgspec.json.decode(row.inputs, type=Inputs),
        row.tenant,
    )


async def world_of(
    connection: AsyncConnection | ReadConnection,
    recalled: Recalled,
    language: Language | None = None,
) -> World:
    """Return the world in which a decision was made; its reasons in a language of one's own.

    Raises UnknownRulesError.
    """
    version = recalled.inputs.rules_version
    stored = await rules_store.stored(connection, version)
    if stored is None:
        raise UnknownRulesError(f"the rules {version[:12]} were not kept")
    policy = compiled(load(stored.rules.encode()).rules, version, language)
    roster = await _roster(connection, recalled)
    return World(recalled.inputs, roster, policy)


async def _roster(
    connection: AsyncConnection | ReadConnection, recalled: Recalled
) -> Roster | None:
    sequence = recalled.inputs.roster
    if sequence is None:
        return None
    known = {"tenant": recalled.tenant, "sequence": sequence}
    rows = await connection.execute(_ROSTER, known)
    return roster_of((msgspec.json.decode(row.body, type=Agent) for row in rows), sequence)
