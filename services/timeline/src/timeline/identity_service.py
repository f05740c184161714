"""Puts together what people decide about who is who, and the companies that they belong to."""

from fastapi import FastAPI

from common.edges.clock import Clock
from common.edges.consuming import ConsumingParts
from common.edges.tokens import TokenVerifier
from timeline.edges.accounts_api import account_routes
from timeline.edges.identity_surface import Identities
from timeline.edges.merging_api import merging_routes
from timeline.edges.review_api import review_routes
from timeline.settings import Settings


def identities_on(app: FastAPI, settings: Settings, parts: ConsumingParts, clock: Clock) -> None:
    """Add the routes to the surface."""
    people = Identities(
        reader=parts.reader,
        writer=parts.writer,
        verifier=TokenVerifier(settings.jwks, settings.issuer, settings.audience),
        clock=clock,
        region=settings.region,
        after_commit=parts.relay.wake,
    )
    for routes in (merging_routes(people), review_routes(people), account_routes(people)):
        app.include_router(routes)
