"""A schema with the tables of a consumer, and helpers to write to and read from the real bus."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.edges.database import create_writer_engine
from common.edges.kafka import KafkaAccess
from common.edges.migrations import migrate
from common.edges.publisher import Publisher

MIGRATIONS = Path(__file__).parent / "migrations"
SCHEMA = "work"


@pytest.fixture
def migrated_url(database_url: str) -> str:
    """A database with `work.partition_offset`, `.outbox`, `.inbox` and a table of effects."""
    migrate(MIGRATIONS, database_url, SCHEMA)
    return database_url


@pytest.fixture
async def engine(migrated_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_writer_engine(migrated_url, SCHEMA)
    yield engine
    await engine.dispose()


@pytest.fixture
async def publisher(kafka_server: str, topic_prefix: str) -> AsyncIterator[Publisher]:
    publisher = Publisher(KafkaAccess(kafka_server), 10, topic_prefix)
    yield publisher
    await publisher.stop()


@pytest.fixture
def read_topic(kafka_server: str) -> Callable[..., Any]:
    """Return every record of a topic, in order per partition."""

    async def read(topic: str) -> list[Any]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=kafka_server, auto_offset_reset="earliest", enable_auto_commit=False
        )
        await consumer.start()
        try:
            numbers = consumer.partitions_for_topic(topic) or await _partitions(consumer, topic)
            partitions = [TopicPartition(topic, number) for number in sorted(numbers)]
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            records: list[Any] = []
            while any([await consumer.position(part) < end for part, end in ends.items()]):
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    records += batch
            return records
        finally:
            await consumer.stop()

    return read


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
    consumer.subscribe([topic])
    await consumer._client.force_metadata_update()
    numbers: set[int] = consumer.partitions_for_topic(topic)
    consumer.unsubscribe()
    return numbers


@pytest.fixture
def effects(engine: AsyncEngine) -> Callable[..., Any]:
    """Return what handlers have written to the table of effects, in order."""

    async def rows() -> list[str]:
        async with engine.connect() as connection:
            return list(
                (await connection.execute(text("SELECT note FROM effect ORDER BY id"))).scalars()
            )

    return rows


@pytest.fixture
def running() -> Callable[..., Any]:
    """Run a component for as long as the block lasts."""

    @asynccontextmanager
    async def run(component: Any) -> AsyncIterator[asyncio.Task[None]]:
        stopping = asyncio.Event()
        task = asyncio.create_task(component.run(stopping))
        yield task
        stopping.set()
        await task

    return run


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """Wait until an async question has the wished-for answer; the suite's time limit bounds it."""

    async def wait(question: Callable[[], Any], wished: Any) -> None:
        while await question() != wished:  # noqa: ASYNC110 - the answer lies in another process
            await asyncio.sleep(0.02)

    return wait
