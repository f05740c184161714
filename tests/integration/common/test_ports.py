"""The fakes of common.testing keep the promises of the real Kafka and Postgres: one suite for both."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from sqlalchemy import text

from common.core.adapters import Original
from common.core.cloudevents import Record
from common.core.errors import TransientError
from common.edges.database import create_reader_engine, create_writer_engine, reading
from common.edges.inbox import Inbox
from common.edges.kafka import KafkaAccess
from common.edges.ports import KeepingOriginals, Publishing
from common.edges.publisher import Publisher
from common.testing.fakes import MemoryInbox, MemoryPublisher

MOMENT = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)


def original(number: int) -> Original:
    return Original(provider="p", account="a", received_at=MOMENT, body=f"{number}".encode())


@pytest.fixture(params=["memory", "postgres"])
async def inbox(
    request: pytest.FixtureRequest, migrated_url: str
) -> AsyncIterator[KeepingOriginals]:
    if request.param == "memory":
        yield MemoryInbox()
        return
    engine = create_writer_engine(migrated_url, "work")
    yield Inbox(engine)
    await engine.dispose()


async def test_an_inbox_gives_back_what_it_took_in_order(inbox: KeepingOriginals) -> None:
    for number in range(5):
        await inbox.store(original(number))
    assert await inbox.rows() == 5
    async with inbox.next_batch(3) as batch:
        assert list(batch) == [original(n) for n in range(3)]
    assert await inbox.rows() == 2


async def test_an_inbox_keeps_a_batch_that_could_not_be_handled(inbox: KeepingOriginals) -> None:
    await inbox.store(original(1))
    with pytest.raises(RuntimeError):
        async with inbox.next_batch(3):
            raise RuntimeError("kafka is still away")
    assert await inbox.rows() == 1
    async with inbox.next_batch(3) as batch:
        assert list(batch) == [original(1)]


@pytest.fixture(params=["memory", "kafka"])
async def ported(
    request: pytest.FixtureRequest,
    kafka_server: str,
    topic_prefix: str,
    make_topic: Any,
    read_topic: Callable[..., Any],
) -> AsyncIterator[tuple[Publishing, Callable[..., Any]]]:
    if request.param == "memory":
        fake = MemoryPublisher()

        async def published() -> list[bytes]:
            return [record.value for record in fake.records]

        yield fake, published
        return
    topic = await make_topic("t")
    real = Publisher(KafkaAccess(kafka_server), 10, topic_prefix)

    async def values() -> list[bytes]:
        return [record.value for record in await read_topic(topic)]

    yield real, values
    await real.stop()


async def test_a_publisher_returns_when_everything_is_there_in_order(
    ported: tuple[Publishing, Callable[..., Any]],
) -> None:
    publisher, published = ported
    records = [Record("t", b"k", f"{n}".encode(), ()) for n in range(200)]
    await publisher.publish(records[:150])
    await publisher.publish([])
    await publisher.publish(records[150:])
    assert await published() == [record.value for record in records]


async def test_a_publisher_says_so_when_kafka_is_away_and_goes_on_when_it_is_back(
    own_kafka: Any,
) -> None:
    publisher = Publisher(KafkaAccess(own_kafka.bootstrap), 2)
    record = Record("t", b"k", b"v", ())
    await create_topic(own_kafka.bootstrap)
    await publisher.publish([record])
    own_kafka.kill()
    for _ in range(2):
        with pytest.raises(TransientError):
            await publisher.publish([record])
    own_kafka.start()
    for _ in range(20):
        try:
            await publisher.publish([record])
            break
        except TransientError:
            continue
    else:
        pytest.fail("the publisher did not recover")
    await publisher.stop()


async def create_topic(address: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    await admin.create_topics([NewTopic("t", 1, 1)])
    await admin.close()


async def test_a_database_that_is_away_is_a_passing_error() -> None:
    engine = create_writer_engine("postgresql://madoguchi@127.0.0.1:9/none", "work")
    with pytest.raises(TransientError):
        await Inbox(engine).rows()
    await engine.dispose()


async def test_a_forgotten_filter_shows_no_row_of_another_tenant(migrated_url: str) -> None:
    writer = create_writer_engine(migrated_url, "work")
    reader = create_reader_engine(migrated_url, "work")
    async with writer.begin() as connection:
        await connection.execute(text("INSERT INTO secret VALUES ('acme', 'a'), ('other', 'o')"))
    async with reading(reader, "acme") as connection:
        assert list((await connection.execute(text("SELECT note FROM secret"))).scalars()) == ["a"]
    async with reader.connect() as unnamed:
        assert (await unnamed.execute(text("SELECT note FROM secret"))).all() == []
    with pytest.raises(ValueError, match="one tenant"):
        async with reading(reader, "*"):
            pass
    await writer.dispose()
    await reader.dispose()
