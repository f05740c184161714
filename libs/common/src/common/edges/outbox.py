"""The transactional outbox: an event is committed with the state it tells of, then published."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import asyncpg
import msgspec
import structlog
from opentelemetry.trace import SpanKind
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.core.cloudevents import Record
from common.edges.clock import system_clock
from common.edges.database import done_unless_passing, driver_of
from common.edges.leading import leading
from common.edges.ports import Publishing
from common.edges.sessions import Question
from common.edges.tracing import Step, about_record, tracing
from common.edges.waiting import pause

logger = structlog.get_logger()

RELAY_BATCH = 2000
IDLE_SECONDS = 0.05
RETRY_SECONDS = 0.5

_INSERT = text(
    "INSERT INTO outbox (topic, record) "
    "SELECT * FROM unnest(CAST(:topics AS text[]), CAST(:records AS bytea[]))"
)
_NEXT = Question.of(text("SELECT id, record, created_at FROM outbox ORDER BY id LIMIT :most"))
_DELETE = Question.of(text("DELETE FROM outbox WHERE id = ANY(CAST(:ids AS bigint[]))"))

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Record).decode


async def enqueue(connection: AsyncConnection, records: Sequence[Record]) -> None:
    """Add events to the caller's transaction; a relay publishes them in this order after commit."""
    if records:
        await connection.execute(
            _INSERT,
            {
                "topics": [record.topic for record in records],
                "records": [_encode(record) for record in records],
            },
        )


class OutboxRelay:
    """Publishes the outbox of one schema in order. Of several replicas one works, the rest wait."""

    name = "outbox relay"

    def __init__(self, engine: AsyncEngine, publisher: Publishing) -> None:
        self._engine = engine
        self._publisher = publisher
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Tell the relay that something was committed, so that it does not wait for its next look."""
        self._woken.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Relay until `stopping` is set and what is committed by then is published."""
        while not stopping.is_set():
            await done_unless_passing("outbox", self._relay_while_leading(stopping))
            await pause(stopping, RETRY_SECONDS)

    async def _relay_while_leading(self, stopping: asyncio.Event) -> None:
        async with leading(self._engine, "outbox") as session:
            if session is not None:
                # Asked twenty times a second while nothing happens.
                await self._relay(await driver_of(session), stopping)

    async def _relay(self, connection: asyncpg.Connection, stopping: asyncio.Event) -> None:
        while True:
            self._woken.clear()
            ending = stopping.is_set()
            published = await self._publish_next(connection)
            if published == 0:
                if ending:
                    return
                await self._wait()

    async def _publish_next(self, connection: asyncpg.Connection) -> int:
        rows = await _NEXT.ask(connection, {"most": RELAY_BATCH})
        if rows:
            records = [_decode(row["record"]) for row in rows]
            await self._publisher.publish(records)
            _trace(records, [row["created_at"] for row in rows])
            await _DELETE.ask(connection, {"ids": [row["id"] for row in rows]})
        return len(rows)

    async def _wait(self) -> None:
        await pause(self._woken, IDLE_SECONDS)


def _trace(records: Sequence[Record], committed: Sequence[datetime]) -> None:
    """Tell how long each event waited from its commit to Kafka's acknowledgement."""
    tracer = tracing()
    if tracer is None:
        return
    now = system_clock()
    for record, began in zip(records, committed, strict=True):
        place = {"messaging.system": "kafka", "messaging.destination.name": record.topic}
        step = Step("publish from the outbox", began, now)
        tracer.happened(about_record(record), step, SpanKind.PRODUCER, place)
