"""A batch of records: the readable ones as events, the others as dead letters."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.cloudevents import Event, Record, read
from common.core.dead_letters import Origin, dead_letter
from common.core.errors import PoisonError
from common.edges import metrics
from common.edges.clock import Clock
from common.edges.database import is_data_error

logger = structlog.get_logger()


class Received(Struct, frozen=True):
    """An event and where it lies on the bus. Kafka numbers what one key wrote in order."""

    topic: str
    partition: int
    offset: int
    event: Event


Handler = Callable[[AsyncConnection, Sequence[Received]], Awaitable[None]]


class Batch:
    """What one poll brought. `letters` grows as records are refused, and leaves by the outbox."""

    def __init__(
        self,
        polled: Mapping[TopicPartition, list[ConsumerRecord]],
        prefix: str,
        refused_by: str,
        clock: Clock,
    ) -> None:
        self._refused_by = refused_by
        self._clock = clock
        self._records = [record for records in polled.values() for record in records]
        self._prefix = prefix
        self.next_offsets = {part: records[-1].offset + 1 for part, records in polled.items()}
        self.letters: list[Record] = []
        self.reasons: list[tuple[str, str]] = []

    @property
    def size(self) -> int:
        """Return how many records the poll brought."""
        return len(self._records)

    async def handle(self, connection: AsyncConnection, handler: Handler) -> None:
        """Have every readable event handled, or its record among `letters`.

        Called again after a rollback it begins anew.
        """
        self.letters.clear()
        self.reasons.clear()
        by_place = {_place(record, self._prefix): record for record in self._records}
        await self._handle(connection, handler, self._read(), by_place)

    def count(self) -> None:
        """Add what was committed to the metrics."""
        topics = Counter(record.topic.removeprefix(self._prefix) for record in self._records)
        for topic, handled in topics.items():
            metrics.consumed_events.labels(topic).inc(handled)
        for topic, reason in self.reasons:
            metrics.dead_letters.labels(topic, reason).inc()

    def _read(self) -> list[Received]:
        received: list[Received] = []
        for record in self._records:
            if record.value is None:
                continue  # a tombstone: compaction's business, not ours
            try:
                event = read(record.headers, record.value)
            except PoisonError as error:
                self._refuse(record, error)
            else:
                received.append(Received(*_place(record, self._prefix), event))
        return received

    async def _handle(
        self,
        connection: AsyncConnection,
        handler: Handler,
        received: Sequence[Received],
        by_place: Mapping[tuple[str, int, int], ConsumerRecord],
    ) -> None:
        """Handle all but the guilty: halve a refused batch until the bad record stands alone."""
        if not received:
            return
        try:
            async with connection.begin_nested():
                await handler(connection, received)
        except Exception as error:
            poison = _as_poison(error)
            if poison is None:
                raise
            if len(received) == 1:
                [bad] = received
                self._refuse(by_place[bad.topic, bad.partition, bad.offset], poison)
                return
            middle = len(received) // 2
            await self._handle(connection, handler, received[:middle], by_place)
            await self._handle(connection, handler, received[middle:], by_place)

    def _refuse(self, record: ConsumerRecord, error: PoisonError) -> None:
        topic, partition, offset = _place(record, self._prefix)
        headers = tuple(record.headers)
        origin = Origin(topic, partition, offset, record.key, record.value, headers)
        self.letters.append(dead_letter(origin, error, self._refused_by, self._clock()))
        self.reasons.append((topic, error.reason))
        logger.error(
            "dead letter", topic=topic, partition=partition, offset=offset, reason=error.reason
        )


def _place(record: ConsumerRecord, prefix: str) -> tuple[str, int, int]:
    return record.topic.removeprefix(prefix), record.partition, record.offset


def _as_poison(error: Exception) -> PoisonError | None:
    if isinstance(error, PoisonError):
        return error
    return PoisonError("bad-data", str(error)[:500]) if is_data_error(error) else None
