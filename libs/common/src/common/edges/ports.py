"""What callers need of Kafka, the inbox and the intake; common.testing has fakes of the first two."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from common.core.adapters import ChannelAccount, Original
from common.core.cloudevents import Record


class Publishing(Protocol):
    """See common.edges.publisher.Publisher."""

    async def publish(self, records: Sequence[Record]) -> None:
        """Return once every record is durable, in order per key. Raises TransientError."""
        ...

    async def stop(self) -> None:
        """Let go of every connection."""
        ...


class Accepting(Protocol):
    """See common.edges.intake.Intake; also what a service puts before it."""

    async def accept(self, original: Original, account: ChannelAccount) -> None:
        """Return once the message is safe and may be acknowledged. Raises TransientError."""
        ...


class Stage(Accepting, Protocol):
    """Accepts in front of the intake, with background work of its own (common.edges.service)."""

    @property
    def name(self) -> str:
        """Return what logs call it."""
        ...

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until `stopping` is set."""
        ...


class KeepingOriginals(Protocol):
    """See common.edges.inbox.Inbox."""

    async def store(self, original: Original) -> None:
        """Return once the original is durable. Raises TransientError."""
        ...

    async def rows(self) -> int:
        """Return how many wait. Raises TransientError."""
        ...

    def next_batch(self, most: int) -> AbstractAsyncContextManager[Sequence[Original]]:
        """Yield the oldest; they are gone when the block ends without an error."""
        ...
