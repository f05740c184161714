"""Whether the certificates that we show are good, and for how long still."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from common.core.operations.findings import Area, Finding, error, fine, warning

SOON = timedelta(days=14)


def certificate_findings(setting: str, path: Path, now: datetime) -> Iterator[Finding]:
    """Look at the first certificate of a PEM file that a setting names."""
    do = "renew it; new connections use the new file"
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as fault:
        yield error(Area.CERTIFICATES, f"{setting}: {path}: {fault}", "see that it is mounted")
        return
    ends = certificate.not_valid_after_utc
    if now >= ends:
        yield error(Area.CERTIFICATES, f"{setting}: ended at {ends:%Y-%m-%d %H:%M} UTC", do)
    elif now < certificate.not_valid_before_utc:
        begins = certificate.not_valid_before_utc
        yield error(Area.CERTIFICATES, f"{setting}: begins at {begins:%Y-%m-%d %H:%M} UTC", do)
    elif ends - now < SOON:
        yield warning(Area.CERTIFICATES, f"{setting}: ends in {(ends - now).days} days", do)
    else:
        yield fine(Area.CERTIFICATES, f"{setting}: good for {(ends - now).days} days")
