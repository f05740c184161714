"""What agents are offered, as a live feed or a list, and their answers."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from common.edges.database import reading
from common.edges.idempotency import Asked, asked
from common.edges.streaming import MEDIA_TYPE, StreamResponse, seconds_left
from common.edges.tokens import Principal
from router.edges.agents_api import AgentId
from router.edges.agents_questions import agent_by_id
from router.edges.agents_views import DeclineBody, OffersPage, OfferView
from router.edges.answering_offers import accept_offer, decline_offer
from router.edges.offers_feed import OffersHub
from router.edges.offers_questions import MOST, changed, offer_shown, standing
from router.edges.openapi import answers, refusals
from router.edges.surface import Surface, existing, must_be_self

MOST_CHANGES = 2**31 - 1

After = Annotated[
    int | None,
    Query(ge=0, le=MOST_CHANGES, description="`next` of the answer before; none = what stands now"),
]
LastEventId = Annotated[
    int | None,
    Header(ge=0, le=MOST_CHANGES, description="the last event seen: the feed goes on after it"),
]
Request = Annotated[Asked, Depends(asked)]

_EVENT = """\
id: 8
event: offer
data: {"offer_id":"3c8bb5d9-7e0d-5c9f-8e33-0f5b3f6f8b11","state":"made","agent":"tanaka","…":"…"}

"""
_FEED: dict[int | str, dict[str, Any]] = {
    200: {
        "model": OffersPage,
        "description": "The offers; as server-sent events for `Accept: text/event-stream`",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": _EVENT}},
    }
}


def offers_routes(surface: Surface, hub: OffersHub) -> APIRouter:
    """Return `/v1/agents/{id}/offers` and `/v1/offers`; nobody sees another agent's."""
    routes = APIRouter(
        prefix="/v1", tags=["offers"], responses=refusals(400, 401, 403, 404, 422, 503)
    )
    _feed(routes, surface, hub)
    _answering(routes, surface)
    return routes


def _feed(routes: APIRouter, surface: Surface, hub: OffersHub) -> None:
    caller = Annotated[Principal, surface.agents()]

    @routes.get(
        "/agents/{agent_id}/offers",
        summary="What an agent is offered: a live feed, or a list",
        responses=_FEED,
        response_class=Response,
    )
    async def offers(
        principal: caller,
        agent_id: AgentId,
        accept: Annotated[str, Header(include_in_schema=False)] = "",
        after: After = None,
        last_event_id: LastEventId = None,
    ) -> Response:
        """Tell of each change of each offer, in the order in which they happened.

        With `Accept: text/event-stream` the answer does not end (server-sent events): first what
        stands now, or what changed since `Last-Event-ID`, then what changes, within moments. A
        comment comes every 15 seconds; after 15 minutes the server ends the stream, so come back
        with the last id, as browsers do by themselves. While it is open it is the agent's heartbeat.
        """
        must_be_self(principal, agent_id)
        tenant = principal.tenant
        since = last_event_id if last_event_id is not None else after
        async with reading(surface.reader, tenant) as connection:
            agent = existing(await agent_by_id(connection, tenant, agent_id), "agent")
            if MEDIA_TYPE in accept:
                hub.require_room()
                return StreamResponse(
                    lambda: hub.opened(tenant, agent_id, since),
                    seconds_left(principal, surface.clock()),
                )
            key = (tenant, agent_id)
            if since is None or since > agent.version:
                shown = await standing(connection, [key])
                last = agent.version
            else:
                shown = await changed(connection, [(key, since)])
                last = since if len(shown) == MOST else max(since, agent.version)
        found = [item.offer for item in shown]
        page = OffersPage(offers=found, next=max([last, *(offer.version for offer in found)]))
        return Response(page.model_dump_json(), media_type="application/json")


def _answering(routes: APIRouter, surface: Surface) -> None:
    caller = Annotated[Principal, surface.agents()]

    @routes.get("/offers/{offer_id}", summary="An offer as it stands")
    async def show(principal: caller, offer_id: UUID) -> OfferView:
        async with reading(surface.reader, principal.tenant) as connection:
            shown = await offer_shown(connection, principal.tenant, offer_id)
        return own(principal, shown)

    @routes.post(
        "/offers/{offer_id}/accept",
        summary="Take the case",
        responses=answers(OfferView, "The offer, accepted"),
        response_class=Response,
    )
    async def accept(principal: caller, offer_id: UUID, request: Request) -> Response:
        """Assign the case to whom it was offered. 409: the offer has ended, and how."""

        async def work(connection: AsyncConnection, now: datetime) -> OfferView:
            own(principal, await offer_shown(connection, principal.tenant, offer_id))
            await accept_offer(connection, offer_id, surface.rules.policy, now)
            return own(principal, await offer_shown(connection, principal.tenant, offer_id))

        return await surface.act(principal, request, work)

    @routes.post(
        "/offers/{offer_id}/decline",
        summary="Leave the case to others",
        responses=answers(OfferView, "The offer, declined"),
        response_class=Response,
    )
    async def decline(
        principal: caller, offer_id: UUID, request: Request, body: DeclineBody | None = None
    ) -> Response:
        """Let the case wait for others; they come first for a while, longer each time."""
        reason = body.reason if body else None

        async def work(connection: AsyncConnection, now: datetime) -> OfferView:
            own(principal, await offer_shown(connection, principal.tenant, offer_id))
            await decline_offer(connection, offer_id, surface.rules.policy, now, reason)
            return own(principal, await offer_shown(connection, principal.tenant, offer_id))

        return await surface.act(principal, request, work)


def own(principal: Principal, shown: OfferView | None) -> OfferView:
    """Return an offer to whom it was made, or 404: to others it does not exist."""
    mine = shown is not None and shown.agent == principal.subject
    return existing(shown if mine else None, "offer")
