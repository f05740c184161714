"""From Kafka to the page and back to Kafka, with the consumer and the outbox that the service runs."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random

import pytest
from aiokafka import AIOKafkaConsumer
from msgspec import structs
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.timeline.conftest import Pages
from tests.unit.timeline.telling import (
    HANAKO_LINE,
    HANAKO_TEL,
    TENANT,
    after,
    call,
    change,
    message,
    profile,
    status,
    stored,
)

from common.core.cloudevents import Event, Record, binary_headers, partition_key, read
from common.core.delivery import DeliveryStatus
from common.core.events import (
    Activity,
    Attachment,
    AttachmentState,
    Channel,
    CustomerChanged,
    CustomersMerged,
    Direction,
    MessageKind,
)
from common.core.ids import customer_id
from common.core.topics import ACTIVITIES, CUSTOMERS, DEAD_LETTER, MESSAGES, ROUTING, Topic
from common.edges.clock import system_clock
from common.edges.components import Component
from common.edges.consumer import Consumer, ConsumerOptions
from common.edges.kafka import KafkaAccess
from common.edges.outbox import OutboxRelay
from common.edges.publisher import Publisher
from local_stack.shared_servers import TopicMaker
from timeline.core.entry import TOPICS
from timeline.core.items import Delivery
from timeline.edges.consume import Historian

WAIT_SECONDS = 60


@pytest.fixture
async def publisher(
    kafka_server: str, topic_prefix: str, make_topic: TopicMaker
) -> AsyncIterator[Publisher]:
    for topic in (MESSAGES, CUSTOMERS, ACTIVITIES, ROUTING, DEAD_LETTER):
        await make_topic(topic.name, 2)
    publisher = Publisher(KafkaAccess(kafka_server), 10, topic_prefix)
    yield publisher
    await publisher.stop()


@pytest.fixture
def service(
    kafka_server: str, topic_prefix: str, writer: AsyncEngine, publisher: Publisher
) -> tuple[Component, ...]:
    relay = OutboxRelay(writer, publisher)
    options = ConsumerOptions(
        kafka=KafkaAccess(kafka_server), group="timeline", topics=TOPICS, prefix=topic_prefix
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


POINTER = Attachment(
    name="image-1.jpg", media_type="image/*", state=AttachmentState.REMOTE, provider_ref="x"
)


def told_of(name: str) -> list[Event]:
    """Return a message of ours on WhatsApp and all that was ever said of it."""

    def said(kind: MessageKind, minute: float, text: str, action: str = "react") -> Event:
        fields = {"channel": Channel.WHATSAPP, "attributes": {"action": action}}
        return change(kind, name, minute, text, message_id=f"{name}:{minute}", **fields)

    wrote = message(
        text="納期は24日です",
        message_id=name,
        channel=Channel.WHATSAPP,
        direction=Direction.OUTBOUND,
        attachments=(POINTER, POINTER),
    )
    return [
        wrote,
        said(MessageKind.EDIT, 1, "納期は25日です"),
        said(MessageKind.EDIT, 2, "納期は26日です"),
        said(MessageKind.REACTION, 3, "👍"),
        said(MessageKind.REACTION, 4, "👍", "unreact"),
        said(MessageKind.REACTION, 5, "😢"),
        said(MessageKind.REACTION, 6, "🙏"),
        status(DeliveryStatus.SENT, 1, message_id=name),
        status(DeliveryStatus.READ, 8, message_id=name),
        status(DeliveryStatus.DELIVERED, 9, message_id=name),
        stored(wrote, 2),
        stored(wrote, 3, AttachmentState.REFUSED, position=1, reason="gone"),
    ]


async def test_whatever_order_the_bus_has_a_message_ends_as_the_same_entry(
    kafka_server: str,
    topic_prefix: str,
    publisher: Publisher,
    service: Sequence[Component],
    pages: Pages,
) -> None:
    names = [f"wamid.{number}" for number in range(12)]
    for seed, name in enumerate((*names, "wamid.unsent")):
        told = told_of(name)
        if name == "wamid.unsent":
            told.append(change(MessageKind.UNSEND, name, 7, channel=Channel.WHATSAPP))
        order = Random(seed)  # noqa: S311 - an order that a failure repeats
        shuffled = order.sample(told + told[::3], len(told + told[::3]))
        await publisher.publish([sent(one) for one in shuffled])
    end = structs.replace(sent(message("nobody")), key=sent(message()).key)
    await publisher.publish([end])
    dead_letters = reading_topic(kafka_server, topic_prefix + DEAD_LETTER.name)
    async with dead_letters as letters, running(service):
        await asyncio.wait_for(letters.getone(), WAIT_SECONDS)
    page = await pages(HANAKO_LINE)
    *ended, unsent = sorted(
        (item for item in page.entries if item.kind == "message"),
        key=lambda item: item.unsent_at is not None,
    )
    assert len(ended) == len(names)
    for item in ended:
        assert [one.text for one in item.versions] == [f"納期は{day}日です" for day in (24, 25, 26)]
        assert [(one.text, one.at) for one in item.reactions] == [("🙏", after(6))]
        assert item.delivery == Delivery(DeliveryStatus.READ, after(8), None)
        had, lost = item.attachments
        assert (had.state, had.location) == (AttachmentState.STORED, "files/acme/ab")
        assert (lost.state, lost.reason) == (AttachmentState.REFUSED, "gone")
    assert (unsent.unsent_at, unsent.data, unsent.attachments) == (after(7), None, ())
