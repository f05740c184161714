"""Staying bound to message centres: one bind for each SMPP account, again and again."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog
from msgspec import Struct

from common.core.errors import TransientError
from common.core.patience import pause_seconds
from common.edges import metrics
from common.edges.waiting import pause
from ingest_sms.core.smpp.session import BindOptions
from ingest_sms.edges.smpp_session import (
    ANSWER_SECONDS,
    PROTOCOL,
    BindRefusedError,
    Mailbag,
    SessionError,
    SmppSession,
    passwords_in_turn,
)

logger = structlog.get_logger()


class Backoff(Struct, frozen=True):
    """Seconds before binding again: after the first failure, and at most."""

    first: float
    longest: float


class Bind:
    """One account's session, renewed whenever it ends."""

    def __init__(
        self,
        options: BindOptions,
        mailbag: Mailbag,
        backoff: Backoff,
        session_name: Callable[[], str],
    ) -> None:
        self._options = options
        self._mailbag = mailbag
        self._backoff = backoff
        self._session_name = session_name
        self._refusals = 0
        self._failures = 0
        self._problem: str | None = "not bound yet"
        self._show("not bound yet")

    @property
    def complaint(self) -> str | None:
        """Why nothing comes in by this account, or None."""
        account = self._mailbag.account
        return f"{account.account}: {self._problem}" if self._problem else None

    async def run(self, stopping: asyncio.Event) -> None:
        """Be bound until `stopping` is set."""
        while not stopping.is_set():
            await self._session(stopping)
            seconds = pause_seconds(self._failures, self._backoff.first, self._backoff.longest)
            await pause(stopping, seconds)

    async def _session(self, stopping: asyncio.Event) -> None:
        try:
            await self._forget()
            await self._bound(stopping)
        except (SessionError, OSError, EOFError, TransientError) as error:
            self._failures += 1
            self._refusals += isinstance(error, BindRefusedError)
            self._show(str(error) or type(error).__name__)
        else:
            self._show("unbound")

    async def _bound(self, stopping: asyncio.Event) -> None:
        tls = ssl.create_default_context() if self._options.tls else None
        async with asyncio.timeout(ANSWER_SECONDS):
            streams = await asyncio.open_connection(self._options.host, self._options.port, ssl=tls)
        session = SmppSession(self._session_name(), self._options, self._mailbag, streams)
        try:
            await session.bind(passwords_in_turn(self._options.passwords, self._refusals))
            self._failures = 0
            self._show(None)
            with metrics.sessions_open.labels(PROTOCOL).track_inprogress():
                await session.serve(stopping)
        finally:
            streams[1].close()

    async def _forget(self) -> None:
        before = self._mailbag.clock() - timedelta(seconds=self._options.redelivery_seconds)
        await self._mailbag.deliveries.forget(self._mailbag.account.account, before)

    def _show(self, problem: str | None) -> None:
        account = self._mailbag.account
        labels = account.provider, account.account, account.team or ""
        metrics.account_ready.labels(*labels).set(problem is None)
        logger.info("smpp", account=account.account, problem=problem)
        self._problem = problem


class SmppBinds:
    """All accounts' binds as a component of the service."""

    name = "smpp"

    def __init__(self, binds: Sequence[Bind]) -> None:
        self._binds = binds

    def complaint(self) -> str | None:
        """Return which accounts are not bound and why, or None."""
        return "; ".join(bind.complaint for bind in self._binds if bind.complaint) or None

    async def run(self, stopping: asyncio.Event) -> None:
        """Stay bound until `stopping` is set, then unbind."""
        async with asyncio.TaskGroup() as tasks:
            for bind in self._binds:
                tasks.create_task(bind.run(stopping))
