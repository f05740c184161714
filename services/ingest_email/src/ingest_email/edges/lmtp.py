"""Receiving mail by LMTP (RFC 2033), from a mail server of our own that queues for us.

After DATA each accepted recipient gets a reply of its own: what one account's intake cannot keep
now stays in the mail server's queue for that account alone.
"""

from collections.abc import Mapping
from typing import AnyStr

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope as SmtpEnvelope, Session
from msgspec.structs import replace
from typing_extensions import override

from common.core.adapters import ChannelAccount, Original
from common.core.errors import BackPressureError, TransientError
from common.edges.clock import Clock
from ingest_email.core.envelope import CLIENT_IP
from ingest_email.edges.lean_smtp import as_text
from ingest_email.edges.mailroom import (
    ACCEPTED,
    TRY_AGAIN,
    Accepting,
    FindingAccounts,
    Mailroom,
)
from ingest_email.edges.smtp import MailConnection, SmtpOptions, SmtpServer

logger = structlog.get_logger()

# What RFC 2033 (4.3) demands beside what the SMTP listener announces.
EXTENSIONS = ("250-PIPELINING", "250-ENHANCEDSTATUSCODES")


class LmtpServer(SmtpServer):
    """The LMTP listener as a component of the service."""

    name = "lmtp"

    def __init__(
        self, options: SmtpOptions, accounts: FindingAccounts, intake: Accepting, clock: Clock
    ) -> None:
        super().__init__(options, accounts, intake, clock)
        self._mailroom = LocalMailroom(accounts, intake, clock, options.max_recipients)

    @override
    def _connection(self) -> "LocalConnection":
        return LocalConnection(self._mailroom, self._options)


class LocalMailroom(Mailroom):
    """The same hooks, with one answer for each recipient."""

    protocol = "lmtp"

    async def handle_EHLO(  # noqa: N802 - aiosmtpd calls it for LHLO, too
        self,
        _server: SMTP,
        session: Session,
        _envelope: SmtpEnvelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """Announce what every LMTP server has to offer."""
        session.host_name = hostname
        return [*responses[:-1], *EXTENSIONS, responses[-1]]

    @override
    async def _take(self, session: Session, envelope: SmtpEnvelope) -> str:
        """Answer 250 to the recipients whose account holds the mail durably, 451 to the others."""
        replies: dict[str, str] = {}
        for account, addresses in self._by_account(envelope.rcpt_tos).values():
            reply = await self._kept(self._original(account, addresses, session, envelope), account)
            replies.update(dict.fromkeys(addresses, reply))
        return "\r\n".join(replies[address] for address in envelope.rcpt_tos)

    async def _kept(self, original: Original, account: ChannelAccount) -> str:
        try:
            await self._intake.accept(original, account)
        except (TransientError, BackPressureError) as error:
            logger.warning("mail deferred", account=account.account, error=str(error))
            return TRY_AGAIN
        except Exception:
            # Left to aiosmtpd it would be one answer for all, and the other accounts' mail lost.
            logger.exception("mail failed", account=account.account)
            return TRY_AGAIN
        return ACCEPTED

    @override
    def _original(
        self,
        account: ChannelAccount,
        addresses: list[str],
        session: Session,
        envelope: SmtpEnvelope,
    ) -> Original:
        original = super()._original(account, addresses, session, envelope)
        # Our own mail server's address: SPF must not take it for the sender's.
        return replace(original, headers=_without(original.headers, CLIENT_IP))


class LocalConnection(MailConnection, LMTP):
    """One LMTP connection."""

    def __init__(self, mailroom: Mailroom, options: SmtpOptions) -> None:
        super().__init__(mailroom, options)
        self._replies_due = 0

    @override
    async def smtp_DATA(self, arg: str) -> None:
        try:
            await super().smtp_DATA(arg)
        finally:
            self._replies_due = 0

    @override
    async def push(self, status: AnyStr) -> None:
        """Send a reply; one that refuses a whole mail once for each of its recipients."""
        text = as_text(status)
        if self._replies_due and "\n" not in text:
            text = "\r\n".join([text] * self._replies_due)
        await super().push(text)
        if text.startswith("354") and self.envelope:
            self._replies_due = len(self.envelope.rcpt_tos)


def _without(headers: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in headers.items() if key != name}
