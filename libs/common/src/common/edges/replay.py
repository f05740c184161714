"""Publishing kept originals again, after a parser was mended: the same events, read anew.

Everything but the parser is as it was: the account's name, the provider's ids and so the event's
id. Consumers know these ids; what they do with a second reading is theirs to decide.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog
from msgspec import Struct
from msgspec.structs import replace

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.cloudevents import Record
from common.core.errors import TransientError
from common.edges.accounts import Accounts
from common.edges.originals import Originals
from common.edges.ports import Publishing

logger = structlog.get_logger()

BATCH_RECORDS = 500


class Reading(Protocol):
    """See common.edges.intake.Intake."""

    async def drafts(self, original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
        """Return the events in an original. Raises TransientError."""
        ...

    async def completed(
        self, drafts: tuple[Draft, ...], account: ChannelAccount, raw_ref: str
    ) -> list[Record]:
        """Return the records of these events, their files stored. Raises TransientError."""
        ...


class Progress(Struct, frozen=True):
    """How far a replay is: `reference` is the last original, `orphans` had no account any more."""

    reference: str = ""
    originals: int = 0
    events: int = 0
    orphans: int = 0


class Replay:
    """Reads originals, oldest first, and publishes their events in the order in which they came."""

    def __init__(
        self,
        originals: Originals,
        accounts: Accounts,
        reading: Reading,
        publisher: Publishing,
        retry_seconds: float,
    ) -> None:
        self._retry_seconds = retry_seconds
        self._originals = originals
        self._accounts = accounts
        self._reading = reading
        self._publisher = publisher

    async def run(self, since: str, tell: Callable[[Progress], None], *, dry_run: bool) -> Progress:
        """Replay every original kept since a day, month or year (`2026/11/21`), UTC; "" is all.

        A dry run parses and counts, and changes nothing. Waits for as long as Kafka is away; raises
        TransientError where originals cannot be read. May be begun again: the events stay the same.
        """
        progress, batch = Progress(), list[Record]()
        async for reference, original in self._originals.since(since):
            account = self._accounts.find(original.provider, original.account)
            drafts = await self._reading.drafts(original, account) if account else ()
            progress = _further(progress, reference, len(drafts), orphan=account is None)
            if account and drafts and not dry_run:
                batch += await self._records(drafts, account, reference)
            if len(batch) >= BATCH_RECORDS:
                await self._publish(batch)
                batch = []
            tell(progress)
        await self._publish(batch)
        return progress

    async def _records(
        self, drafts: tuple[Draft, ...], account: ChannelAccount, reference: str
    ) -> list[Record]:
        while True:
            try:
                return await self._reading.completed(drafts, account, reference)
            except TransientError as error:
                await self._pause(error)

    async def _publish(self, records: list[Record]) -> None:
        while True:
            try:
                return await self._publisher.publish(records)
            except TransientError as error:
                await self._pause(error)

    async def _pause(self, error: TransientError) -> None:
        logger.warning("the replay waits", error=str(error))
        await asyncio.sleep(self._retry_seconds)


def _further(progress: Progress, reference: str, events: int, *, orphan: bool) -> Progress:
    return replace(
        progress,
        reference=reference,
        originals=progress.originals + 1,
        events=progress.events + events,
        orphans=progress.orphans + orphan,
    )
