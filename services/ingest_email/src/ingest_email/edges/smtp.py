"""Receiving mail by SMTP (RFC 5321), behind the company's own mail server.

`250` after DATA means that the mail is durable: until then the sender keeps it and tries again.
"""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Protocol, cast

import structlog
from aiosmtpd.smtp import SMTP, Envelope as SmtpEnvelope, Session
from msgspec import Struct
from typing_extensions import override

from common.core.adapters import ChannelAccount, Original
from common.core.errors import BackPressureError, TransientError
from common.edges.clock import Clock
from ingest_email.core.envelope import Envelope, to_headers
from ingest_email.core.mailboxes import spellings

logger = structlog.get_logger()

PROVIDER = "smtp"

ACCEPTED = "250 2.0.0 Kept"
UNKNOWN = "550 5.1.1 No such mailbox here"
TOO_MANY = "452 4.5.3 Too many recipients"
TRY_AGAIN = "451 4.3.0 Not now, please try again"
BUSY = b"421 4.7.0 Too many connections, please try again\r\n"


class Accepting(Protocol):
    """See common.edges.intake.Intake."""

    async def accept(self, original: Original, account: ChannelAccount) -> None:
        """Return once the message is safe. Raises TransientError."""
        ...


class FindingAccounts(Protocol):
    """See common.edges.accounts.Accounts."""

    def by_address(self, provider: str, address: str) -> ChannelAccount | None:
        """Return the account that a mailbox belongs to."""
        ...


class SmtpOptions(Struct, frozen=True, kw_only=True):
    """Where to listen and how much to take; sizes in bytes, `port` 0 takes a free one."""

    host: str
    port: int
    hostname: str
    size_limit: int
    max_recipients: int
    max_connections: int
    tls: ssl.SSLContext | None = None


class SmtpServer:
    """The SMTP listener as a component of the service (common.edges.service.Component)."""

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
        """Take mail until `stopping` is set, then finish the mails whose DATA has begun."""
        if self._listening is None:
            await self.start()
        await stopping.wait()
        if self._listening:
            self._listening.close()
        await self._mailroom.settled()

    def _connection(self) -> "MailConnection":
        return MailConnection(self._mailroom, self._options)


class Mailroom:
    """What happens to each recipient and each mail; the hooks that aiosmtpd calls."""

    def __init__(
        self, accounts: FindingAccounts, intake: Accepting, clock: Clock, max_recipients: int
    ) -> None:
        self._accounts = accounts
        self._intake = intake
        self._clock = clock
        self._max_recipients = max_recipients
        self._taking = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.connections = 0

    async def settled(self) -> None:
        """Return once no mail is being taken in."""
        await self._idle.wait()

    async def handle_RCPT(  # noqa: N802 - aiosmtpd finds its hooks by these names
        self,
        _server: SMTP,
        _session: Session,
        envelope: SmtpEnvelope,
        address: str,
        _options: list[str],
    ) -> str:
        """Accept a recipient only if one of our accounts is behind it."""
        if self._account(address) is None:
            return UNKNOWN
        if len(envelope.rcpt_tos) >= self._max_recipients:
            return TOO_MANY
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: SmtpEnvelope) -> str:  # noqa: N802
        """Return the answer once it is known what became of the mail."""
        self._taking += 1
        self._idle.clear()
        try:
            return await self._take(session, envelope)
        finally:
            self._taking -= 1
            if not self._taking:
                self._idle.set()

    async def handle_exception(self, error: Exception) -> str:
        """Let the sender try again after a fault of ours: a permanent answer would lose its mail."""
        logger.error("smtp session failed", exc_info=error)
        return TRY_AGAIN

    async def _take(self, session: Session, envelope: SmtpEnvelope) -> str:
        """Answer 250 once every account that the mail is for holds it durably."""
        try:
            for account, addresses in self._by_account(envelope.rcpt_tos).values():
                await self._intake.accept(
                    self._original(account, addresses, session, envelope), account
                )
        except (TransientError, BackPressureError) as error:
            logger.warning("mail deferred", error=str(error))
            return TRY_AGAIN
        return ACCEPTED

    def _account(self, address: str) -> ChannelAccount | None:
        found = (self._accounts.by_address(PROVIDER, spelling) for spelling in spellings(address))
        return next((account for account in found if account), None)

    def _by_account(self, addresses: list[str]) -> Mapping[str, tuple[ChannelAccount, list[str]]]:
        found: dict[str, tuple[ChannelAccount, list[str]]] = {}
        for address in addresses:
            if account := self._account(address):
                found.setdefault(account.account, (account, []))[1].append(address)
        return found

    def _original(
        self,
        account: ChannelAccount,
        addresses: list[str],
        session: Session,
        envelope: SmtpEnvelope,
    ) -> Original:
        handed_over = Envelope(
            sender=(envelope.mail_from or "").removeprefix("<").removesuffix(">"),
            recipients=tuple(addresses),
            client_ip=str(session.peer[0]) if session.peer else "",
            helo=session.host_name or "",
            tls="" if session.ssl is None else "yes",
        )
        return Original(
            provider=account.provider,
            account=account.account,
            received_at=self._clock(),
            body=bytes(envelope.original_content or b""),
            headers=to_headers(handed_over),
        )


class MailConnection(SMTP):
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

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._mailroom.connections += 1
        self._refused = self._mailroom.connections > self._max_connections
        if self._refused:
            # uvloop's transports write without being asyncio's WriteTransport.
            cast("asyncio.WriteTransport", transport).write(BUSY)
            transport.close()
        else:
            super().connection_made(transport)

    @override
    def connection_lost(self, error: Exception | None) -> None:
        self._mailroom.connections -= 1
        if not self._refused:
            super().connection_lost(error)
