"""Receiving mail by SMTP (RFC 5321), behind the company's own mail server.

`250` after DATA means that the mail is durable: until then the sender keeps it and tries again.
"""

import asyncio
import ssl
from typing import cast

import structlog
from msgspec import Struct
from typing_extensions import override

from common.edges.clock import Clock
from ingest_email.edges.lean_smtp import LeanSmtp
from ingest_email.edges.mailroom import POLITE_SECONDS, Accepting, FindingAccounts, Mailroom

logger = structlog.get_logger()

BUSY = b"421 4.7.0 Too many connections, please try again\r\n"
# RFC 5321 (3.8): what a server that shuts down may say at any time. Elsewhere, its sender goes on.
GOODBYE = b"421 4.3.2 Shutting down, please come again\r\n"


class SmtpOptions(Struct, frozen=True, kw_only=True):
    """Where to listen and how much to take; sizes in bytes, times in seconds.

    `port` 0 takes a free one.
    """

    host: str
    port: int
    hostname: str
    size_limit: int
    max_recipients: int
    max_connections: int
    tls: ssl.SSLContext | None = None
    # How long a mail that is being handed over may hold up the end of the process.
    farewell_seconds: float = 5.0


class SmtpServer:
    """The SMTP listener as a component of the service (common.edges.components.Component)."""

    name = "smtp"

    def __init__(
        self, options: SmtpOptions, accounts: FindingAccounts, intake: Accepting, clock: Clock
    ) -> None:
        self._options = options
        self._mailroom = Mailroom(accounts, intake, clock, options.max_recipients)
        self._listening: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Return the port in use; 0 before the server listens."""
        sockets = self._listening.sockets if self._listening else ()
        return int(sockets[0].getsockname()[1]) if sockets else 0

    def complaint(self) -> str | None:
        """Return why no mail can come in, or None."""
        return None if self.port else f"{self.name}: not listening"

    async def start(self) -> None:
        """Listen. Raises OSError when the address is taken."""
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(
            self._connection, self._options.host, self._options.port
        )
        logger.info(
            "mail listener is up", protocol=self.name, host=self._options.host, port=self.port
        )

    async def run(self, stopping: asyncio.Event) -> None:
        """Take mail until `stopping` is set, then let each session finish the mail it has begun."""
        if self._listening is None:
            await self.start()
        await stopping.wait()
        if self._listening:
            self._listening.close()
        await self._mailroom.close(self._options.farewell_seconds)

    def _connection(self) -> "MailConnection":
        return MailConnection(self._mailroom, self._options)


class MailConnection(LeanSmtp):
    """One connection, with limits that fit real mail."""

    # Half of the world's HTML newsletters break the 998 characters of RFC 5321: refusing them
    # would lose customers' mail. The reader's buffer holds twice as much.
    line_length_limit = 262_144

    def __init__(self, mailroom: Mailroom, options: SmtpOptions) -> None:
        super().__init__(
            mailroom,
            data_size_limit=options.size_limit,
            enable_SMTPUTF8=True,
            hostname=options.hostname,
            ident="Madoguchi",
            tls_context=options.tls,
            loop=asyncio.get_running_loop(),
        )
        self._mailroom = mailroom
        self._max_connections = options.max_connections
        self._refused = False
        self._mails = 0
        self._in_data = False

    def dismiss(self, *, newcomers: bool = False) -> None:
        """Say goodbye unless a mail is under way; to who has handed over none yet only if told so."""
        has_begun = self.envelope is not None and self.envelope.mail_from is not None
        between_mails = self._mails > 0 and not has_begun
        if not self._in_data and (newcomers or between_mails):
            self._say_goodbye()

    def _say_goodbye(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            cast("asyncio.WriteTransport", self.transport).write(GOODBYE)
            self.transport.close()

    @override
    async def smtp_MAIL(self, arg: str | None) -> None:
        if self._mailroom.is_closing and self._mails:
            self._say_goodbye()
        else:
            await super().smtp_MAIL(arg)

    @override
    async def smtp_DATA(self, arg: str) -> None:
        self._in_data = True
        try:
            await super().smtp_DATA(arg)
        finally:
            self._in_data = False
        self._mails += 1
        if self._mailroom.is_closing:
            self.loop.call_later(POLITE_SECONDS, self.dismiss)

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # TLS makes a second connection of the same session.
        self._refused = self._mailroom.entered(self) > self._max_connections
        if self._refused:
            # uvloop's transports write without being asyncio's WriteTransport.
            cast("asyncio.WriteTransport", transport).write(BUSY)
            transport.close()
        else:
            super().connection_made(transport)

    @override
    def connection_lost(self, error: Exception | None) -> None:
        self._mailroom.left(self)
        if not self._refused:
            super().connection_lost(error)
