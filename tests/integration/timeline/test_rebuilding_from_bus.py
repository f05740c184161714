"""A timeline that is dropped and read from Kafka again tells the same, row for row.

Partitions are read in another order each time. What depends on it is the journal of merges: what was
one after the other before may be one step now.
"""

import random

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.timeline.test_any_order import QUESTIONS, answers_of
from tests.integration.timeline.test_crowd import crowd
from tests.integration.timeline.test_on_the_bus import sent
from tests.integration.timeline.test_rebuilding import HISTORY

from common.core.topics import ACTIVITIES, CUSTOMERS, MESSAGES, ROUTING
from common.edges.clock import system_clock
from common.edges.consumer import ConsumerOptions
from common.edges.database import create_writer_engine
from common.edges.kafka import KafkaAccess
from common.edges.migrations import migrate
from common.edges.publisher import Publisher
from local_stack.shared_servers import TopicMaker
from timeline.core.entry import TOPICS
from timeline.edges.consume import Historian
from timeline.edges.rebuilding import NotEmptyError, RebuiltProgress, rebuild_from_bus
from timeline.wiring import MIGRATIONS

PEOPLE = 30
PARTITIONS = 3
BUT_SEARCH = QUESTIONS.keys() - {"documents"}  # that is rebuilt from the timeline's own tables


@pytest.fixture
async def options(kafka_server: str, topic_prefix: str, make_topic: TopicMaker) -> ConsumerOptions:
    """Return how to read a bus that tells of Hanako and of a crowd."""
    for topic in (MESSAGES, CUSTOMERS, ACTIVITIES, ROUTING):
        await make_topic(topic.name, PARTITIONS)
    publisher = Publisher(KafkaAccess(kafka_server), 10, topic_prefix)
    told = crowd(PEOPLE, random.Random(20261122))  # noqa: S311 - reproducible, not secret
    await publisher.publish([sent(event) for event in (*HISTORY, *told)])
    await publisher.stop()
    return ConsumerOptions(
        kafka=KafkaAccess(kafka_server), group="timeline", topics=TOPICS, prefix=topic_prefix
    )


async def rebuilt(engine: AsyncEngine, options: ConsumerOptions) -> list[RebuiltProgress]:
    told: list[RebuiltProgress] = []
    await rebuild_from_bus(options, engine, Historian(system_clock, "JP"), told.append)
    return told


@pytest.fixture
def schemas(database_url: str) -> tuple[str, str]:
    for schema in ("once", "again"):
        migrate(MIGRATIONS, database_url, schema)
    return "once", "again"


async def rebuild_again(database: str, schema: str, options: ConsumerOptions) -> None:
    engine = create_writer_engine(database, schema)
    try:
        await rebuilt(engine, options)
    finally:
        await engine.dispose()


async def test_a_dropped_timeline_comes_back_from_the_bus_row_for_row(
    database_url: str, schemas: tuple[str, str], options: ConsumerOptions
) -> None:
    found = []
    for schema in schemas:
        engine = create_writer_engine(database_url, schema)
        progress = await rebuilt(engine, options)
        assert progress[-1].done == progress[-1].total == len(HISTORY) + PEOPLE * 10
        found.append(await answers_of(engine, BUT_SEARCH))
        await engine.dispose()
    with pytest.raises(NotEmptyError):
        await rebuild_again(database_url, schemas[0], options)
    once, again = found
    assert all(once.values()), "no answer is empty, or it would prove nothing"
    for name, answer in once.items():
        assert again[name] == answer, name
