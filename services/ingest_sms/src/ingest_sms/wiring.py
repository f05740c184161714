"""Puts the service together."""

import secrets
from pathlib import Path

from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from common.edges.accounts import Accounts
from common.edges.clock import system_clock
from common.edges.components import Closing
from common.edges.database import create_writer_engine
from common.edges.inbox import Inbox
from common.edges.ingest import IngestService, build_ingest
from common.edges.intake import Intake
from ingest_sms.core.registry import ADAPTERS, JOINERS, parse
from ingest_sms.core.smpp.session import bind_options
from ingest_sms.edges.deliveries import DeliveryStore
from ingest_sms.edges.joining import Joining, Patience
from ingest_sms.edges.parts import PartStore
from ingest_sms.edges.smpp import Backoff, Bind, SmppBinds
from ingest_sms.edges.smpp_session import Mailbag
from ingest_sms.settings import Settings

SERVICE = "ingest_sms"
SMPP = "smpp"
MIGRATIONS = Path(__file__).parent / "migrations"


def build(settings: Settings) -> IngestService:
    """Return the service, not started yet. Raises SmppOptionsError."""
    # Apart from the inbox's connections: a joined message may need one of those while it holds one here.
    engine = create_writer_engine(settings.database, SERVICE, pool_size=10)

    def joining(intake: Intake, accounts: Accounts) -> Joining:
        return Joining(
            joiners=JOINERS,
            store=PartStore(engine),
            intake=intake,
            inbox=Inbox(engine),
            accounts=accounts,
            clock=system_clock,
            patience=Patience(settings.parts_patience_seconds, settings.parts_sweep_seconds),
        )

    webhooks = {name: adapter for name, adapter in ADAPTERS.items() if name != SMPP}
    ingest = build_ingest(SERVICE, settings, parse, webhooks, stage=joining)
    binds = smpp_binds(settings, ingest, engine)
    ingest.health.mentions(SMPP, binds.complaint)
    return replace(ingest, components=(binds, *ingest.components, Closing(engine.dispose)))


def smpp_binds(settings: Settings, ingest: IngestService, engine: AsyncEngine) -> SmppBinds:
    """Return a bind for each SMPP account. Raises SmppOptionsError."""
    deliveries = DeliveryStore(engine)
    backoff = Backoff(settings.smpp_retry_seconds, settings.smpp_longest_retry_seconds)
    return SmppBinds(
        [
            Bind(
                bind_options(account),
                Mailbag(account, ingest.entrance, deliveries, ingest.clock),
                backoff,
                lambda: secrets.token_hex(8),
            )
            for account in ingest.accounts.of_provider(SMPP)
        ]
    )
