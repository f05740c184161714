"""Mentions for social listening: each account is asked by a task of its own."""

import asyncio
import contextlib
from collections.abc import Sequence
from functools import partial
from typing import Protocol

import structlog
from msgspec import Struct

from common.core.adapters import ChannelAccount, Original
from common.core.errors import BackPressureError, TransientError
from common.core.patience import pause_seconds
from common.core.payloads import UnreadableError
from common.edges import metrics
from common.edges.clock import Clock
from common.edges.leases import Leases
from common.edges.waiting import pause, work_until
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

    Of several replicas one asks for an account, and another one soon after its end. In between both
    may: a mention heard twice is one event.
    """

    name = "mentions"

    def __init__(
        self,
        listeners: Sequence[Listener],
        intake: Taking,
        cursors: Cursors,
        leases: Leases,
        clock: Clock,
        every_seconds: float,
    ) -> None:
        self._listeners = listeners
        self._intake = intake
        self._cursors = cursors
        self._leases = leases
        self._clock = clock
        self._every = every_seconds
        self._troubles: dict[str, str] = {}

    def complaint(self) -> str | None:
        """Return which accounts hear nothing and why, and which credentials are refused, or None."""
        told = [f"{name}: {trouble}" for name, trouble in sorted(self._troubles.items())]
        told += filter(None, (listener.asking.complaint() for listener in self._listeners))
        return "; ".join(told) or None

    async def run(self, stopping: asyncio.Event) -> None:
        """Listen until `stopping` is set; what is under way then is asked for again."""
        async with asyncio.TaskGroup() as group:
            for listener in self._listeners:
                name = f"mentions/{_name(listener.account)}"
                work = partial(self._listen_until, listener)
                group.create_task(self._leases.while_held(name, work, stopping))

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

    async def _listen_until(self, listener: Listener, ending: asyncio.Event) -> None:
        try:
            await work_until(ending, self._listen(listener))
        finally:
            self._forget(listener.account)

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
        labels, name = _labels(account), _name(account)
        if error is None:
            self._troubles.pop(name, None)
            metrics.account_ready.labels(*labels).set(1)
            return
        if isinstance(error, CredentialError):
            metrics.account_ready.labels(*labels).set(0)
        self._troubles[name] = str(error)
        logger.warning("mentions wait", account=name, error=str(error))

    def _forget(self, account: ChannelAccount) -> None:
        """Say nothing of an account that is another replica's now."""
        self._troubles.pop(_name(account), None)
        with contextlib.suppress(KeyError):
            metrics.account_ready.remove(*_labels(account))

    def _original(self, account: ChannelAccount, body: bytes) -> Original:
        return Original(
            provider=account.provider,
            account=account.account,
            received_at=self._clock(),
            body=body,
            headers={"content-type": "application/json"},
            method="GET",
        )


def _name(account: ChannelAccount) -> str:
    return f"{account.provider}/{account.account}"


def _labels(account: ChannelAccount) -> tuple[str, str, str]:
    return account.provider, account.account, account.team or ""
