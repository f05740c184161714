"""From Kafka to the page and back to Kafka, with the consumer and the outbox that the service runs."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.timeline.conftest import Pages
from tests.unit.timeline.telling import HANAKO_LINE, HANAKO_TEL, TENANT, call, message, profile

from common.core.cloudevents import Event, Record, binary_headers, partition_key, read
from common.core.events import Activity, CustomerChanged, CustomersMerged
from common.core.ids import customer_id
from common.core.topics import ACTIVITIES, CUSTOMERS, DEAD_LETTER, MESSAGES, ROUTING, Topic
from common.edges.clock import system_clock
from common.edges.consumer import Consumer, ConsumerOptions
from common.edges.outbox import OutboxRelay
from common.edges.publisher import Publisher
from common.edges.service import Component
from local_stack.shared_servers import TopicMaker
from timeline.core.entry import TOPICS
from timeline.edges.consume import Historian

WAIT_SECONDS = 60


@pytest.fixture
async def publisher(
    kafka_server: str, topic_prefix: str, make_topic: TopicMaker
) -> AsyncIterator[Publisher]:
    for topic in (MESSAGES, CUSTOMERS, ACTIVITIES, ROUTING, DEAD_LETTER):
        await make_topic(topic.name, 2)
    publisher = Publisher(kafka_server, 10, topic_prefix)
    yield publisher
    await publisher.stop()


@pytest.fixture
def service(
    kafka_server: str, topic_prefix: str, writer: AsyncEngine, publisher: Publisher
) -> tuple[Component, ...]:
    relay = OutboxRelay(writer, publisher)
    options = ConsumerOptions(
        bootstrap=kafka_server, group="timeline", topics=TOPICS, prefix=topic_prefix
    )
    historian = Historian(system_clock, "JP")
    return Consumer(options, writer, historian, after_commit=relay.wake), relay


@asynccontextmanager
async def running(components: Sequence[Component]) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for component in components:
            stopping = asyncio.Event()
            task = asyncio.create_task(component.run(stopping))
            stack.push_async_callback(asyncio.wait_for, task, WAIT_SECONDS)
            stack.callback(stopping.set)
        yield


@asynccontextmanager
async def reading_topic(bootstrap: str, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def next_merge(consumer: AIOKafkaConsumer) -> CustomersMerged:
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            record = await consumer.getone()
            event = read(record.headers, record.value)
            if isinstance(event.data, CustomersMerged):
                assert record.key == partition_key(TENANT, str(event.data.absorbed))
                return event.data


def sent(event: Event) -> Record:
    attributes = event.attributes
    topics: dict[type, Topic] = {Activity: ACTIVITIES, CustomerChanged: CUSTOMERS}
    topic = topics.get(type(event.data), MESSAGES)
    key = partition_key(attributes.tenant, attributes.subject)
    return Record(topic.name, key, event.value, binary_headers(attributes))


async def test_what_is_published_is_on_the_page_and_who_was_merged_is_on_the_bus(
    kafka_server: str,
    topic_prefix: str,
    publisher: Publisher,
    service: Sequence[Component],
    pages: Pages,
) -> None:
    poison = sent(message("nobody"))
    wrote, called = message(HANAKO_LINE, 0), call(HANAKO_TEL, 1)
    await publisher.publish([sent(wrote), poison, sent(called), sent(wrote)])
    async with reading_topic(kafka_server, topic_prefix + CUSTOMERS.name) as bus, running(service):
        async with reading_topic(kafka_server, topic_prefix + DEAD_LETTER.name) as letters:
            letter = await asyncio.wait_for(letters.getone(), WAIT_SECONDS)
            assert letter.value == poison.value
        told = profile([HANAKO_LINE, HANAKO_TEL])
        await publisher.publish([sent(told)])
        merge = await next_merge(bus)
    ids = {customer_id(TENANT, HANAKO_LINE), customer_id(TENANT, HANAKO_TEL)}
    assert {merge.survivor, merge.absorbed} == ids
    assert merge.cause == told.attributes.id
    shown = [item.id for item in (await pages(HANAKO_TEL)).entries]
    assert shown == [called.attributes.id, wrote.attributes.id]
