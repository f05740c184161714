"""How many dead letters wait for somebody to decide about them, as a metric.

The topic is read beside the services, in no group: it holds the letters and the marks of those that
were handled (common.core.operations.letters).
"""

import asyncio
from datetime import UTC, datetime

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from common.core.operations.letters import Kept, mark_of
from common.core.topics import DEAD_LETTER
from common.edges import metrics
from common.edges.kafka import KafkaAccess, started
from common.edges.waiting import pause

logger = structlog.get_logger()

POLL_MS = 200  # how soon it is noticed that the process drains
RETRY_SECONDS = 5.0
FORGET_SECONDS = 3600.0  # how often it is looked what the topic's retention took away


class ParkedLetters:
    """Counts as a component, until told to stop."""

    name = "parked letters"

    def __init__(self, kafka: KafkaAccess, prefix: str) -> None:
        self._kafka = kafka
        self._topic = prefix + DEAD_LETTER.name
        self._open: set[str] = set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Follow the topic from its beginning; Kafka's absence makes nobody unready."""
        while not stopping.is_set():
            consumer = AIOKafkaConsumer(  # without a group it is assigned every partition
                self._topic,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
                **self._kafka.options(),
            )
            try:
                await started(consumer, self._kafka)
                await self._follow(consumer, stopping)
            except (KafkaError, OSError, TimeoutError) as error:
                logger.info("parked letters are not counted", error=repr(error))
                await pause(stopping, RETRY_SECONDS)
            finally:
                await consumer.stop()

    async def _follow(self, consumer: AIOKafkaConsumer, stopping: asyncio.Event) -> None:
        """Read until told to stop, for an hour, or until clients are to be made anew."""
        made_from = self._kafka.version()
        self._open.clear()
        loop = asyncio.get_running_loop()
        until = loop.time() + FORGET_SECONDS
        while not stopping.is_set() and self._kafka.version() == made_from and loop.time() < until:
            for partition, records in (await consumer.getmany(timeout_ms=POLL_MS)).items():
                for record in records:
                    self._read(partition, record)
            if await _is_read(consumer):
                metrics.dead_letters_parked.set(len(self._open))

    def _read(self, partition: TopicPartition, record: ConsumerRecord) -> None:
        at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
        kept = Kept(
            partition.partition, record.offset, at, b"", record.value or b"", record.headers
        )
        if mark := mark_of(kept):
            self._open.discard(mark.letter)
        else:
            self._open.add(kept.name)


async def _is_read(consumer: AIOKafkaConsumer) -> bool:
    """Whether everything that the topic held when it was polled is read."""
    for partition in consumer.assignment():
        end = consumer.highwater(partition)
        if end is None or await consumer.position(partition) < end:
            return False
    return True
