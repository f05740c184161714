"""The consumer loop: batches in, effects and offsets committed together, nothing lost or doubled."""

import asyncio
from collections.abc import Callable, Iterable, Set as AbstractSet

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncEngine

from common.core.errors import MadoguchiError
from common.edges import metrics
from common.edges.backlog import Backlog
from common.edges.batch_report import BatchReport
from common.edges.batches import Batch, Handler
from common.edges.clock import Clock, system_clock
from common.edges.database import is_passing
from common.edges.kafka import KafkaAccess, described, started
from common.edges.offsets import Claim, FencedError, advance, claim
from common.edges.outbox import enqueue
from common.edges.patience import PatientConsumer
from common.edges.progress import Progress
from common.edges.waiting import pause

logger = structlog.get_logger()

POLL_MS = 200
PATIENCE_MS = 50
BACKOFF_SECONDS = (0.1, 0.2, 0.5, 1, 2, 5)
DEAD_LETTERS_IN_A_ROW = 1000
# A member hears with its next heartbeat that others come or go, and all wait for the last to hear.
HEARTBEAT_MS = 500
KAFKA_COMMIT_SECONDS = 1.0


class DeadLetterFloodError(MadoguchiError):
    """So many records in a row were refused that the fault is likely ours: stop and say so."""


class ConsumerOptions(Struct, frozen=True, kw_only=True):
    """How to read: `topics` and `group` without prefix.

    `dead_letters`: tell the bus of what is refused. Of two groups of one service one does.
    `session_timeout_seconds`: who is not heard of for so long counts as dead. `patience_ms`: how long
    at least a fetch waits for more than it has, see common.edges.patience.
    """

    kafka: KafkaAccess
    group: str
    topics: tuple[str, ...]
    prefix: str = ""
    batch_max_records: int = 1000
    client_id: str = "madoguchi"
    dead_letters: bool = True
    session_timeout_seconds: float = 6.0
    patience_ms: int = PATIENCE_MS


class Consumer(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Hands batches to a handler inside a transaction that also stores the offsets.

    A record that can never be handled goes to the dead-letter topic through the outbox and the
    rest goes on. A passing error rolls back and the batch comes again after a pause. Anything else
    ends the process.
    """

    name = "consumer"

    def __init__(
        self,
        options: ConsumerOptions,
        engine: AsyncEngine,
        handler: Handler,
        *,
        after_commit: Callable[[], None] = lambda: None,
        clock: Clock = system_clock,
    ) -> None:
        self._options = options
        self._engine = engine
        self._handler = handler
        self._after_commit = after_commit
        self._clock = clock
        self._group = options.prefix + options.group
        self._claims: dict[TopicPartition, Claim] = {}
        self._uncommitted: dict[TopicPartition, int] = {}
        self._refused_in_a_row = 0
        self._failures = 0
        self._backlog = Backlog(options.group, options.prefix, clock)
        self._told = BatchReport(options.group)
        self.progress = Progress()

    async def run(self, stopping: asyncio.Event) -> None:
        """Consume until `stopping` is set, then leave the group."""
        while not stopping.is_set():
            consumer = self._new_consumer()
            try:
                await started(consumer, self._options.kafka)
                await self._consume(consumer, stopping)
            except (KafkaError, OSError) as error:
                self.progress.waiting(described(error))
                await self._back_off(stopping, error)
            finally:
                self._give_up(self._claims.keys())
                await _close(consumer)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Forget the claims; a transaction under way will find itself fenced."""
        self._give_up(frozenset(revoked))

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Claim later, in the loop: aiokafka only logs what a listener raises."""

    def _give_up(self, partitions: AbstractSet[TopicPartition]) -> None:
        if given_up := self._claims.keys() & partitions:
            logger.info("partitions given up", group=self._group, partitions=len(given_up))
        for partition in given_up:
            del self._claims[partition]

    def _new_consumer(self) -> PatientConsumer:
        consumer = PatientConsumer(
            **self._options.kafka.options(),
            patience_ms=self._options.patience_ms,
            group_id=self._group,
            client_id=self._options.client_id,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            max_partition_fetch_bytes=2 * 1024 * 1024,
            session_timeout_ms=int(self._options.session_timeout_seconds * 1000),
            heartbeat_interval_ms=HEARTBEAT_MS,
            request_timeout_ms=15_000,
            metadata_max_age_ms=30_000,
        )
        topics = [self._options.prefix + topic for topic in self._options.topics]
        consumer.subscribe(topics, listener=self)
        return consumer

    async def _consume(self, consumer: PatientConsumer, stopping: asyncio.Event) -> None:
        """Handle batch after batch, polling and reading the next while Postgres is busy."""
        last_told = asyncio.get_running_loop().time()
        made_from = self._options.kafka.version()
        ahead = self._poll_ahead(consumer)
        try:
            while not stopping.is_set() and self._options.kafka.version() == made_from:
                try:
                    batch, ahead = await ahead, self._poll_ahead(consumer)
                    if batch is not None:
                        consumer.took(await self._handle(batch))
                    self._report(consumer)
                except Exception as error:
                    if not is_passing(error):
                        raise
                    await _abandoned(ahead)
                    self._claims.clear()  # claim again and go back to the last committed offset
                    await self._back_off(stopping, error)
                    ahead = self._poll_ahead(consumer)
                if asyncio.get_running_loop().time() - last_told > KAFKA_COMMIT_SECONDS:
                    last_told = asyncio.get_running_loop().time()
                    await self._tell_kafka(consumer)
        finally:
            await _abandoned(ahead)
        await self._tell_kafka(consumer)

    def _poll_ahead(self, consumer: PatientConsumer) -> asyncio.Task[Batch | None]:
        return asyncio.create_task(self._poll(consumer))

    async def _poll(self, consumer: PatientConsumer) -> Batch | None:
        await self._claim_new(consumer)
        polled = await consumer.getmany(
            timeout_ms=POLL_MS, max_records=self._options.batch_max_records
        )
        claims = {part: self._claims[part] for part in polled if part in self._claims}
        if not claims:
            return None
        mine = {part: polled[part] for part in claims}
        return Batch(mine, claims, self._options.prefix, self._group, self._clock)

    async def _claim_new(self, consumer: PatientConsumer) -> None:
        unclaimed = [part for part in consumer.assignment() if part not in self._claims]
        if not unclaimed:
            return
        async with self._engine.begin() as connection:
            claims = await claim(connection, self._group, unclaimed)
        for partition, granted in claims.items():
            if partition in consumer.assignment():
                consumer.seek(partition, granted.next_offset)
                self._claims[partition] = granted
        logger.info("partitions claimed", group=self._group, partitions=len(claims))

    async def _handle(self, batch: Batch) -> float:
        """Return the seconds that it took."""
        # A claim that was lost and won again since the poll begins at another offset.
        if any(self._claims.get(part) is not claim for part, claim in batch.claims.items()):
            raise FencedError("claims changed since the poll")
        began = self._clock()
        self._backlog.begun(batch.oldest)
        with metrics.batch_seconds.labels(self._options.group).time():
            async with self._engine.begin() as connection:
                await advance(connection, self._group, batch.claims, batch.next_offsets)
                await batch.handle(connection, self._handler)
                if not self._options.dead_letters:
                    batch.forget_letters()
                await enqueue(connection, batch.letters)
        self._committed(batch)
        ended = self._clock()
        self._told.committed(batch, began, ended)
        return (ended - began).total_seconds()

    def _committed(self, batch: Batch) -> None:
        self._failures = 0
        self._uncommitted.update(batch.next_offsets)
        self.progress.advanced()
        self._after_commit()
        batch.count()
        all_refused = len(batch.letters) == batch.size
        self._refused_in_a_row = self._refused_in_a_row + batch.size if all_refused else 0
        if self._refused_in_a_row > DEAD_LETTERS_IN_A_ROW:
            raise DeadLetterFloodError(f"{self._refused_in_a_row} records in a row were refused")

    def _report(self, consumer: PatientConsumer) -> None:
        lag = 0
        self._backlog.keep_only(self._claims)
        # The group may have taken a partition away since; aiokafka asserts that it has not.
        for partition in self._claims.keys() & consumer.assignment():
            end = consumer.highwater(partition)
            done = self._uncommitted.get(partition, self._claims[partition].next_offset)
            behind = max(0, (end or 0) - done)
            self._backlog.left(partition, behind)
            lag += behind
        self.progress.polled(lag)

    async def _tell_kafka(self, consumer: PatientConsumer) -> None:
        """Commit to Kafka too: only so that lag can be watched; nobody reads from there."""
        mine = {part: at for part, at in self._uncommitted.items() if part in self._claims}
        if not mine:
            return
        try:
            await consumer.commit(mine)
        except KafkaError as error:
            logger.info("offsets not told to kafka", error=repr(error))

    async def _back_off(self, stopping: asyncio.Event, error: Exception) -> None:
        seconds = BACKOFF_SECONDS[min(self._failures, len(BACKOFF_SECONDS) - 1)]
        self._failures += 0 if isinstance(error, FencedError) else 1
        metrics.retries.labels(self._options.group, type(error).__name__).inc()
        logger.warning("batch will be tried again", error=repr(error), pause_seconds=seconds)
        await pause(stopping, seconds)


async def _abandoned(task: asyncio.Task[Batch | None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _close(consumer: PatientConsumer) -> None:
    try:
        await consumer.stop()
    except (KafkaError, OSError) as error:
        logger.info("consumer closed badly", error=repr(error))
