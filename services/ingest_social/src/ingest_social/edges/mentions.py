"""Mentions for social listening: each account is asked by a task of its own."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import structlog
from msgspec import Struct

from common.core.adapters import ChannelAccount, Original
from common.core.errors import BackPressureError, TransientError
from common.core.patience import pause_seconds
from common.core.payloads import UnreadableError
from common.edges import metrics
from common.edges.clock import Clock
from common.edges.waiting import pause
from ingest_social.edges.asking import Asking, BusyError, CredentialError
from ingest_social.edges.cursors import Cursors
from ingest_social.edges.streaming import Stream

logger = structlog.get_logger()

LONGEST_PAUSE_SECONDS = 300.0


class Taking(Protocol):
    """See common.edges.intake.Intake."""

    async def accept(self, original: Original, account: ChannelAccount) -> None:
        """Return once the message is safe. Raises TransientError."""
        ...


class Listener(Struct, frozen=True):
    """One account, how to ask for what was said to it, and what may tell us when to ask."""

    account: ChannelAccount
    asking: Asking
    stream: Stream | None = None


class Mentions:
    """Hands every mention to the intake, and goes on only when it is safe.

    Replicas ask for the same accounts; a mention heard twice is one event.
    """

    name = "mentions"

    def __init__(
        self,
        listeners: Sequence[Listener],
        intake: Taking,
        cursors: Cursors,
        clock: Clock,
        every_seconds: float,
    ) -> None:
        self._listeners = listeners
        self._intake = intake
        self._cursors = cursors
        self._clock = clock
        self._every = every_seconds
        self._troubles: dict[str, str] = {}

    def complaint(self) -> str | None:
        """Return which accounts hear nothing and why, or None."""
        told = [f"{name}: {trouble}" for name, trouble in sorted(self._troubles.items())]
        return "; ".join(told) or None

    async def run(self, stopping: asyncio.Event) -> None:
        """Listen until `stopping` is set; what is under way then is asked for again."""
        listening = [asyncio.create_task(self._listen(item)) for item in self._listeners]
        stopped = asyncio.create_task(stopping.wait())
        done, others = await asyncio.wait(
            {stopped, *listening}, return_when=asyncio.FIRST_COMPLETED
        )
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for task in done:
            task.result()

    async def listen_once(self, listener: Listener) -> bool:
        """Take in what is new; True where there is more to ask for at once.

        Raises CredentialError, UnreadableError, TransientError, BackPressureError.
        """
        account = listener.account
        position = await self._cursors.position(account)
        news = await listener.asking.news(position)
        for body in news.bodies:
            await self._intake.accept(self._original(account, body), account)
        if news.position is not None and news.position != position:
            await self._cursors.reached(account, news.position)
        return news.more

    async def _listen(self, listener: Listener) -> None:
        nudge = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._ask(listener, nudge))
            if listener.stream is not None:
                group.create_task(self._watch(listener.account, listener.stream, nudge))

    async def _ask(self, listener: Listener, nudge: asyncio.Event) -> None:
        failures = 0
        while True:
            nudge.clear()
            trouble = await self._trouble(listener)
            failures = failures + 1 if trouble else 0
            asked_to_wait = trouble.seconds if isinstance(trouble, BusyError) else 0.0
            seconds = max(asked_to_wait, self._pause_seconds(failures))
            # Never more often than once a second, and no nudge shortens a pause after trouble.
            await asyncio.sleep(seconds if trouble else min(seconds, 1.0))
            if not trouble and seconds > 1.0:
                await pause(nudge, seconds - 1.0)

    async def _watch(self, account: ChannelAccount, stream: Stream, nudge: asyncio.Event) -> None:
        failures = 0
        while True:
            try:
                await stream.watch(nudge)
                failures = 0
            except TransientError as error:
                failures += 1
                logger.warning("no stream of mentions", account=account.account, error=str(error))
            await asyncio.sleep(self._pause_seconds(failures))

    def _pause_seconds(self, failures: int) -> float:
        return pause_seconds(failures, self._every, max(LONGEST_PAUSE_SECONDS, self._every))

    async def _trouble(self, listener: Listener) -> Exception | None:
        """Return what went wrong, having noted it for operators, or None."""
        try:
            while await self.listen_once(listener):
                pass
        except (CredentialError, UnreadableError, TransientError, BackPressureError) as error:
            self._note(listener.account, error)
            return error
        self._note(listener.account, None)
        return None

    def _note(self, account: ChannelAccount, error: Exception | None) -> None:
        labels = (account.provider, account.account, account.team or "")
        name = f"{account.provider}/{account.account}"
        if error is None:
            self._troubles.pop(name, None)
            metrics.account_ready.labels(*labels).set(1)
            return
        if isinstance(error, CredentialError):
            metrics.account_ready.labels(*labels).set(0)
        self._troubles[name] = str(error)
        logger.warning("mentions wait", account=name, error=str(error))

    def _original(self, account: ChannelAccount, body: bytes) -> Original:
        return Original(
            provider=account.provider,
            account=account.account,
            received_at=self._clock(),
            body=body,
            headers={"content-type": "application/json"},
            method="GET",
        )
