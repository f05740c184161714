"""Puts the service together."""

import ssl

from msgspec import Struct
from msgspec.structs import replace

from common.edges.ingest import IngestService, build_ingest
from common.edges.service import Component
from ingest_email.core.providers.registry import ADAPTERS, parse
from ingest_email.edges.lmtp import LmtpServer
from ingest_email.edges.smtp import SmtpOptions, SmtpServer
from ingest_email.settings import Settings


class EmailService(Struct, frozen=True):
    """The running service: what all ingest services have, and what mail comes in by.

    `components` are in the order in which they stop: first what takes mail, then what keeps it.
    """

    ingest: IngestService
    components: tuple[Component, ...]


def build(settings: Settings) -> EmailService:
    """Return the service, not started yet."""
    ingest = build_ingest("ingest_email", settings, parse, ADAPTERS)
    listeners = [SmtpServer(smtp_options(settings), ingest.accounts, ingest.intake, ingest.clock)]
    if settings.lmtp_port is not None:
        options = replace(smtp_options(settings), port=settings.lmtp_port)
        listeners.append(LmtpServer(options, ingest.accounts, ingest.intake, ingest.clock))
    for listener in listeners:
        ingest.health.needs(listener.name, listener.complaint)
    return EmailService(ingest, (*listeners, *ingest.components))


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
