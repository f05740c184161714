"""Puts the service together."""

import ssl

from msgspec import Struct

from common.edges.ingest import IngestService, build_ingest
from ingest_email.core.message import parse
from ingest_email.edges.smtp import SmtpOptions, SmtpServer
from ingest_email.settings import Settings


class EmailService(Struct, frozen=True):
    """The parts of the running service: what all ingest services have, and the SMTP listener."""

    ingest: IngestService
    smtp: SmtpServer


def build(settings: Settings) -> EmailService:
    """Return the service, not started yet."""
    ingest = build_ingest("ingest_email", settings, parse, {})
    smtp = SmtpServer(smtp_options(settings), ingest.accounts, ingest.intake, ingest.clock)
    ingest.health.needs("smtp", smtp.complaint)
    return EmailService(ingest, smtp)


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
