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
from router.edges.api import routing_routes
from router.edges.consume import TOPICS, Routing
from router.edges.openapi import document_structs
from router.edges.rules_file import RulesFile
from router.settings import Settings

SERVICE = "router"
MIGRATIONS = Path(__file__).parent / "migrations"


class RouterService(Struct, frozen=True):
    """The parts of the running service; `components` stop in their order."""

    app: FastAPI
    health: Health
    components: tuple[Component, ...]


def build(settings: Settings) -> RouterService:
    """Return the service, not started yet. Raises RulesError or OSError without usable rules."""
    rules = RulesFile(settings.rules, settings.rules_poll_seconds)
    writer = create_writer_engine(settings.database, SERVICE)
    publisher = Publisher(
        settings.kafka, settings.publish_timeout_seconds, settings.topic_prefix, SERVICE
    )
    relay = OutboxRelay(writer, publisher)
    routing = Routing(lambda: rules.policy, system_clock)
    options = ConsumerOptions(
        bootstrap=settings.kafka,
        group=SERVICE,
        topics=TOPICS,
        prefix=settings.topic_prefix,
        batch_max_records=settings.batch_max_records,
        client_id=SERVICE,
    )
    consumer = Consumer(options, writer, routing.handle, after_commit=relay.wake)
    health = Health()
    health.needs("consumer", lambda: consumer.progress.complaint(settings.stuck_after_seconds))
    health.mentions("rules", rules.complaint)
    reader = create_reader_engine(settings.database, SERVICE)
    closing = Closing(publisher.stop, writer.dispose, reader.dispose)
    app = _app(settings, rules, health, reader)
    return RouterService(app, health, (rules, consumer, relay, closing))


def _app(settings: Settings, rules: RulesFile, health: Health, reader: AsyncEngine) -> FastAPI:
    app = FastAPI(title="Madoguchi router", version="1.0.0", docs_url="/docs", redoc_url=None)
    verifier = TokenVerifier(settings.jwks, settings.issuer, settings.audience)
    app.include_router(routing_routes(reader, verifier, rules, system_clock))
    tell_problems(app)
    health_routes(app, health)
    document_structs(app)
    return app
