"""What the three ingest services have in common: everything but their adapters."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from fastapi import FastAPI
from msgspec import Struct

from common.core.adapters import Adapter, Parse
from common.edges.accounts import Accounts, load_accounts
from common.edges.clock import Clock, system_clock
from common.edges.components import Closing, Component
from common.edges.database import create_writer_engine
from common.edges.inbox import Inbox
from common.edges.intake import Intake
from common.edges.kafka import kafka_access
from common.edges.media_service import build_media
from common.edges.objects import ObjectStore
from common.edges.originals import Originals
from common.edges.outbound import Outbound
from common.edges.parsing import Parsing, ParsingLimits, Unread
from common.edges.ports import Accepting, Publishing, Stage
from common.edges.publisher import Publisher
from common.edges.replay import Replay
from common.edges.service import Health, health_routes, instance_name
from common.edges.watching import Watch, look_at_inbox, look_at_outbox
from common.edges.webhooks import WebhookEdge, add_webhook_routes
from common.settings import IngestSettings

MIGRATIONS = Path(__file__).parent.parent / "ingest_migrations"


class IngestService(Struct, frozen=True):
    """The parts of a running ingest service; `components` for common.edges.service.run.

    `entrance` is where messages go in: the intake, or the stage before it.
    """

    app: FastAPI
    health: Health
    accounts: Accounts
    intake: Intake
    entrance: Accepting
    clock: Clock
    replay: Replay
    closing: Closing
    components: tuple[Component, ...]


def build_ingest(
    service: str,
    settings: IngestSettings,
    parse: Parse,
    adapters: Mapping[str, Adapter],
    *,
    unread: Unread | None = None,
    publisher: Publishing | None = None,
    stage: Callable[[Intake, Accounts], Stage] | None = None,
) -> IngestService:
    """Build the HTTP surface and the intake of one ingest service; nothing is started.

    `parse` and `unread` are what common.edges.parsing asks for. `publisher` stands in for Kafka where the cost of everything else is measured. `stage` makes
    what messages pass before the intake.
    """
    accounts = load_accounts(settings.accounts, os.environ)  # noqa: TID251 - secrets by reference
    objects = ObjectStore.open(settings.objects)
    engine = create_writer_engine(settings.database, service)
    publisher = publisher or Publisher(
        kafka_access(settings), settings.publish_timeout_seconds, settings.topic_prefix, service
    )
    originals = Originals(objects, service, instance_name(settings), system_clock)
    parsing = Parsing(parse, unread, parsing_limits(settings))
    intake = Intake(
        service=service,
        parsing=parsing,
        accounts=accounts,
        publisher=publisher,
        inbox=Inbox(engine),
        originals=originals,
        objects=objects,
        retry_seconds=settings.inbox_retry_seconds,
    )
    app = FastAPI(title=f"Madoguchi {service}", version="1.0.0", docs_url="/docs", redoc_url=None)
    health = Health()
    health.needs("startup", intake.complaint_at_start)
    health.mentions("intake", intake.complaint)
    health_routes(app, health)
    media = build_media(service, settings, accounts, tuple(adapters), engine, objects, publisher)
    if media is not None:
        stuck = settings.stuck_after_seconds
        health.mentions("media", lambda: media.consumer.progress.complaint(stuck))
        health.mentions("media credentials", media.client.complaint)
    outbound = Outbound()
    before = stage(intake, accounts) if stage else None
    entrance = before or intake
    edge = WebhookEdge(
        adapters, accounts, entrance, system_clock, outbound, settings.body_limit_bytes
    )
    add_webhook_routes(app, edge)
    health.mentions("accounts", edge.complaint)
    work: tuple[Component, ...] = (before, intake) if before else (intake,)
    retry = settings.inbox_retry_seconds
    replay = Replay(originals, accounts, intake, publisher, retry)
    closing = Closing(parsing.close, publisher.stop, engine.dispose, outbound.close)
    watch = Watch(engine, system_clock, look_at_inbox, *((look_at_outbox,) if media else ()))
    components = (*work, *(media.components if media else ()), watch, closing)
    return IngestService(
        app, health, accounts, intake, entrance, system_clock, replay, closing, components
    )


def parsing_limits(settings: IngestSettings) -> ParsingLimits:
    """Return how long an original may be read."""
    return ParsingLimits(seconds=settings.parsing_seconds, workers=settings.parsing_workers)


def migrate_ingest(service: str, settings: IngestSettings, scripts: Path = MIGRATIONS) -> None:
    """Bring the service's schema, which holds its inbox, to the newest revision."""
    from common.edges.migrations import migrate  # noqa: PLC0415 - Alembic, which nobody serves with

    migrate(scripts, settings.database, service)
