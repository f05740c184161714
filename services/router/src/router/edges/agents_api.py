"""Who answers: profiles by supervisors, presence and heartbeats by the agents' tools."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Query
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from common.core.work import Presence
from common.edges.database import reading
from common.edges.idempotency import Asked, asked
from common.edges.tokens import Principal
from router.core.policy import Policy
from router.core.presence import Profile
from router.core.queues import answering
from router.edges.agents_questions import agent_by_id, agents_after
from router.edges.agents_store import beat, register, retire, set_presence
from router.edges.agents_views import (
    AGENT_ID,
    AgentsPage,
    AgentView,
    Name,
    PresenceBody,
    ProfileBody,
)
from router.edges.openapi import answers, refusals
from router.edges.surface import Surface, existing, must_be_self

MOST_AGENTS = 500

AgentId = Annotated[
    str,
    Path(pattern=AGENT_ID, description="the agent's id: `sub` of his token", examples=["tanaka"]),
]
Request = Annotated[Asked, Depends(asked)]


def agents_routes(surface: Surface) -> APIRouter:
    """Return `/v1/agents`; other tenants' agents do not exist."""
    routes = APIRouter(
        prefix="/v1/agents", tags=["agents"], responses=refusals(400, 401, 403, 422, 503)
    )
    _reading(routes, surface)
    _changing(routes, surface)
    return routes


def _reading(routes: APIRouter, surface: Surface) -> None:
    reader = Annotated[Principal, surface.readers()]
    anybody = Annotated[Principal, surface.everybody()]

    @routes.get("", summary="Agents, by id")
    async def agents(
        principal: reader,
        queue: Annotated[Name | None, Query(description="who answers from it")] = None,
        presence: Presence | None = None,
        limit: Annotated[int, Query(ge=1, le=MOST_AGENTS)] = 100,
        after: Annotated[str, Query(max_length=100, description="`next` of the page before")] = "",
    ) -> AgentsPage:
        async with reading(surface.reader, principal.tenant) as connection:
            found = await agents_after(
                connection, principal.tenant, queue, presence, after.replace("\0", ""), limit + 1
            )
        more = len(found) > limit
        shown = [AgentView.model_validate(agent) for agent in found[:limit]]
        return AgentsPage(agents=shown, next=shown[-1].agent if more else None)

    @routes.get("/{agent_id}", summary="An agent as he stands", responses=refusals(404))
    async def agent(principal: anybody, agent_id: AgentId) -> AgentView:
        if "routing:read" not in principal.scopes:
            must_be_self(principal, agent_id)
        async with reading(surface.reader, principal.tenant) as connection:
            found = await agent_by_id(connection, principal.tenant, agent_id)
        return AgentView.model_validate(existing(found, "agent"))


def _changing(routes: APIRouter, surface: Surface) -> None:
    supervisor = Annotated[Principal, surface.supervisors()]
    caller = Annotated[Principal, surface.agents()]

    @routes.put(
        "/{agent_id}",
        summary="Make an agent be as described",
        responses=answers(AgentView, "The agent as he stands now"),
        response_class=Response,
    )
    async def put(
        principal: supervisor, agent_id: AgentId, body: ProfileBody, request: Request
    ) -> Response:
        """Register an agent, or change him. The same again changes nothing.

        What he has and is offered stays with him, also above a smaller capacity.
        """
        profile = _profile(body, surface.rules.policy)

        async def work(connection: AsyncConnection, now: datetime) -> AgentView:
            made = await register(
                connection,
                principal.tenant,
                agent_id,
                profile,
                surface.rules.policy,
                now,
                principal.subject,
            )
            return AgentView.model_validate(made)

        return await surface.act(principal, request, work)

    @routes.delete(
        "/{agent_id}",
        status_code=204,
        summary="Retire an agent",
        responses=refusals(404, 409),
        response_class=Response,
    )
    async def delete(principal: supervisor, agent_id: AgentId, request: Request) -> Response:
        """Let an agent work no more: offline, no queues, capacity 0; his cases wait again.

        He stays known, since cases and offers name him. A PUT takes him in again.
        """

        async def work(connection: AsyncConnection, now: datetime) -> None:
            policy = surface.rules.policy
            existing(
                await retire(
                    connection, principal.tenant, agent_id, policy, now, principal.subject
                ),
                "agent",
            )

        return await surface.act(principal, request, work)

    @routes.post(
        "/{agent_id}/presence",
        summary="Come, go away or leave; or just be there still",
        responses={**answers(AgentView, "The agent as he stands now"), **refusals(404, 409)},
        response_class=Response,
    )
    async def presence(
        principal: caller, agent_id: AgentId, body: PresenceBody, request: Request
    ) -> Response:
        """Say whether an agent takes work. The same again is a heartbeat, due every third of `heartbeat`.

        Whoever leaves keeps the cases that he has accepted, for a while; his offers go back at once.
        """
        must_be_self(principal, agent_id)

        async def work(connection: AsyncConnection, now: datetime) -> AgentView:
            tenant = principal.tenant
            if not await beat(connection, tenant, agent_id, body.presence, now):
                policy = surface.rules.policy
                await set_presence(
                    connection, tenant, agent_id, body.presence, policy, now, body.reason
                )
            found = await agent_by_id(connection, tenant, agent_id)
            return AgentView.model_validate(existing(found, "agent"))

        return await surface.act(principal, request, work)


def _profile(body: ProfileBody, policy: Policy) -> Profile:
    """Return a profile, with the queues of its team as the rules have them now.

    Raises HTTPException (422) that names what the rules do not know.
    """
    _all_known("skills", body.skills, policy.skills)
    _all_known("queues", body.queues, policy.desks)
    return Profile(
        name=body.name,
        team=body.team,
        skills=dict(body.skills),
        queues=answering(body.queues, body.team, policy.teams),
        capacity=body.capacity,
        channels={str(channel): units for channel, units in body.channels.items()},
    )


def _all_known(what: str, named: Iterable[str], known: Iterable[str]) -> None:
    unknown = sorted(set(named) - set(known))
    if unknown:
        raise HTTPException(422, f"{what}: the rules do not know {', '.join(unknown)}")
