"""What an operator's tools have to know of this service; see common.ops.doctor.installed."""

from collections.abc import Iterator

from common.core.operations.findings import Area, Finding, error
from common.edges.clock import system_clock
from common.edges.ingest import MIGRATIONS as COMMON_MIGRATIONS
from common.ops.doctor.certificates import certificate_findings
from common.ops.doctor.installed import History, Installed, Need
from ingest_email.edges.mailbox_store import MIGRATIONS
from ingest_email.settings import Settings
from ingest_email.wiring import SERVICE, smtp_options


def certificates() -> Iterator[Finding]:
    """Look at what STARTTLS is offered with."""
    settings = Settings()
    if settings.smtp_tls_certificate is None:
        return
    name = "MADOGUCHI_SMTP_TLS_CERTIFICATE"
    yield from certificate_findings(name, settings.smtp_tls_certificate, system_clock())
    try:
        smtp_options(settings)
    except OSError as fault:
        what = f"MADOGUCHI_SMTP_TLS_KEY, {name}: {fault}"
        yield error(Area.CERTIFICATES, what, "see that they belong together", SERVICE)


INSTALLED = Installed(
    name=SERVICE,
    settings=Settings,
    histories=(History(COMMON_MIGRATIONS), History(MIGRATIONS, "alembic_version_email")),
    needs=frozenset({Need.ACCOUNTS, Need.OBJECTS}),
    checks=(certificates,),
)
