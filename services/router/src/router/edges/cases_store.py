"""What people do with cases, in the caller's transaction: lock, step, save, tell the matcher.

The case is locked first, then whoever is concerned, so two who act on one case act one after the
other; the second finds it as the first left it, and is told so (ConflictError).
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.agents import Agent
from router.core.facts import Case
from router.core.policy import Policy
from router.core.steps import Change
from router.core.waking import Standing
from router.edges.signals import news_of, tell
from router.edges.work import locked_agents, locked_cases, offers, save_changes

_MATCHED = text(
    """
    SELECT CAST(body -> 'rules' AS text) AS rules FROM decision
     WHERE tenant = :tenant AND message_event = :message_event
     ORDER BY decision_number DESC LIMIT 1
    """
)


class Trial(Struct, frozen=True):
    """As much of a rule's trial as is needed here."""

    rule: str
    matched: bool


class Locked(Struct, frozen=True):
    """A case with its holder and offer, and others who are concerned, locked."""

    standing: Standing
    agents: dict[str, Agent]


async def locked(
    connection: AsyncConnection, tenant: str, case_id: UUID, agents: Collection[str] = ()
) -> Locked | None:
    """Return a case of this tenant, who has it or is offered it, and these agents, all locked."""
    case = (await locked_cases(connection, [case_id])).get(case_id)
    if case is None or case.tenant != tenant:
        return None
    named = {*agents, *([case.agent] if case.agent else [])}
    found = await locked_agents(connection, sorted((tenant, name) for name in named))
    by_name = {name: agent for (_, name), agent in found.items()}
    made = await offers(connection, [case.offer]) if case.offer else {}
    holder = by_name.get(case.agent) if case.agent else None
    standing = Standing(case=case, agent=holder, offer=made.get(case.offer) if case.offer else None)
    return Locked(standing, by_name)


async def keep(
    connection: AsyncConnection, changes: Sequence[Change], policy: Policy, now: datetime
) -> Case:
    """Write what the steps left, tell the matcher what waits and who has room; return the case."""
    await save_changes(connection, changes, policy, now)
    case = changes[-1].case
    agents = [change.agent for change in changes if change.agent]
    await tell(connection, news_of([case], agents))
    return case


async def matched_rules(connection: AsyncConnection, case: Case) -> set[str]:
    """Return the ids of the rules that held for the message that placed a case."""
    parameters = {"tenant": case.tenant, "message_event": case.decided_by}
    found = (await connection.execute(_MATCHED, parameters)).scalar_one_or_none()
    trials = msgspec.json.decode(found, type=list[Trial]) if found else []
    return {trial.rule for trial in trials if trial.matched}
