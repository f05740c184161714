"""The stage before the intake: parts of long messages wait here, everything else goes through."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import structlog
from msgspec import Struct

from common.core.adapters import ChannelAccount, Original, without_credentials
from common.core.errors import TransientError
from common.edges.accounts import Accounts
from common.edges.clock import Clock
from common.edges.ports import Accepting, KeepingOriginals
from common.edges.waiting import pause
from ingest_sms.core.joining import Joiner
from ingest_sms.edges.parts import PartStore

logger = structlog.get_logger()

BATCH = 100
# A part that comes once more after its message went on is still known for so long. Longer, and the
# network may have given its reference to the same words again.
REMEMBERED = timedelta(hours=1)


class Patience(Struct, frozen=True):
    """How long a message waits for its missing parts, and how often that is looked at, in seconds."""

    seconds: float
    every_seconds: float


class Joining:
    """Takes what the intake takes, with the same promise."""

    name = "parts"

    def __init__(
        self,
        *,
        joiners: Mapping[str, Joiner],
        store: PartStore,
        intake: Accepting,
        inbox: KeepingOriginals,
        accounts: Accounts,
        clock: Clock,
        patience: Patience,
    ) -> None:
        self._joiners = joiners
        self._store = store
        self._intake = intake
        self._inbox = inbox
        self._accounts = accounts
        self._clock = clock
        self._patience = patience

    async def accept(self, original: Original, account: ChannelAccount) -> None:
        """Return when the message or part is safe and may be acknowledged.

        The last part's acknowledgement waits for the joined message: nothing that the customer
        writes afterwards overtakes it. Raises TransientError; a part that was kept already is
        recognised when it is delivered again.
        """
        joiner = self._joiners.get(original.provider)
        place = joiner.place(original) if joiner else None
        if place is None:
            await self._intake.accept(original, account)
            return
        kept = await self._store.keep(place, without_credentials(original))
        if kept.ready:
            await self._join(kept.message)

    async def run(self, stopping: asyncio.Event) -> None:
        """Let go what waited long enough, and what an interruption left whole."""
        while not stopping.is_set():
            try:
                await self.sweep()
            except TransientError as error:
                logger.warning("parts of long messages wait", error=str(error))
            await pause(stopping, self._patience.every_seconds)

    async def sweep(self) -> None:
        """Hand on every message that is due, oldest first. Raises TransientError."""
        begun_by = self._clock() - timedelta(seconds=self._patience.seconds)
        while due := await self._store.due(begun_by, BATCH):
            for message in due:
                await self._join(message)
        await self._store.forget(self._clock() - REMEMBERED)

    async def _join(self, message: int) -> None:
        async with self._store.joining(message, self._clock()) as originals:
            if not originals:
                return  # another replica has joined it
            whole = self._joiners[originals[0].provider].join(originals)
            account = self._accounts.find(whole.provider, whole.account)
            if account is None:  # removed meanwhile: the inbox makes a dead letter of it
                await self._inbox.store(whole)
            else:
                await self._intake.accept(whole, account)
