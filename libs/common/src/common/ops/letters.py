"""Dead letters on the bus: read, published again, marked as handled."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from common.core.adapters import Original
from common.core.errors import TransientError
from common.core.operations.letters import (
    Filed,
    Handling,
    Kept,
    Letter,
    NotReplayableError,
    filed,
    handled,
    replayed,
)
from common.core.topics import DEAD_LETTER
from common.edges.clock import Clock
from common.edges.database import create_writer_engine
from common.edges.inbox import Inbox
from common.edges.kafka import kafka_access
from common.edges.ports import Publishing
from common.edges.topics import administering
from common.ops.bus import held, read_on, reading_bus
from common.settings import CommonSettings


async def letters_of(settings: CommonSettings, since: datetime | None = None) -> list[Filed]:
    """Return every letter that the bus still holds, or those since a moment, oldest first.

    Raises TransientError where Kafka is away or has no such topic.
    """
    topic = settings.topic_prefix + DEAD_LETTER.name
    async with administering(kafka_access(settings)) as admin:
        [found] = await admin.describe_topics([topic])
    if found["error_code"]:
        raise TransientError(f"kafka: there is no topic {topic}; see `topics apply`")
    partitions = [TopicPartition(topic, one["partition"]) for one in found["partitions"]]
    kept: list[Kept] = []

    def keep(part: TopicPartition, record: ConsumerRecord) -> bool:
        kept.append(_kept(part, record))
        return False

    async with reading_bus(settings) as consumer:
        holds = await held(consumer, partitions)
        begins = {part: hold.first for part, hold in holds.items()}
        if since is not None:
            begins |= await _from(consumer, partitions, since, {p: h.end for p, h in holds.items()})
        await read_on(consumer, begins, holds, keep)
    return filed(kept)


class LetterDesk:
    """Handles letters: first what is done, then the mark, so that nothing is marked and not done."""

    def __init__(
        self, settings: CommonSettings, publisher: Publishing, clock: Clock, by: str
    ) -> None:
        self._settings = settings
        self._publisher = publisher
        self._clock = clock
        self._by = by

    async def replay(self, family: Sequence[Letter], why: str) -> str:
        """Publish a record once and mark all its letters; return where it went.

        Raises NotReplayableError, and TransientError where it is in doubt: do it again then, whoever
        reads the record knows the event by its id.
        """
        letter, now = family[0], self._clock()
        marks = [handled(one, Handling.REPLAYED, self._by, why, now) for one in family]
        if letter.topic:
            await self._publisher.publish([replayed(letter, self._by, now)])
            where = letter.topic
        else:
            where = await self._take_in(letter)
        await self._publisher.publish(marks)
        return where

    async def drop(self, letter: Letter, why: str) -> None:
        """Mark a letter as one that needs nobody any more. Raises TransientError."""
        now = self._clock()
        await self._publisher.publish([handled(letter, Handling.DROPPED, self._by, why, now)])

    async def _take_in(self, letter: Letter) -> str:
        """Put a request into the inbox of the service that took it, which reads it like any other."""
        try:
            original = msgspec.msgpack.decode(letter.value, type=Original)
        except msgspec.DecodeError as error:
            raise NotReplayableError(f"its request cannot be read: {error}") from error
        engine = create_writer_engine(self._settings.database, letter.refused_by, pool_size=1)
        try:
            await Inbox(engine).store(original)
        finally:
            await engine.dispose()
        return f"inbox of {letter.refused_by}"


async def _from(
    consumer: AIOKafkaConsumer,
    partitions: Sequence[TopicPartition],
    since: datetime,
    ends: dict[TopicPartition, int],
) -> dict[TopicPartition, int]:
    moment = int(since.timestamp() * 1000)
    found = await consumer.offsets_for_times(dict.fromkeys(partitions, moment))
    return {part: at.offset if at else ends[part] for part, at in found.items()}


def _kept(part: TopicPartition, record: ConsumerRecord) -> Kept:
    at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    headers = tuple(record.headers)
    return Kept(part.partition, record.offset, at, record.key or b"", record.value or b"", headers)
