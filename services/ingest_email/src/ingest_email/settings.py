"""What this service is told by its environment."""

from pathlib import Path

from pydantic import Field

from common.settings import IngestSettings
from ingest_email.core.limits import MESSAGE_BYTES


class Settings(IngestSettings):
    """The shared settings with this service's own. Sizes in bytes."""

    # A mail of the largest size in base64, as some providers post it.
    body_limit_bytes: int = Field(50_000_000, description="largest webhook body that is read")
    port: int = Field(8101, description="port of the HTTP surface")
    smtp_host: str = Field("127.0.0.1", description="address that SMTP listens on")
    smtp_port: int = Field(2525, description="port that SMTP listens on")
    smtp_hostname: str = Field("madoguchi.local", description="name that the greeting says")
    smtp_size_limit: int = Field(MESSAGE_BYTES, description="largest mail, announced by SIZE")
    smtp_max_recipients: int = Field(100, description="recipients of one mail")
    smtp_max_connections: int = Field(200, description="connections at a time")
    lmtp_port: int | None = Field(
        None, description="port that LMTP listens on at smtp_host; none: no LMTP"
    )
    smtp_tls_certificate: Path | None = Field(
        None, description="PEM file; with it STARTTLS is offered"
    )
    smtp_tls_key: Path | None = Field(None, description="PEM file of the certificate's key")
    imap_idle_seconds: float = Field(
        240.0, description="longest wait for an IMAP server's word before it is asked again"
    )
    imap_poll_seconds: float = Field(
        60.0, description="pause between looks where an IMAP server cannot tell of news"
    )
    imap_batch: int = Field(50, description="mails fetched before the cursor is read again")
    dns_seconds: float = Field(
        5.0, description="longest time for the DNS lookups that one mail's senders are checked by"
    )
