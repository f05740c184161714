"""From Kafka to the figures by the consumer that the service runs, which may die at any moment."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from random import Random

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from tests.integration.timeline.test_figures import counts, many_cases, parts
from tests.unit.timeline.figures_model import counted_by_hand

from common.core.cloudevents import Event, Record, binary_headers, partition_key
from common.core.events import Message
from common.core.topics import MESSAGES, ROUTING
from common.edges.batches import Received
from common.edges.consumer import Consumer, ConsumerOptions
from common.edges.kafka import KafkaAccess
from common.edges.publisher import Publisher
from local_stack.shared_servers import TopicMaker
from timeline.edges.figures_follow import FiguresFollower
from timeline.figures_service import FIGURES_GROUP, FIGURES_TOPICS

WAIT_SECONDS = 60


class DiedError(Exception):
    """The process is gone."""


class Mortal:
    """A follower that dies after some batches: before its effects are committed."""

    def __init__(self, batches: int | None) -> None:
        self._follower = FiguresFollower("JP")
        self._left = batches

    async def __call__(self, connection: AsyncConnection, batch: Sequence[Received]) -> None:
        await self._follower(connection, batch)
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise DiedError


@pytest.fixture
async def publisher(
    kafka_server: str, topic_prefix: str, make_topic: TopicMaker
) -> AsyncIterator[Publisher]:
    for topic in (MESSAGES, ROUTING):
        await make_topic(topic.name, 3)
    publisher = Publisher(KafkaAccess(kafka_server), 10, topic_prefix)
    yield publisher
    await publisher.stop()


def sent(event: Event) -> Record:
    attributes = event.attributes
    topic = MESSAGES if isinstance(event.data, Message) else ROUTING
    key = partition_key(attributes.tenant, attributes.subject)
    return Record(topic.name, key, event.value, binary_headers(attributes))


async def test_what_a_dying_consumer_left_is_counted_once_by_the_next(
    kafka_server: str, topic_prefix: str, publisher: Publisher, writer: AsyncEngine
) -> None:
    chance = Random(3)  # noqa: S311 - a test's
    told = many_cases(chance)
    heard = chance.sample(told, k=len(told)) + chance.choices(told, k=40)
    for batch in parts(heard, 50):
        await publisher.publish([sent(event) for event in batch])
    options = ConsumerOptions(
        kafka=KafkaAccess(kafka_server),
        group=FIGURES_GROUP,
        topics=FIGURES_TOPICS,
        prefix=topic_prefix,
        batch_max_records=40,
        dead_letters=False,
    )
    for batches in (2, 1):
        with pytest.raises(DiedError):
            await Consumer(options, writer, Mortal(batches)).run(asyncio.Event())
    stopping = asyncio.Event()
    last = asyncio.create_task(Consumer(options, writer, Mortal(None)).run(stopping))
    expected = counted_by_hand(told)
    async with asyncio.timeout(WAIT_SECONDS):
        while await counts(writer) != expected:  # noqa: ASYNC110 - waits for another's commit
            await asyncio.sleep(0.05)
    stopping.set()
    await last
    assert Counter(await counts(writer)) == expected
