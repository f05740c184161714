"""Puts the service together."""

import hmac
import secrets
from collections.abc import Callable
from functools import cache
from pathlib import Path

from fastapi import FastAPI

from common.core.topics import ACTIVITIES, MESSAGES, ROUTING
from common.edges.clock import system_clock
from common.edges.components import Closing, Component
from common.edges.consumer import Consumer
from common.edges.consuming import ConsumingParts, ConsumingService, consuming_parts
from common.edges.database import create_reader_engine, create_writer_engine
from common.edges.objects import ObjectStore
from common.edges.problems import tell_problems
from common.edges.service import Health, health_routes
from common.edges.sessions import Questions
from common.edges.streaming import Streams
from common.edges.tokens import TokenVerifier, declare_scopes
from common.edges.watching import Watch, look_at_outbox
from timeline.core.entry import TOPICS
from timeline.core.file_links import LinkKeys, read_keys
from timeline.edges.api import timeline_routes
from timeline.edges.consume import Historian
from timeline.edges.conversations_api import conversations_routes
from timeline.edges.entries_api import entries_routes
from timeline.edges.erasure_guard import ErasureGuard
from timeline.edges.file_links import FileLinks
from timeline.edges.files_api import files_routes
from timeline.edges.head_api import head_routes
from timeline.edges.live_api import live_routes
from timeline.edges.live_feed import CustomersHub
from timeline.edges.months import MonthsAhead
from timeline.edges.openapi import document_structs
from timeline.edges.readers import Readers
from timeline.edges.search_api import search_routes
from timeline.edges.search_index import Followed, Indexer
from timeline.edges.standing import look_at_erasures, look_at_months
from timeline.figures_service import service_figures
from timeline.identity_service import identities_on
from timeline.own_group import own_group
from timeline.rights import rights_of_people
from timeline.settings import Settings

SERVICE = "timeline"
SEARCH_GROUP = "timeline-search"
SEARCH_TOPICS = (MESSAGES.name, ACTIVITIES.name, ROUTING.name)
MIGRATIONS = Path(__file__).parent / "migrations"


def build(settings: Settings) -> ConsumingService:
    """Build the service; nothing is started."""
    guard = ErasureGuard(settings.privacy_key)
    historian = Historian(system_clock, settings.region, guard)
    parts = consuming_parts(SERVICE, settings, TOPICS, historian)
    months = MonthsAhead(parts.writer, system_clock)
    searcher = create_reader_engine(settings.database, SERVICE, settings.search_connections)
    questions = Questions(settings.database, SERVICE)
    parts.closing.also(searcher.dispose)
    parts.closing.also(questions.close)
    watch = Watch(parts.writer, system_clock, look_at_outbox, look_at_months, look_at_erasures)
    work: list[Component] = [months, watch]
    if settings.search_indexing:
        progress = parts.consumer.progress
        work.append(_indexing(settings, parts.health, parts.closing, lambda: progress.behind))
    app = surface(Readers(parts.reader, questions, searcher), settings, parts.health)
    identities_on(app, settings, parts, system_clock)
    work += rights_of_people(app, settings, parts, SERVICE)
    work += service_figures(app, settings, parts, SERVICE)
    return parts.service(app, _live(app, settings, parts), *work)


def _live(app: FastAPI, settings: Settings, parts: ConsumingParts) -> CustomersHub:
    """Add the live streams to the surface; return what brings them what is new."""
    engine = create_writer_engine(settings.database, SERVICE, pool_size=2, keeps_plans=True)
    parts.closing.also(engine.dispose)
    streams = Streams("customer", settings.live_streams)
    hub = CustomersHub(engine, parts.reader, streams, lambda: parts.health.draining)
    verifier = TokenVerifier(settings.jwks, settings.issuer, settings.audience)
    app.include_router(live_routes(parts.reader, verifier, hub, system_clock))
    return hub


def build_search_index(settings: Settings) -> ConsumingService:
    """Build the process that only indexes for the search; nothing is started."""
    health = Health()
    app = FastAPI(title="Madoguchi timeline: search index", version="1.0.0")
    health_routes(app, health)
    closing = Closing()
    indexing = _indexing(settings, health, closing, lambda: False)
    return ConsumingService(app, health, (indexing, closing))


def _indexing(
    settings: Settings, health: Health, closing: Closing, busy: Callable[[], bool]
) -> Consumer:
    indexer = Indexer(Followed(SERVICE, settings.topic_prefix, busy), settings.region)
    return own_group(settings, health, closing, SERVICE, SEARCH_GROUP, SEARCH_TOPICS, indexer)


def surface(readers: Readers, settings: Settings, health: Health) -> FastAPI:
    """Build the HTTP surface over a database."""
    reader = readers.engine
    app = FastAPI(
        title="Madoguchi timeline",
        version="1.0.0",
        description="One history per customer that every channel can read.",
        docs_url="/docs",
        redoc_url=None,
    )
    verifier = TokenVerifier(settings.jwks, settings.issuer, settings.audience)
    app.include_router(timeline_routes(readers, verifier, settings.region))
    app.include_router(conversations_routes(reader, verifier))
    app.include_router(head_routes(readers.questions, verifier, system_clock))
    links = FileLinks(_link_keys(settings), system_clock, settings.public_url)
    app.include_router(entries_routes(reader, verifier, links))
    app.include_router(files_routes(reader, links, _objects_of(settings)))
    app.include_router(search_routes(readers.searcher, verifier, settings.region))
    health_routes(app, health)
    tell_problems(app)
    document_structs(app)
    declare_scopes(app)
    return app


def _link_keys(settings: Settings) -> LinkKeys:
    """Return the keys of the settings; else one that replicas have in common, or nobody else has."""
    if named := read_keys(settings.link_keys):
        return named
    shared = settings.privacy_key.encode()
    key = hmac.digest(shared, b"madoguchi.links", "sha256") if shared else secrets.token_bytes(32)
    return LinkKeys({"own": key})


def _objects_of(settings: Settings) -> Callable[[], ObjectStore]:
    """Return what opens the object store when the first file is asked for."""
    return cache(lambda: ObjectStore.open(settings.objects))
