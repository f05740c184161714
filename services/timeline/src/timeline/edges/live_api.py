"""What agents' tools follow: a customer's history as it happens."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, HTTPException, Path, Query
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.responses import Response

from common.edges.clock import Clock
from common.edges.database import reading
from common.edges.streaming import MEDIA_TYPE, StreamResponse, seconds_left
from common.edges.tokens import Principal, TokenVerifier, bearer
from timeline.edges.asked import SCOPE
from timeline.edges.live_feed import CustomersHub
from timeline.edges.openapi import refusals
from timeline.edges.reader import current_id

MOST = 2**63 - 1

After = Annotated[
    int | None, Query(ge=0, le=MOST, description="an event's id: the stream goes on after it")
]
LastEventId = Annotated[
    int | None, Header(ge=0, le=MOST, description="the same, as a browser says it by itself")
]

_EXAMPLE = """\
id: 1795315320000411
event: following
data: {"customer":"a240f8fe-5360-5a76-92d5-ce10ac1fab1c"}

id: 1795315320000417
event: entry
data: {"id":"7c1b1d8e-7c55-5a37-8d3f-5f0a3e0a8b21","kind":"message","channel":"line","…":"…"}

"""
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events, without an end",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": _EXAMPLE}},
    }
}


def live_routes(
    engine: AsyncEngine, verifier: TokenVerifier, hub: CustomersHub, clock: Clock
) -> APIRouter:
    """Return `/v1/customers/{id}/events`; other tenants' customers do not exist."""
    routes = APIRouter(prefix="/v1", tags=["timeline"], responses=refusals(401, 403, 404, 422, 503))
    reader = Annotated[Principal, Depends(bearer(verifier, SCOPE))]

    @routes.get(
        "/customers/{customer_id}/events",
        summary="What happens to a customer, live",
        responses=_STREAM,
        response_class=Response,
    )
    async def events(
        principal: reader,
        customer_id: Annotated[UUID, Path(description="a customer's id, current or merged away")],
        after: After = None,
        last_event_id: LastEventId = None,
    ) -> Response:
        """Tell of each new item and each change of one, as pages show them, within moments.

        `following` comes first and says whom the id means now, then `entry` (a new item), `changed`
        (an item as it stands now), `amended` (something was said of a message that is older than
        the newest 50), `customer.merged` and `customer.unmerged` (contacts came or went), and
        `reload` (too much was missed to be told: read the pages again, and go on here).
        Come back with the last id and you are told what you missed. A comment comes every 15
        seconds; the stream ends with your token, after 15 minutes, and when the server is replaced.
        """
        async with reading(engine, principal.tenant) as connection:
            if await current_id(connection, principal.tenant, customer_id) is None:
                raise HTTPException(404, "no such customer")
        hub.require_room()
        since = last_event_id if last_event_id is not None else after
        return StreamResponse(
            lambda: hub.opened(principal.tenant, customer_id, since),
            seconds_left(principal, clock()),
        )

    return routes
