"""Puts the service together."""

from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.topics import ROUTING
from common.edges.batches import Received
from common.edges.clock import system_clock
from common.edges.consuming import ConsumingService, consuming_parts
from common.edges.database import create_writer_engine
from common.edges.idempotency import IdempotencySweep
from common.edges.kafka import kafka_access
from common.edges.parked_letters import ParkedLetters
from common.edges.problems import tell_problems
from common.edges.service import Health, health_routes
from common.edges.streaming import Streams
from common.edges.tokens import TokenVerifier, declare_scopes
from common.edges.watching import Watch, look_at_outbox
from router.edges.api import add_routes
from router.edges.consume import TOPICS, Routing
from router.edges.erasing import Erasing
from router.edges.matcher import Matcher
from router.edges.offers_feed import OffersHub
from router.edges.openapi import document_structs
from router.edges.queue_feed import QueuesHub
from router.edges.queues_api import queue_view
from router.edges.roster_view import RosterView
from router.edges.rules_file import RulesFile
from router.edges.rules_source import RulesSource
from router.edges.signals import OFFERS, Listener
from router.edges.standing import look_at_queues
from router.edges.surface import Surface
from router.edges.ticker import Ticker
from router.settings import Settings

SERVICE = "router"
MIGRATIONS = Path(__file__).parent / "migrations"


def build(settings: Settings) -> ConsumingService:
    """Return the service, not started yet. Raises RulesError or OSError without usable rules."""
    rules = _rules(settings)
    background = create_writer_engine(settings.database, SERVICE, pool_size=2)
    roster = RosterView(background)
    routing = Routing(lambda: rules.policy, system_clock, roster.of)
    erasing = Erasing(settings.privacy_key, system_clock)

    async def settle(connection: AsyncConnection) -> None:
        await rules.settle(connection)
        await roster.settle(connection)

    async def handle(connection: AsyncConnection, batch: Sequence[Received]) -> None:
        await settle(connection)
        await routing.handle(connection, await erasing.admitted(connection, batch))

    parts = consuming_parts(SERVICE, settings, TOPICS, handle)
    parts.health.needs("rules", rules.unknown)
    parts.health.mentions("rules", rules.complaint)
    parts.health.mentions("activation", rules.note)
    ticker = Ticker(
        background, settle, lambda: rules.policy, roster.of, system_clock, parts.relay.wake
    )
    acting = create_writer_engine(settings.database, SERVICE, pool_size=10)
    matching = create_writer_engine(settings.database, SERVICE, pool_size=2, keeps_plans=True)
    news = Listener(matching)
    matcher = Matcher(
        matching,
        news,
        settle,
        lambda: rules.policy,
        system_clock,
        parts.relay.wake,
        settings.match_seconds,
    )
    surface = Surface(
        reader=parts.reader,
        writer=acting,
        verifier=TokenVerifier(settings.jwks, settings.issuer, settings.audience),
        rules=rules,
        clock=system_clock,
        after_commit=parts.relay.wake,
    )
    hub = OffersHub(
        acting,
        Listener(acting, OFFERS),
        Streams("offers", settings.live_streams),
        system_clock,
        lambda: rules.policy.heartbeat,
        lambda: parts.health.draining,
    )
    queues = _queues_hub(settings, surface, parts.health)
    sweep = IdempotencySweep(acting, system_clock)
    watch = Watch(background, system_clock, look_at_outbox, look_at_queues)
    for engine in (background, matching, acting):
        parts.closing.also(engine.dispose)
    app = _app(surface, hub, queues, parts.health)
    letters = ParkedLetters(kafka_access(settings), settings.topic_prefix)
    work = (rules, news, matcher, ticker, roster, hub, queues, sweep, watch, letters)
    return parts.service(app, *work)


def _rules(settings: Settings) -> RulesSource:
    file = RulesFile(settings.rules)
    engine = create_writer_engine(settings.database, SERVICE, pool_size=2)
    return RulesSource(
        file, engine, settings.rules_source, settings.rules_poll_seconds, system_clock
    )


def _queues_hub(settings: Settings, surface: Surface, health: Health) -> QueuesHub:
    async def depth(tenant: str, queue: str) -> bytes | None:
        shown = await queue_view(surface, tenant, queue)
        return shown.model_dump_json().encode() if shown else None

    topic = settings.topic_prefix + ROUTING.name
    streams = Streams("queue", settings.live_streams)
    return QueuesHub(
        kafka_access(settings), topic, surface.writer, streams, depth, lambda: health.draining
    )


def _app(surface: Surface, hub: OffersHub, queues: QueuesHub, health: Health) -> FastAPI:
    app = FastAPI(title="Madoguchi router", version="1.0.0", docs_url="/docs", redoc_url=None)
    add_routes(app, surface, hub, queues)
    tell_problems(app)
    health_routes(app, health)
    document_structs(app)
    declare_scopes(app)
    return app
