"""Puts together what people's rights need: routes, the access log, and those who carry things out."""

from fastapi import FastAPI

from common.core.erasure import Marker
from common.edges.clock import system_clock
from common.edges.components import Component
from common.edges.consuming import ConsumingParts
from common.edges.database import EVERY_TENANT, TENANT, create_writer_engine
from common.edges.idempotency import IdempotencySweep
from common.edges.kafka import kafka_access
from common.edges.objects import ObjectStore
from common.edges.sessions import Sessions
from common.edges.tokens import TokenVerifier
from timeline.edges.access_log import AccessLog
from timeline.edges.access_watch import AccessWatch
from timeline.edges.erasure_bus import BusRetention
from timeline.edges.erasure_worker import Eraser
from timeline.edges.export_api import export_routes
from timeline.edges.export_worker import ExportWorker
from timeline.edges.privacy_api import access_routes, privacy_routes
from timeline.edges.privacy_surface import Rights, document_rights
from timeline.edges.retention import Retention
from timeline.settings import Settings


def rights_of_people(
    app: FastAPI, settings: Settings, parts: ConsumingParts, service: str
) -> tuple[Component, ...]:
    """Add the rights to the surface, and put it under watch; return who carries them out."""
    engine = create_writer_engine(settings.database, service, pool_size=6, keeps_plans=True)
    parts.closing.also(engine.dispose)
    marker = Marker(settings.privacy_key) if settings.privacy_key else None

    def objects() -> ObjectStore:
        return ObjectStore.open(settings.objects)

    rights = Rights(
        reader=parts.reader,
        writer=engine,
        verifier=TokenVerifier(settings.jwks, settings.issuer, settings.audience),
        objects=objects,
        marker=marker,
        clock=system_clock,
        after_commit=parts.relay.wake,
    )
    for routes in (privacy_routes(rights), access_routes(rights), export_routes(rights)):
        app.include_router(routes)
    document_rights(app)
    # One is enough: what waits while it writes is written together.
    sessions = Sessions(settings.database, service, size=1, **{TENANT: EVERY_TENANT})
    parts.closing.also(sessions.close)
    log = AccessLog(engine, sessions)
    app.add_middleware(AccessWatch, log=log, clock=system_clock)
    work: list[Component] = [
        Retention(engine, system_clock),
        ExportWorker(engine, parts.reader, objects(), system_clock),
        IdempotencySweep(engine, system_clock),
    ]
    if marker is not None:
        bus = BusRetention(kafka_access(settings), settings.topic_prefix)
        work.append(Eraser(engine, objects(), bus, marker, system_clock))
    return (*work, log)
