"""Wires the figures: what answers questions about them, and the group that counts."""

from fastapi import FastAPI

from common.core.topics import MESSAGES, ROUTING
from common.edges.clock import system_clock
from common.edges.components import Closing, Component
from common.edges.consumer import Consumer
from common.edges.consuming import ConsumingParts, ConsumingService
from common.edges.service import Health, health_routes
from common.edges.tokens import TokenVerifier
from timeline.edges.figures_api import figure_routes
from timeline.edges.figures_follow import FiguresFollower
from timeline.edges.figures_targets_api import figure_target_routes
from timeline.own_group import own_group
from timeline.settings import Settings

FIGURES_GROUP = "timeline-figures"
FIGURES_TOPICS = (MESSAGES.name, ROUTING.name)


def service_figures(
    app: FastAPI, settings: Settings, parts: ConsumingParts, service: str
) -> tuple[Component, ...]:
    """Add the figures to the surface; return what counts them, where this process does."""
    verifier = TokenVerifier(settings.jwks, settings.issuer, settings.audience)
    zone = settings.figures_time_zone
    app.include_router(figure_routes(parts.reader, verifier, system_clock, zone))
    app.include_router(figure_target_routes(parts.reader, parts.writer, verifier, system_clock))
    if not settings.figures_counting:
        return ()
    return (_counting(settings, parts.health, parts.closing, service),)


def build_figures(settings: Settings, service: str) -> ConsumingService:
    """Build the process that only counts the figures; nothing is started."""
    health = Health()
    app = FastAPI(title="Madoguchi timeline: figures", version="1.0.0")
    health_routes(app, health)
    closing = Closing()
    return ConsumingService(app, health, (_counting(settings, health, closing, service), closing))


def _counting(settings: Settings, health: Health, closing: Closing, service: str) -> Consumer:
    follower = FiguresFollower(settings.region, settings.privacy_key)
    return own_group(settings, health, closing, service, FIGURES_GROUP, FIGURES_TOPICS, follower)
