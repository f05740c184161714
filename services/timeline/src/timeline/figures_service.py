"""Wires the figures: what answers questions about them, and the group that counts."""

from fastapi import FastAPI

from common.core.topics import MESSAGES, ROUTING
from common.edges.clock import system_clock
from common.edges.consumer import Consumer, ConsumerOptions
from common.edges.consuming import ConsumingParts, ConsumingService
from common.edges.database import create_writer_engine
from common.edges.kafka import kafka_access
from common.edges.service import Closing, Component, Health, health_routes
from common.edges.tokens import TokenVerifier
from timeline.edges.figures_api import figure_routes
from timeline.edges.figures_follow import FiguresFollower
from timeline.edges.figures_targets_api import figure_target_routes
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
    return _counting(settings, parts.health, service) if settings.figures_counting else ()


def build_figures(settings: Settings, service: str) -> ConsumingService:
    """Build the process that only counts the figures; nothing is started."""
    health = Health()
    app = FastAPI(title="Madoguchi timeline: figures", version="1.0.0")
    health_routes(app, health)
    return ConsumingService(app, health, _counting(settings, health, service))


def _counting(settings: Settings, health: Health, service: str) -> tuple[Component, ...]:
    """Return the figures' own consumer. Figures that fall behind make nobody unready."""
    engine = create_writer_engine(settings.database, service, pool_size=2)
    options = ConsumerOptions(
        kafka=kafka_access(settings),
        group=FIGURES_GROUP,
        topics=FIGURES_TOPICS,
        prefix=settings.topic_prefix,
        batch_max_records=settings.batch_max_records,
        client_id=FIGURES_GROUP,
        session_timeout_seconds=settings.session_timeout_seconds,
        dead_letters=False,  # the timeline's own group tells of them
    )
    consumer = Consumer(options, engine, FiguresFollower(settings.region, settings.privacy_key))
    health.mentions("figures", lambda: consumer.progress.complaint(settings.stuck_after_seconds))
    return consumer, Closing(engine.dispose)
