"""In-memory stand-ins for Kafka and the inbox, with a switch to take them away.

They pass the very suite that the real ones pass (tests/integration/common/test_ports.py).
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from common.core.adapters import Original
from common.core.cloudevents import Record
from common.core.errors import TransientError


class MemoryPublisher:
    """Keeps what was published in `records`."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.away = False

    async def publish(self, records: Sequence[Record]) -> None:
        """Append the records. Raises TransientError while `away`."""
        if self.away:
            raise TransientError("kafka: away")
        self.records.extend(records)

    async def stop(self) -> None:
        """Nothing to let go of."""


class MemoryInbox:
    """Keeps originals in a list."""

    def __init__(self) -> None:
        self.originals: list[Original] = []
        self.away = False

    async def store(self, original: Original) -> None:
        """Append. Raises TransientError while `away`."""
        self._be_there()
        self.originals.append(original)

    async def rows(self) -> int:
        """Count. Raises TransientError while `away`."""
        self._be_there()
        return len(self.originals)

    @asynccontextmanager
    async def next_batch(self, most: int) -> AsyncIterator[Sequence[Original]]:
        """Yield the oldest; they are gone when the block ends without an error."""
        self._be_there()
        batch = self.originals[:most]
        yield batch
        del self.originals[: len(batch)]

    def _be_there(self) -> None:
        if self.away:
            raise TransientError("postgres: away")
