"""A batch of records: the readable ones as events, the others as dead letters."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime

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
from common.edges.offsets import Claim
from common.edges.tracing import about_headers

logger = structlog.get_logger()


class Received(Struct, frozen=True):
    """An event and where it lies on the bus. Kafka numbers what one key wrote in order.

    `published_at` is Kafka's time of the record: the same however often it is read.
    """

    topic: str
    partition: int
    offset: int
    published_at: datetime
    event: Event


Handler = Callable[[AsyncConnection, Sequence[Received]], Awaitable[None]]


class Batch:
    """What one poll brought, read already.

    `claims` are those under which it was polled, `oldest` when the first record of each partition
    was published. `letters` grows as records are refused, and leaves by the outbox; `refused` holds
    the reasons, by topic, partition and offset.
    """

    def __init__(
        self,
        polled: Mapping[TopicPartition, list[ConsumerRecord]],
        claims: Mapping[TopicPartition, Claim],
        prefix: str,
        refused_by: str,
        clock: Clock,
    ) -> None:
        self.claims = claims
        self._refused_by = refused_by
        self._group = refused_by.removeprefix(prefix)
        self._clock = clock
        self._records = [record for records in polled.values() for record in records]
        self._prefix = prefix
        self.next_offsets = {part: records[-1].offset + 1 for part, records in polled.items()}
        self.oldest = {part: _moment(records[0].timestamp) for part, records in polled.items()}
        self.letters: list[Record] = []
        self.refused: dict[tuple[str, int, int], str] = {}
        self.received = self._read()
        self._unreadable = dict(self.refused)

    @property
    def size(self) -> int:
        """Return how many records the poll brought."""
        return len(self._records)

    async def handle(self, connection: AsyncConnection, handler: Handler) -> None:
        """Have every readable event handled, or its record among `letters`.

        Called again after a rollback it begins anew.
        """
        del self.letters[len(self._unreadable) :]
        self.refused = dict(self._unreadable)
        await self._handle(connection, handler, self.received)

    def forget_letters(self) -> None:
        """Leave it to another group to tell what was refused."""
        self.letters.clear()
        self.refused.clear()

    def count(self) -> None:
        """Add what was committed to the metrics."""
        topics = Counter(record.topic.removeprefix(self._prefix) for record in self._records)
        for topic, handled in topics.items():
            metrics.consumed_events.labels(self._group, topic).inc(handled)
        for (topic, _, _), reason in self.refused.items():
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
                place = _place(record, self._prefix)
                received.append(Received(*place, _moment(record.timestamp), event))
        return received

    async def _handle(
        self,
        connection: AsyncConnection,
        handler: Handler,
        received: Sequence[Received],
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
                self._refuse(self._record_of(bad), poison)
                return
            middle = len(received) // 2
            await self._handle(connection, handler, received[:middle])
            await self._handle(connection, handler, received[middle:])

    def _record_of(self, received: Received) -> ConsumerRecord:
        wanted = (received.topic, received.partition, received.offset)
        return next(item for item in self._records if _place(item, self._prefix) == wanted)

    def _refuse(self, record: ConsumerRecord, error: PoisonError) -> None:
        topic, partition, offset = _place(record, self._prefix)
        headers = tuple(record.headers)
        origin = Origin(topic, partition, offset, record.key, record.value, headers)
        self.letters.append(dead_letter(origin, error, self._refused_by, self._clock()))
        self.refused[topic, partition, offset] = error.reason
        logger.error(
            "dead letter",
            topic=topic,
            partition=partition,
            offset=offset,
            reason=error.reason,
            **about_headers(headers).ids(),
        )


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _place(record: ConsumerRecord, prefix: str) -> tuple[str, int, int]:
    return record.topic.removeprefix(prefix), record.partition, record.offset


def _as_poison(error: Exception) -> PoisonError | None:
    if isinstance(error, PoisonError):
        return error
    return PoisonError("bad-data", str(error)[:500]) if is_data_error(error) else None
