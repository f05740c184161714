"""Publishing: acknowledged by every replica in sync, in order, within a bounded time."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from common.core.cloudevents import Record, type_prefix
from common.core.errors import PoisonError, TransientError
from common.core.event_types import EVENT_TYPES
from common.edges import metrics
from common.edges.kafka import KafkaAccess, described, started

logger = structlog.get_logger()

MAX_REQUEST_BYTES = 4 * 1024 * 1024
LINGER_MS = 5  # requests that arrive together share one produce request
_TYPES = {name.encode(): name.removeprefix(type_prefix) for name in EVENT_TYPES}


class Publisher:
    """An idempotent producer that is thrown away after any doubt.

    A failed batch leaves a gap in the producer's sequence and an idempotent batch never expires by
    itself, so after a time-out nobody knows what will still be written. A new producer makes the
    doubt final: what was in flight may have been written once, and will not be written later.
    """

    def __init__(
        self,
        kafka: KafkaAccess,
        timeout_seconds: float,
        prefix: str = "",
        client_id: str = "madoguchi",
    ) -> None:
        self._kafka = kafka
        self._timeout = timeout_seconds
        self._prefix = prefix
        self._create: Callable[[], AIOKafkaProducer] = lambda: AIOKafkaProducer(
            **kafka.options(),
            client_id=client_id,
            acks="all",
            enable_idempotence=True,
            linger_ms=LINGER_MS,
            max_request_size=MAX_REQUEST_BYTES,
            max_batch_size=256 * 1024,
            request_timeout_ms=max(1000, int(timeout_seconds * 1000)),
            retry_backoff_ms=50,
        )
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._abandoned: set[asyncio.Task[None]] = set()

    async def publish(self, records: Sequence[Record]) -> None:
        """Return once Kafka holds every record, in the order given for each key.

        Raises TransientError when that is in doubt after the time-out: some records may have been
        written, none will be later; publish them again (readers know an event by its id). Raises
        PoisonError where a record can never be published.
        """
        if not records:
            return
        producer: AIOKafkaProducer | None = None
        try:
            async with asyncio.timeout(self._timeout):
                producer = await self._ready()
                await self._send(producer, records)
        except MessageSizeTooLargeError as error:
            raise PoisonError("too-large", str(error)) from error
        except (KafkaError, TimeoutError, OSError) as error:
            metrics.publish_failures.inc()
            self._abandon(producer)
            raise TransientError(described(error)) from error
        for labels, published in Counter(map(_labels, records)).items():
            metrics.published_records.labels(*labels).inc(published)

    async def stop(self) -> None:
        """Flush and close; bounded by the time-out."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                await asyncio.wait_for(producer.stop(), self._timeout)
            except (TimeoutError, KafkaError):
                self._abandon(producer)
        await asyncio.gather(*self._abandoned, return_exceptions=True)

    async def _send(self, producer: AIOKafkaProducer, records: Sequence[Record]) -> None:
        # Each `send` queues before it returns, so the order given is the order written.
        futures = [
            await producer.send(
                self._prefix + record.topic,
                record.value or None,  # compaction takes null for the end of a key
                key=record.key,
                headers=list(record.headers),
            )
            for record in records
        ]
        await asyncio.gather(*futures)

    async def _ready(self) -> AIOKafkaProducer:
        if self._producer is not None:
            return self._producer
        async with self._starting:
            if self._producer is None:
                producer = self._create()
                try:
                    await started(producer, self._kafka)
                except BaseException:
                    self._abandon(producer)
                    raise
                self._producer = producer
            return self._producer

    def _abandon(self, producer: AIOKafkaProducer | None) -> None:
        if producer is None:
            return
        if producer is self._producer:
            self._producer = None
        task = asyncio.create_task(_close_at_once(producer))
        self._abandoned.add(task)
        task.add_done_callback(self._abandoned.discard)


def _labels(record: Record) -> tuple[str, str]:
    """Return a record's topic and type. Dead letters keep their headers, whatever stands in them."""
    return record.topic, _TYPES.get(dict(record.headers).get("ce_type", b""), "other")


async def _close_at_once(producer: AIOKafkaProducer) -> None:
    """Close without flushing: `AIOKafkaProducer.stop` waits for ever on a broker that is gone."""
    if producer._closed:  # noqa: SLF001 - several callers may doubt the same producer
        return
    producer._closed = True  # noqa: SLF001 - there is no public way to close without a flush
    try:
        await producer._sender.close()  # noqa: SLF001
        await producer.client.close()
    except Exception as error:  # noqa: BLE001 - it is being thrown away
        logger.warning("producer closed badly", error=repr(error))
