"""An agent's answer to an offer, in the caller's transaction."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.agents import Agent, Offer
from router.core.facts import Case
from router.core.offers import accept, decline
from router.core.policy import Policy
from router.core.steps import ConflictError
from router.edges.cases_store import keep, locked
from router.edges.work import offers


async def accept_offer(
    connection: AsyncConnection, offer_id: UUID, policy: Policy, now: datetime
) -> None:
    """Take the case of an offer that exists. Raises ConflictError where it stands no more."""
    case, agent, made = await _standing(connection, offer_id)
    await keep(connection, [accept(case, agent, made, now)], policy, now)


async def decline_offer(
    connection: AsyncConnection, offer_id: UUID, policy: Policy, now: datetime, reason: str | None
) -> None:
    """Let the case of an offer that exists wait for others. Raises ConflictError as above."""
    case, agent, made = await _standing(connection, offer_id)
    await keep(connection, [decline(case, agent, made, policy.terms, now, reason)], policy, now)


async def _standing(connection: AsyncConnection, offer_id: UUID) -> tuple[Case, Agent, Offer]:
    """Return an offer as it stands with its case and agent locked."""
    seen = (await offers(connection, [offer_id]))[offer_id]
    found = await locked(connection, seen.tenant, seen.case_id, [seen.agent])
    made = (await offers(connection, [offer_id]))[offer_id]
    if found is None:
        raise ConflictError("the case is gone")
    return found.standing.case, found.agents[made.agent], made
