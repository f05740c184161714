"""The whole router on a real bus: what goes in comes out on `routing.v1`, once and in order."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from common.core.cases import CaseRouted
from common.core.cloudevents import Event, read
from common.edges.consuming import ConsumingService
from common.edges.kafka import KafkaAccess
from common.edges.publisher import Publisher
from common.testing.working import working
from router.settings import Settings
from router.wiring import build

Rows = Callable[..., Awaitable[list[Any]]]
Write = Callable[..., Any]

TOPICS = (
    *("messages.v1", "customers.v1", "consent.v1", "activities.v1"),
    *("routing.v1", "dead-letter.v1"),
)


@pytest.fixture
async def service(
    router_url: str, kafka_server: str, topic_prefix: str, make_topic: Any, rules_path: Path
) -> ConsumingService:
    for topic in TOPICS:
        await make_topic(topic)
    return build(
        Settings(
            kafka=kafka_server, database=router_url, topic_prefix=topic_prefix, rules=rules_path
        )
    )


@pytest.fixture
async def running(service: ConsumingService) -> AsyncIterator[None]:
    """The router's background work, for the length of the test; it ends in its order."""
    async with working(service.components):
        yield


@pytest.fixture
async def publish(kafka_server: str, topic_prefix: str) -> AsyncIterator[Callable[..., Any]]:
    publisher = Publisher(KafkaAccess(kafka_server), 10, topic_prefix)

    async def send(*written: Any) -> None:
        await publisher.publish([item.record for item in written])

    yield send
    await publisher.stop()


@pytest.fixture
async def heard(kafka_server: str, topic_prefix: str) -> AsyncIterator[Callable[..., Any]]:
    """Return the next events of a topic."""
    consumers: list[AIOKafkaConsumer] = []

    async def listen(topic: str, count: int) -> list[Event]:
        consumer = AIOKafkaConsumer(
            topic_prefix + topic, bootstrap_servers=kafka_server, auto_offset_reset="earliest"
        )
        consumers.append(consumer)
        await consumer.start()
        records = [await consumer.getone() for _ in range(count)]
        return [read(record.headers, record.value) for record in records]

    yield listen
    for consumer in consumers:
        await consumer.stop()


@pytest.mark.usefixtures("running")
async def test_a_message_on_the_bus_becomes_a_decision_on_the_bus(
    publish: Any, heard: Any, says: Write
) -> None:
    first, second = says("障害です"), says("至急お願いします")
    await publish(first, second, first)  # a provider delivers twice
    last = says("ありがとう")
    await publish(last)

    events = await heard("routing.v1", 4)
    assert [event.attributes.type.removeprefix("io.madoguchi.") for event in events] == [
        "case.opened",
        "case.routed",
        "case.routed",
        "case.routed",
    ]
    decisions = [event.data.decision for event in events if isinstance(event.data, CaseRouted)]
    assert [decision.message_event for decision in decisions] == [
        item.received.event.attributes.id for item in (first, second, last)
    ]
    assert {decision.queue for decision in decisions} == {"technical"}


@pytest.mark.usefixtures("running")
async def test_poison_is_set_aside_and_the_rest_goes_on(
    publish: Any, heard: Any, rows: Rows, says: Write
) -> None:
    good, poison, after = says("障害です"), says(minutes=-60 * 24 * 365 * 60), says("至急")
    await publish(good, poison, after)
    await heard("routing.v1", 3)
    assert [row.how for row in await rows(HOW)] == ["opened", "joined"]


@pytest.mark.usefixtures("running")
async def test_the_router_is_ready_once_it_reads_the_bus(
    service: ConsumingService, publish: Any, heard: Any, says: Write
) -> None:
    await publish(says())
    await heard("routing.v1", 2)
    assert service.health.missing() == {}
    assert service.health.notes() == {}


HOW = "SELECT body ->> 'continuity' AS how FROM decision ORDER BY decision_number"
