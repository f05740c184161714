"""The timeline made anew from what the bus holds, into a schema that is empty.

The same positions, moments and ids give the same rows. What a compacted topic has dropped since
cannot come back: of each profile the newest is there.
"""

import asyncio
from collections.abc import Callable

from aiokafka import AIOKafkaConsumer, TopicPartition
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.edges.batches import Handler
from common.edges.consumer import Consumer, ConsumerOptions
from common.edges.kafka import started

LOOK_SECONDS = 0.5

_IS_EMPTY = text("SELECT NOT EXISTS (SELECT FROM seen) AND NOT EXISTS (SELECT FROM profile)")
_REACHED = text(
    """
    SELECT topic, partition, next_offset FROM partition_offset WHERE consumer_group = :consumer_group
    """
)

Ends = dict[TopicPartition, tuple[int, int]]


class RebuiltProgress(Struct, frozen=True):
    """How many records of how many were handled, in so many seconds."""

    done: int
    total: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Return records a second."""
        return self.done / self.seconds if self.seconds else 0.0


class NotEmptyError(RuntimeError):
    """There is a history already: dropping it is somebody's decision."""


async def rebuild_from_bus(
    options: ConsumerOptions,
    engine: AsyncEngine,
    handler: Handler,
    report: Callable[[RebuiltProgress], None],
) -> RebuiltProgress:
    """Hand the handler everything that the bus holds at this moment; return how fast it was.

    Where it is interrupted, `serve` goes on from there. Raises NotEmptyError.
    """
    async with engine.connect() as connection:
        if not await connection.scalar(_IS_EMPTY):
            raise NotEmptyError("the timeline is not empty")
    ends = await _ends(options)
    stopping = asyncio.Event()
    consumer = Consumer(options, engine, handler)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(consumer.run(stopping))
        try:
            return await _follow(engine, options, ends, report)
        finally:
            stopping.set()


async def _follow(
    engine: AsyncEngine,
    options: ConsumerOptions,
    ends: Ends,
    report: Callable[[RebuiltProgress], None],
) -> RebuiltProgress:
    loop = asyncio.get_running_loop()
    began = loop.time()
    total = sum(end - begin for begin, end in ends.values())
    while True:
        done = await _done(engine, options, ends)
        progress = RebuiltProgress(done, total, loop.time() - began)
        report(progress)
        if done == total:
            return progress
        await asyncio.sleep(LOOK_SECONDS)


async def _done(engine: AsyncEngine, options: ConsumerOptions, ends: Ends) -> int:
    """Return how many of these records lie before the offsets that are stored."""
    async with engine.connect() as connection:
        group = {"consumer_group": options.prefix + options.group}
        rows = (await connection.execute(_REACHED, group)).all()
    reached = {TopicPartition(row.topic, row.partition): row.next_offset for row in rows}
    return sum(
        max(0, min(reached.get(place, 0), end) - begin) for place, (begin, end) in ends.items()
    )


async def _ends(options: ConsumerOptions) -> Ends:
    """Return where each partition begins and ends."""
    topics = [options.prefix + topic for topic in options.topics]
    client = AIOKafkaConsumer(*topics, **options.kafka.options())  # in no group: has all
    await started(client, options.kafka)
    try:
        places = list(client.assignment())
        begins = await client.beginning_offsets(places)
        ends = await client.end_offsets(places)
    finally:
        await client.stop()
    return {place: (begins[place], ends[place]) for place in places}
