"""What becomes of mail that is handed over by SMTP or LMTP, and of who hands it over."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Protocol

import structlog
from aiosmtpd.smtp import SMTP, Envelope as SmtpEnvelope, Session
from typing_extensions import override

from common.core.adapters import ChannelAccount, Original
from common.core.errors import BackPressureError, TransientError
from common.edges import metrics
from common.edges.clock import Clock
from common.edges.measuring import Taken
from common.edges.waiting import pause
from ingest_email.core.envelope import Envelope, to_headers
from ingest_email.core.mailboxes import spellings
from ingest_email.edges.lean_smtp import hooks

logger = structlog.get_logger()

PROVIDER = "smtp"

ACCEPTED = "250 2.0.0 Kept"
UNKNOWN = "550 5.1.1 No such mailbox here"
TOO_MANY = "452 4.5.3 Too many recipients"
TRY_AGAIN = "451 4.3.0 Not now, please try again"
# Between a mail's last answer and its sender's QUIT or next mail.
POLITE_SECONDS = 0.5


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


class Dismissed(Protocol):
    """A session that can be ended."""

    def dismiss(self, *, newcomers: bool = False) -> None:
        """Say goodbye unless a mail is under way; to who has handed over none yet only if told so."""
        ...


class Mailroom:
    """What happens to each recipient and each mail; the hooks that aiosmtpd calls."""

    protocol = "smtp"

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
        self._sessions: set[Dismissed] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self.is_closing = False

    @override
    def __dir__(self) -> Iterable[str]:
        return hooks(type(self))

    async def close(self, seconds: float) -> None:
        """End each session between two mails; return when all are gone, or after so many seconds.

        Whoever has only just come may hand over one mail. What is being taken in is answered
        in any case.
        """
        self.is_closing = True
        await pause(self._empty, POLITE_SECONDS)
        self._dismiss(newcomers=False)
        await pause(self._empty, seconds)
        self._dismiss(newcomers=True)
        await self._idle.wait()

    def entered(self, session: Dismissed) -> int:
        """Note a session, however often it says so; return how many there are."""
        self._sessions.add(session)
        self._empty.clear()
        self._show_sessions()
        return len(self._sessions)

    def left(self, session: Dismissed) -> None:
        """Note the end of a session."""
        self._sessions.discard(session)
        self._show_sessions()
        if not self._sessions:
            self._empty.set()

    def _show_sessions(self) -> None:
        metrics.sessions_open.labels(self.protocol).set(len(self._sessions))

    def _dismiss(self, *, newcomers: bool) -> None:
        for session in tuple(self._sessions):
            session.dismiss(newcomers=newcomers)

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
            metrics.session_messages.labels(self.protocol, "refused").inc()
            return UNKNOWN
        if len(envelope.rcpt_tos) >= self._max_recipients:
            return TOO_MANY
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: SmtpEnvelope) -> str:  # noqa: N802
        """Return the answer once it is known what became of the mail."""
        self._taking += 1
        self._idle.clear()
        taken = Taken(self.protocol)
        answer = TRY_AGAIN
        try:
            answer = await self._take(session, envelope)
        finally:
            taken.answered(
                *("accepted" if line == ACCEPTED else "deferred" for line in answer.split("\r\n"))
            )
            self._taking -= 1
            if not self._taking:
                self._idle.set()
        return answer

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
