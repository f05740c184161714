"""What wallboards follow: a queue as it changes."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query
from starlette.responses import Response

from common.edges.streaming import MEDIA_TYPE, StreamResponse, seconds_left
from common.edges.tokens import Principal
from router.core.queue_feed import read_place
from router.edges.agents_views import Name
from router.edges.openapi import refusals
from router.edges.queue_feed import QueuesHub
from router.edges.queues_api import queue_view
from router.edges.surface import Surface, existing

_PLACE = r"^[0-9]{1,18}(\.[0-9]{1,18}){0,999}$"

After = Annotated[
    str | None, Query(pattern=_PLACE, description="an event's id: the stream goes on after it")
]
LastEventId = Annotated[
    str | None, Header(pattern=_PLACE, description="the same, as a browser says it by itself")
]

_EXAMPLE = """\
id: 17.4.0.22
event: following
data: {}

event: depth
data: {"queue":"technical","waiting":12,"offered":2,"assigned":9,"held":4,"…":"…"}

id: 17.4.1.22
event: case.entered
data: {"case_id":"a1f93248-…","contact":"tel:+819012345678","queue":"technical","at":"…"}

"""
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events, without an end",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}, "example": _EXAMPLE}},
    }
}


def queue_feed_routes(surface: Surface, hub: QueuesHub) -> APIRouter:
    """Return `/v1/queues/{queue}/events`."""
    routes = APIRouter(prefix="/v1", tags=["queues"], responses=refusals(401, 403, 404, 422, 503))
    reader = Annotated[Principal, surface.readers()]

    @routes.get(
        "/queues/{queue}/events",
        summary="What happens to a queue, live",
        responses=_STREAM,
        response_class=Response,
    )
    async def events(
        principal: reader,
        queue: Annotated[Name, Path(description="its name in the rules", examples=["technical"])],
        after: After = None,
        last_event_id: LastEventId = None,
    ) -> Response:
        """Tell of cases that come and go, of offers and of promises, as the bus tells of them.

        `following` comes first, then `depth` (how the queue stands, again whenever it changed, at most
        once a second), `case.entered`, `case.left`, and the bus's own events of the queue's cases:
        `offer.*`, `sla.*`, `case.held`, `case.answered`, … Come back with the last id and you are told
        what you missed; of too much, only to `reload`.
        """
        existing(await queue_view(surface, principal.tenant, queue), "queue")
        hub.require_room()
        since = last_event_id if last_event_id is not None else after
        place = read_place(since) if since is not None else None
        return StreamResponse(
            lambda: hub.opened(principal.tenant, queue, place),
            seconds_left(principal, surface.clock()),
        )

    return routes
