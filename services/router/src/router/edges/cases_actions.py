"""What people do with a case, each as a function of who does it, in the caller's transaction."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from fastapi import HTTPException
from msgspec import Struct
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core import handing
from router.core.agents import Agent
from router.core.facts import Case, CaseState
from router.core.lifecycle import hold, reopen, requeue, resolve
from router.core.policy import Policy
from router.core.sla import promise_of
from router.core.steps import Change, ConflictError
from router.core.waking import Standing
from router.edges.cases_store import Locked, keep, locked, matched_rules
from router.edges.surveys import plan_survey


class Actor(Struct, frozen=True):
    """Who acts, on which case, under which rules, when. A supervisor may act for others."""

    tenant: str
    subject: str
    supervises: bool
    case_id: UUID
    policy: Policy
    now: datetime


async def resolve_case(connection: AsyncConnection, actor: Actor) -> Case:
    """End the matter. Raises ConflictError where it is not the actor's, or ended."""
    standing = await _his(connection, actor)
    terms = actor.policy.terms
    before, case, holder = _taken_from_offer(standing, actor)
    change = resolve(case, holder, terms, actor.now, actor.subject)
    await plan_survey(connection, change.case, case.agent, actor.policy)
    return await keep(connection, [*before, change], actor.policy, actor.now)


async def reopen_case(connection: AsyncConnection, actor: Actor) -> Case:
    """Let a resolved case go on, with a new time for its resolution."""
    case = (await _locked(connection, actor)).standing.case
    if not actor.supervises and case.preferred != actor.subject:
        raise ConflictError("somebody else had the case last")
    promise = promise_of(case, actor.policy)
    due = promise.hours.add(actor.now, promise.resolution)
    change = reopen(case, due, actor.now, actor.subject)
    try:
        return await keep(connection, [change], actor.policy, actor.now)
    except IntegrityError as error:  # a conversation has one open case at most
        raise ConflictError("the conversation goes on in a later case") from error


async def hold_case(
    connection: AsyncConnection, actor: Actor, until: datetime | None, reason: str
) -> Case:
    """Let a case wait for its customer, or until a moment."""
    standing = await _his(connection, actor)
    before, case, holder = _taken_from_offer(standing, actor)
    change = hold(case, holder, until, actor.now, reason, actor.subject)
    return await keep(connection, [*before, change], actor.policy, actor.now)


async def requeue_case(connection: AsyncConnection, actor: Actor, reason: str) -> Case:
    """Let a case wait where it was, for somebody else to take."""
    standing = await _his(connection, actor)
    before, case, holder = _taken_from_offer(standing, actor)
    change = requeue(case, holder, case.queue, actor.now, reason, actor.subject)
    return await keep(connection, [*before, change], actor.policy, actor.now)


async def move_case(connection: AsyncConnection, actor: Actor, queue: str, reason: str) -> Case:
    """Let a case wait in another queue, asking there what is asked there."""
    standing = await _his(connection, actor)
    matched = await matched_rules(connection, standing.case)
    needs = handing.needs_in(standing.case, queue, matched, actor.policy)
    changes = handing.moved(standing, queue, needs, actor.now, reason, actor.subject)
    return await keep(connection, changes, actor.policy, actor.now)


async def hand_over_case(
    connection: AsyncConnection, actor: Actor, agent: str, reason: str
) -> Case:
    """Offer a case to another agent."""
    found = await _locked(connection, actor, [agent])
    _must_be_his(found.standing, actor)
    changes = handing.hand_over(
        found.standing, _known(found, agent), actor.policy, actor.now, reason, actor.subject
    )
    return await keep(connection, changes, actor.policy, actor.now)


async def assign_case(
    connection: AsyncConnection, actor: Actor, agent: str, reason: str, *, force: bool
) -> Case:
    """Give a case to an agent without asking him."""
    found = await _locked(connection, actor, [agent])
    changes = handing.assign(
        found.standing,
        _known(found, agent),
        actor.policy,
        actor.now,
        reason,
        actor.subject,
        force=force,
    )
    return await keep(connection, changes, actor.policy, actor.now)


async def pick_case(connection: AsyncConnection, actor: Actor) -> Case:
    """Let the actor take a waiting case himself."""
    found = await _locked(connection, actor, [actor.subject])
    agent = _known(found, actor.subject)
    changes = handing.pick(found.standing.case, agent, actor.policy, actor.now)
    return await keep(connection, changes, actor.policy, actor.now)


async def _his(connection: AsyncConnection, actor: Actor) -> Standing:
    """Return a case that the actor has, or may act on as a supervisor."""
    standing = (await _locked(connection, actor)).standing
    _must_be_his(standing, actor)
    return standing


def _must_be_his(standing: Standing, actor: Actor) -> None:
    case = standing.case
    his = case.state is CaseState.ASSIGNED and case.agent == actor.subject
    if not his and not actor.supervises:
        whose = f", by {case.agent}" if case.state is CaseState.ASSIGNED else ""
        raise ConflictError(f"you do not have the case: it is {case.state}{whose}")


def _taken_from_offer(standing: Standing, actor: Actor) -> tuple[list[Change], Case, Agent | None]:
    """Take an offer back that a supervisor acts over; return the case and who has it then."""
    if standing.case.state is not CaseState.OFFERED:
        return [], standing.case, standing.agent
    reason = actor.policy.say.offer_overtaken
    before, case = handing.released(standing, actor.now, reason, actor.subject)
    return before, case, None


async def _locked(
    connection: AsyncConnection, actor: Actor, agents: Collection[str] = ()
) -> Locked:
    found = await locked(connection, actor.tenant, actor.case_id, agents)
    if found is None:
        raise HTTPException(404, "no such case")
    return found


def _known(found: Locked, agent: str) -> Agent:
    if agent not in found.agents:
        raise HTTPException(404, "no such agent")
    return found.agents[agent]
