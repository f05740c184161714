"""Puts the service together."""

from pathlib import Path

from fastapi import FastAPI
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from common.edges.clock import system_clock
from common.edges.consumer import Consumer, ConsumerOptions
from common.edges.database import create_reader_engine, create_writer_engine
from common.edges.outbox import OutboxRelay
from common.edges.problems import tell_problems
from common.edges.publisher import Publisher
from common.edges.service import Closing, Component, Health, health_routes
from common.edges.tokens import TokenVerifier
from timeline.core.entry import TOPICS
from timeline.edges.api import timeline_routes
from timeline.edges.consume import Historian
from timeline.edges.months import MonthsAhead
from timeline.edges.openapi import document_structs
from timeline.settings import Settings

SERVICE = "timeline"
MIGRATIONS = Path(__file__).parent / "migrations"


class TimelineService(Struct, frozen=True):
    """The parts of a running timeline; `components` for common.edges.service.run, in order."""

    app: FastAPI
    health: Health
    components: tuple[Component, ...]


def build(settings: Settings) -> TimelineService:
    """Build the service; nothing is started."""
    writer = create_writer_engine(settings.database, SERVICE)
    publisher = Publisher(
        settings.kafka, settings.publish_timeout_seconds, settings.topic_prefix, SERVICE
    )
    relay = OutboxRelay(writer, publisher)
    consumer = Consumer(
        ConsumerOptions(
            bootstrap=settings.kafka,
            group=SERVICE,
            topics=TOPICS,
            prefix=settings.topic_prefix,
            batch_max_records=settings.batch_max_records,
            client_id=SERVICE,
        ),
        writer,
        Historian(system_clock, settings.region),
        after_commit=relay.wake,
    )
    health = Health()
    health.needs("consumer", lambda: consumer.progress.complaint(settings.stuck_after_seconds))
    months = MonthsAhead(writer, system_clock)
    reader = create_reader_engine(settings.database, SERVICE)
    closing = Closing(publisher.stop, writer.dispose, reader.dispose)
    components = (consumer, months, relay, closing)
    return TimelineService(surface(reader, settings, health), health, components)


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
