"""Puts the service together."""

from pathlib import Path

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from common.edges.clock import system_clock
from common.edges.consuming import ConsumingService, consuming_parts
from common.edges.problems import tell_problems
from common.edges.service import Health, health_routes
from common.edges.tokens import TokenVerifier
from router.edges.api import routing_routes
from router.edges.consume import TOPICS, Routing
from router.edges.openapi import document_structs
from router.edges.rules_file import RulesFile
from router.settings import Settings

SERVICE = "router"
MIGRATIONS = Path(__file__).parent / "migrations"


def build(settings: Settings) -> ConsumingService:
    """Return the service, not started yet. Raises RulesError or OSError without usable rules."""
    rules = RulesFile(settings.rules, settings.rules_poll_seconds)
    routing = Routing(lambda: rules.policy, system_clock)
    parts = consuming_parts(SERVICE, settings, TOPICS, routing.handle)
    parts.health.mentions("rules", rules.complaint)
    return parts.service(_app(settings, rules, parts.health, parts.reader), rules)


def _app(settings: Settings, rules: RulesFile, health: Health, reader: AsyncEngine) -> FastAPI:
    app = FastAPI(title="Madoguchi router", version="1.0.0", docs_url="/docs", redoc_url=None)
    verifier = TokenVerifier(settings.jwks, settings.issuer, settings.audience)
    app.include_router(routing_routes(reader, verifier, rules, system_clock))
    tell_problems(app)
    health_routes(app, health)
    document_structs(app)
    return app
