"""Reading the bus beside the services: in no group, leaving no trace."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from common.core.errors import TransientError
from common.core.operations.lag import Held
from common.edges.kafka import described, kafka_access, started
from common.settings import CommonSettings

POLL_MS = 200
SILENCE_SECONDS = 15  # aiokafka asks again and again where a broker is away
# Of each partition only the first record is looked at, most of the time.
FETCH_BYTES = 64 * 1024
CLIENT_ID = "madoguchi-ops"

# Handed each record; returns whether its partition need not be read any further.
Look = Callable[[TopicPartition, ConsumerRecord], bool]


@asynccontextmanager
async def reading_bus(settings: CommonSettings) -> AsyncIterator[AIOKafkaConsumer]:
    """Yield a consumer without a group. Raises TransientError, SettingsError."""
    kafka = kafka_access(settings)
    consumer = AIOKafkaConsumer(
        **kafka.options(),
        client_id=CLIENT_ID,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_partition_fetch_bytes=FETCH_BYTES,
        request_timeout_ms=15_000,
    )
    try:
        await started(consumer, kafka)
        yield consumer
    except (KafkaError, OSError, TimeoutError) as error:
        raise TransientError(described(error)) from error
    finally:
        await asyncio.sleep(0)  # the client cannot stop before its tasks have begun
        await consumer.stop()


async def held(
    consumer: AIOKafkaConsumer, partitions: Iterable[TopicPartition]
) -> dict[TopicPartition, Held]:
    """Return what each partition holds now."""
    asked = list(partitions)
    if not asked:
        return {}
    first, end = await asyncio.gather(
        consumer.beginning_offsets(asked), consumer.end_offsets(asked)
    )
    return {part: Held(first[part], end[part]) for part in asked}


async def read_on(
    consumer: AIOKafkaConsumer,
    begins: Mapping[TopicPartition, int],
    holds: Mapping[TopicPartition, Held],
    look: Look,
) -> None:
    """Show `look` the records of each partition from an offset on, as far as they were `held`.

    Raises TransientError where Kafka stops answering.
    """
    open_ones = {part for part, begin in begins.items() if begin < holds[part].end}
    if not open_ones:
        return
    consumer.assign(sorted(open_ones))
    for part in open_ones:
        consumer.seek(part, begins[part])
    clock = asyncio.get_running_loop().time
    heard_at = clock()
    while open_ones:
        polled = await consumer.getmany(timeout_ms=POLL_MS)
        done = {part for part, records in polled.items() if _enough(part, records, holds, look)}
        # What compaction or a transaction took away at the end is no record to wait for.
        for part in open_ones - done:
            if await consumer.position(part) >= holds[part].end:
                done.add(part)
        consumer.pause(*(done & open_ones))
        open_ones -= done
        if polled or done:
            heard_at = clock()
        elif clock() - heard_at > SILENCE_SECONDS:
            raise TransientError(
                f"kafka: no records for {SILENCE_SECONDS} s, though some are there"
            )


def _enough(
    part: TopicPartition,
    records: Iterable[ConsumerRecord],
    holds: Mapping[TopicPartition, Held],
    look: Look,
) -> bool:
    return any(record.offset >= holds[part].end or look(part, record) for record in records)
