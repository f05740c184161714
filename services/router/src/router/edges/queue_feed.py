"""Live streams of queues: what the router tells the bus, as server-sent events for wallboards.

One consumer a process reads `routing.v1` without a group, from the first stream that is opened, and
keeps the latest events: a reader who comes back is told what he missed of them, on any replica, as
an id is a place on the bus. What is handled costs nothing more for it, and the database is asked
for depths only.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import KafkaError
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.core.cloudevents import Event, read
from common.core.errors import PoisonError
from common.edges.database import done_unless_passing, is_passing
from common.edges.kafka import KafkaAccess, started
from common.edges.streaming import Stream, Streams, event
from common.edges.waiting import work_until
from router.core.queue_feed import Board, QueueKey, Told, place_text

logger = structlog.get_logger()

BACK = 500  # records of each partition that are read again by a process that begins
KEPT = 20_000  # events that a reader may have missed
POLL_MS = 200
MOST_RECORDS = 500
RETRY_SECONDS = 1.0
DEPTH_SECONDS = 1.0
REST = 4  # how many times as long as counting took nothing is counted

_QUEUES = text(
    "SELECT case_id, queue FROM support_case WHERE case_id = ANY(CAST(:cases AS uuid[]))"
)

Depth = Callable[[str, str], Awaitable[bytes | None]]


class QueueStream(Stream):
    """One open stream of a queue; `place` is where its reader was."""

    def __init__(self, key: QueueKey, place: Mapping[int, int] | None) -> None:
        super().__init__()
        self.key = key
        self.place = place
        self.depth: bytes | None = None

    def tell(self, part: bytes, place: str) -> None:
        """Send an event, or to a reader who is too slow for it that he has to reload."""
        if not self.put(part):
            self.forget()
            self.put(event("reload", b"{}", place))


class Kept(Struct, frozen=True):
    """An event and where the bus has it."""

    partition: int
    offset: int
    told: Told


class QueuesHub:
    """Brings what happens to queues to the open streams; a component.

    `engine` sees every tenant; `depth` returns a queue as it stands, as JSON.
    """

    name = "queue feed"

    def __init__(
        self,
        kafka: KafkaAccess,
        topic: str,
        engine: AsyncEngine,
        streams: Streams,
        depth: Depth,
        draining: Callable[[], bool],
    ) -> None:
        self._kafka = kafka
        self._topic = topic
        self._engine = engine
        self._streams = streams
        self._depth = depth
        self._draining = draining
        self._wanted = asyncio.Event()
        self._newcomers: list[QueueStream] = []
        self._of: defaultdict[QueueKey, set[QueueStream]] = defaultdict(set)
        self._dirty: set[QueueKey] = set()
        self._forget()

    def _forget(self) -> None:
        self._board = Board()
        self._kept: deque[Kept] = deque()
        self._floor: dict[int, int] = {}
        self._place: dict[int, int] = {}

    def require_room(self) -> None:
        """Raise HTTPException (503) where too many streams are open."""
        self._streams.require_room()

    @contextmanager
    def opened(
        self, tenant: str, queue: str, place: Mapping[int, int] | None
    ) -> Iterator[QueueStream]:
        """Yield a stream of what happens to a queue after a place on the bus, or from now on."""
        stream = QueueStream((tenant, queue), place)
        with self._streams.counted(stream):
            self._newcomers.append(stream)
            self._wanted.set()
            try:
                yield stream
            finally:
                stream.end()
                self._of[stream.key].discard(stream)
                if not self._of[stream.key]:
                    del self._of[stream.key]

    async def run(self, stopping: asyncio.Event) -> None:
        """Deliver until `stopping` is set."""
        await work_until(stopping, self._follow(), self._count())
        self._streams.end()

    async def _follow(self) -> None:
        await self._wanted.wait()
        while True:
            consumer = AIOKafkaConsumer(  # without a group it is assigned every partition
                self._topic, isolation_level="read_committed", **self._kafka.options()
            )
            try:
                await started(consumer, self._kafka)
                await self._read(consumer)
            except Exception as error:
                if not isinstance(error, KafkaError) and not is_passing(error):
                    raise
                logger.warning("queue streams wait", error=repr(error))
                await asyncio.sleep(RETRY_SECONDS)
            finally:
                await consumer.stop()

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        await self._assign(consumer)
        goal = await consumer.end_offsets(list(consumer.assignment()))
        made_from = self._kafka.version()
        while self._kafka.version() == made_from:
            if self._draining():
                self._streams.end()
            polled = await consumer.getmany(timeout_ms=POLL_MS, max_records=MOST_RECORDS)
            records = [record for some in polled.values() for record in some]
            await self._take(records)
            if all(self._place[part.partition] >= end for part, end in goal.items()):
                self._admit()

    async def _assign(self, consumer: AIOKafkaConsumer) -> None:
        """Go on where we were, or some way back: what came then may have been missed by somebody."""
        partitions = list(consumer.assignment())
        first = await consumer.beginning_offsets(partitions)
        last = await consumer.end_offsets(partitions)
        if any(part.partition not in self._place for part in partitions):
            self._forget()
            self._floor = {p.partition: max(first[p], last[p] - BACK) for p in partitions}
            self._place = dict(self._floor)
        for partition in partitions:
            consumer.seek(partition, self._place[partition.partition])

    async def _take(self, records: list[ConsumerRecord]) -> None:
        """Tell those who follow what these records say. Nothing is told unless all can be."""
        events = [(record, said) for record in records if (said := _event(record))]
        await self._learn(said for _, said in events)
        told = {
            (record.partition, record.offset): self._board.take(said) for record, said in events
        }
        for record in records:
            self._place[record.partition] = record.offset + 1
            for one in told.get((record.partition, record.offset), ()):
                self._keep(Kept(record.partition, record.offset, one))

    async def _learn(self, events: Iterable[Event]) -> None:
        unknown = [one.data.case_id for one in events if not self._board.knows(one)]
        if unknown:
            async with self._engine.connect() as connection:
                rows = await connection.execute(_QUEUES, {"cases": unknown})
                self._board.learn({row.case_id: row.queue for row in rows})

    def _keep(self, kept: Kept) -> None:
        self._kept.append(kept)
        if len(self._kept) > KEPT:
            oldest = self._kept.popleft()
            self._floor[oldest.partition] = oldest.offset + 1
        self._dirty.add(kept.told.key)
        if streams := self._of.get(kept.told.key):
            place = place_text(self._place)
            part = event(kept.told.name, kept.told.data, place)
            for stream in streams:
                stream.tell(part, place)

    def _admit(self) -> None:
        """Let those who came begin, with what they missed."""
        for stream in self._newcomers:
            if not stream.ended:
                self._begin(stream)
                self._of[stream.key].add(stream)
                self._dirty.add(stream.key)
        self._newcomers.clear()

    def _begin(self, stream: QueueStream) -> None:
        now = place_text(self._place)
        place = dict(stream.place or {})
        stream.put(event("following", b"{}", place_text(place) if self._has(place) else now))
        if stream.place is not None and not self._has(place):
            stream.put(event("reload", b"{}", now))
        elif stream.place is not None:
            for kept in self._kept:
                if kept.told.key == stream.key and kept.offset >= place[kept.partition]:
                    place[kept.partition] = kept.offset + 1
                    told = kept.told
                    stream.tell(event(told.name, told.data, place_text(place)), now)

    def _has(self, place: Mapping[int, int]) -> bool:
        """Whether everything after a place is kept."""
        return place.keys() == self._place.keys() and all(
            self._floor[number] <= offset <= self._place[number] for number, offset in place.items()
        )

    async def _count(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await done_unless_passing("depths of queues", self._tell_depths())
            await asyncio.sleep(max(DEPTH_SECONDS, REST * (loop.time() - began)))

    async def _tell_depths(self) -> None:
        """Send how each queue stands to whoever has not been told so."""
        wanted = [key for key in self._dirty if key in self._of]
        self._dirty.clear()
        for key in wanted:
            data = await self._depth(*key)
            for stream in self._of.get(key, ()):
                if data and data != stream.depth:
                    stream.depth = data
                    stream.tell(event("depth", data), place_text(self._place))


def _event(record: ConsumerRecord) -> Event | None:
    if record.value is None:
        return None
    try:
        found = read(record.headers, record.value)
    except PoisonError:
        return None  # whoever handles them tells of it
    return found if found.data is not None else None
