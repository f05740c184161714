"""What callers need of Kafka and of the inbox; common.testing has fakes that keep these promises."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from common.core.adapters import Original
from common.core.cloudevents import Record


class Publishing(Protocol):
    """See common.edges.publisher.Publisher."""

    async def publish(self, records: Sequence[Record]) -> None:
        """Return once every record is durable, in order per key. Raises TransientError."""
        ...

    async def stop(self) -> None:
        """Let go of every connection."""
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
