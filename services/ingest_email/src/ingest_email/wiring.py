"""Puts the service together."""

import ssl
from time import monotonic

from msgspec import Struct
from msgspec.structs import replace

from common.edges.accounts import Accounts
from common.edges.components import Closing, Component
from common.edges.database import create_writer_engine
from common.edges.ingest import IngestService, build_ingest
from common.edges.intake import Intake
from common.edges.leases import Leases
from common.edges.service import instance_name
from ingest_email.core.folders import PROVIDER
from ingest_email.core.providers.registry import ADAPTERS
from ingest_email.core.reading import read, unread
from ingest_email.edges.authentication import VerifyingIntake
from ingest_email.edges.dns import SystemResolver
from ingest_email.edges.imap import ImapOptions, Mailboxes, MailboxReader
from ingest_email.edges.lmtp import LmtpServer
from ingest_email.edges.mailbox_store import MailboxStore
from ingest_email.edges.smtp import SmtpOptions, SmtpServer
from ingest_email.edges.stored_mail import Buckets, StoredMail
from ingest_email.settings import Settings

SERVICE = "ingest_email"


class EmailService(Struct, frozen=True):
    """The running service: what all ingest services have, and what mail comes in by.

    `components` are in the order in which they stop: first what takes mail, then what keeps it.
    """

    ingest: IngestService
    components: tuple[Component, ...]


def build(settings: Settings) -> EmailService:
    """Return the service, not started yet."""
    buckets = Buckets()

    def with_stored_mail(intake: Intake, _accounts: Accounts) -> StoredMail:
        return StoredMail(intake, buckets)

    ingest = build_ingest(SERVICE, settings, read, ADAPTERS, unread=unread, stage=with_stored_mail)
    ingest.health.mentions(buckets.name, buckets.complaint)
    intake = VerifyingIntake(ingest.intake, SystemResolver(), settings.dns_seconds, monotonic)
    listeners = [SmtpServer(smtp_options(settings), ingest.accounts, intake, ingest.clock)]
    if settings.lmtp_port is not None:
        options = replace(smtp_options(settings), port=settings.lmtp_port)
        listeners.append(LmtpServer(options, ingest.accounts, intake, ingest.clock))
    for listener in listeners:
        ingest.health.needs(listener.name, listener.complaint)
    fetching = _mailboxes(settings, ingest)
    return EmailService(ingest, (*listeners, *fetching, *ingest.components))


def _mailboxes(settings: Settings, ingest: IngestService) -> tuple[Component, ...]:
    accounts = ingest.accounts.of_provider(PROVIDER)
    if not accounts:
        return ()
    engine = create_writer_engine(settings.database, SERVICE, pool_size=2)
    store = MailboxStore(engine)
    options = ImapOptions(
        idle=settings.imap_idle_seconds,
        poll=settings.imap_poll_seconds,
        batch=settings.imap_batch,
    )
    # A connection of its own: leases must not end because cursors are many.
    lease_engine = create_writer_engine(settings.database, SERVICE, pool_size=1)
    leases = Leases(lease_engine, instance_name(settings))
    mailboxes = Mailboxes(
        [MailboxReader(item, options, store, ingest.intake, ingest.clock) for item in accounts],
        leases,
    )
    # Notes only: one wrong password is no reason to take the other mailboxes out of service.
    ingest.health.mentions(mailboxes.name, mailboxes.complaint)
    ingest.health.mentions(leases.name, leases.complaint)
    return mailboxes, leases, Closing(engine.dispose, lease_engine.dispose)


def smtp_options(settings: Settings) -> SmtpOptions:
    """Return how the SMTP listener is to be set up. Raises OSError where a PEM file is missing."""
    return SmtpOptions(
        host=settings.smtp_host,
        port=settings.smtp_port,
        hostname=settings.smtp_hostname,
        size_limit=settings.smtp_size_limit,
        max_recipients=settings.smtp_max_recipients,
        max_connections=settings.smtp_max_connections,
        tls=_tls(settings),
    )


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.smtp_tls_certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(settings.smtp_tls_certificate, settings.smtp_tls_key)
    return context
