"""The router's HTTP surface: queues, cases, agents and their offers."""

from fastapi import FastAPI

from router.edges.agents_api import agents_routes
from router.edges.cases_api import cases_routes
from router.edges.offers_api import offers_routes
from router.edges.offers_feed import OffersHub
from router.edges.queue_feed import QueuesHub
from router.edges.queue_feed_api import queue_feed_routes
from router.edges.queues_api import queues_routes
from router.edges.surface import Surface, tell_conflicts
from router.edges.why_api import why_routes


def add_routes(app: FastAPI, surface: Surface, hub: OffersHub, queues: QueuesHub) -> None:
    """Add everything under `/v1`."""
    app.include_router(queues_routes(surface))
    app.include_router(queue_feed_routes(surface, queues))
    app.include_router(cases_routes(surface))
    app.include_router(why_routes(surface))
    app.include_router(agents_routes(surface))
    app.include_router(offers_routes(surface, hub))
    tell_conflicts(app)
