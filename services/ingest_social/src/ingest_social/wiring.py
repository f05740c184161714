"""Puts the service together."""

import httpx
from msgspec.structs import replace

from common.edges.accounts import Accounts
from common.edges.components import Closing
from common.edges.database import create_writer_engine
from common.edges.ingest import IngestService, build_ingest
from common.edges.leases import Leases
from common.edges.service import instance_name
from ingest_social.core.registry import ADAPTERS, parse
from ingest_social.edges.asking import asking
from ingest_social.edges.cursors import Cursors
from ingest_social.edges.mentions import Listener, Mentions
from ingest_social.edges.streaming import Stream
from ingest_social.settings import Settings

SERVICE = "ingest_social"
ASKED = ("mastodon", "bluesky")
ANSWER_SECONDS = 20.0


def build(settings: Settings) -> IngestService:
    """Return the service, not started yet."""
    service = build_ingest(SERVICE, settings, parse, ADAPTERS)
    client = httpx.AsyncClient(timeout=ANSWER_SECONDS, follow_redirects=False)
    listeners = _listeners(service.accounts, client)
    engine = create_writer_engine(settings.database, SERVICE, pool_size=2)
    leases = Leases(engine, instance_name(settings))
    mentions = Mentions(
        listeners,
        service.intake,
        Cursors(engine),
        leases,
        service.clock,
        settings.mentions_seconds,
    )
    service.health.mentions("mentions", mentions.complaint)
    service.health.mentions("leases", leases.complaint)
    components = (mentions, leases, *service.components, Closing(client.aclose, engine.dispose))
    return replace(service, components=components)


def _listeners(accounts: Accounts, client: httpx.AsyncClient) -> list[Listener]:
    found = [
        (account, asking(account, client))
        for provider in ASKED
        for account in accounts.of_provider(provider)
    ]
    return [
        Listener(account, how, Stream(account, client) if "streaming" in account.options else None)
        for account, how in found
        if how is not None
    ]
