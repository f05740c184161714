"""Puts the service together."""

from pathlib import Path

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from common.edges.clock import system_clock
from common.edges.consuming import ConsumingService, consuming_parts
from common.edges.problems import tell_problems
from common.edges.service import Health, health_routes
from common.edges.tokens import TokenVerifier
from timeline.core.entry import TOPICS
from timeline.edges.api import timeline_routes
from timeline.edges.consume import Historian
from timeline.edges.months import MonthsAhead
from timeline.edges.openapi import document_structs
from timeline.settings import Settings

SERVICE = "timeline"
MIGRATIONS = Path(__file__).parent / "migrations"


def build(settings: Settings) -> ConsumingService:
    """Build the service; nothing is started."""
    historian = Historian(system_clock, settings.region)
    parts = consuming_parts(SERVICE, settings, TOPICS, historian)
    months = MonthsAhead(parts.writer, system_clock)
    return parts.service(surface(parts.reader, settings, parts.health), months)


def surface(reader: AsyncEngine, settings: Settings, health: Health) -> FastAPI:
    """Build the HTTP surface over a database."""
    app = FastAPI(
        title="Madoguchi timeline",
        version="1.0.0",
        description="One history per customer that every channel can read.",
        docs_url="/docs",
        redoc_url=None,
    )
    verifier = TokenVerifier(settings.jwks, settings.issuer, settings.audience)
    app.include_router(timeline_routes(reader, verifier, settings.region))
    health_routes(app, health)
    tell_problems(app)
    document_structs(app)
    return app
