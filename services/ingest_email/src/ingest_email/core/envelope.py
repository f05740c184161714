"""The SMTP envelope that travels with a mail in `Original.headers`."""

from collections.abc import Mapping

from msgspec import Struct

MAIL_FROM = "mail-from"
RCPT_TO = "rcpt-to"
CLIENT_IP = "client-ip"
HELO = "helo"
TLS = "tls"


class Envelope(Struct, frozen=True):
    """Who handed the mail over, for whom (RFC 5321).

    `sender` is None where it is not known, and empty for `<>`, the sender of bounces.
    """

    sender: str | None = None
    recipients: tuple[str, ...] = ()
    client_ip: str = ""
    helo: str = ""
    tls: str = ""


def to_headers(envelope: Envelope) -> dict[str, str]:
    """Return the envelope as `Original.headers`.

    Recipients are one a line, since an address may hold a comma.
    """
    named = {
        MAIL_FROM: envelope.sender,
        RCPT_TO: "\n".join(envelope.recipients) or None,
        CLIENT_IP: envelope.client_ip or None,
        HELO: envelope.helo or None,
        TLS: envelope.tls or None,
    }
    return {name: value for name, value in named.items() if value is not None}


def from_headers(headers: Mapping[str, str]) -> Envelope:
    """Return the envelope that `to_headers` wrote."""
    return Envelope(
        sender=headers.get(MAIL_FROM),
        recipients=tuple(filter(None, headers.get(RCPT_TO, "").split("\n"))),
        client_ip=headers.get(CLIENT_IP, ""),
        helo=headers.get(HELO, ""),
        tls=headers.get(TLS, ""),
    )
