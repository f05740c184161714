"""Timeline and router agree who has which contact, whatever is said and decided, once the bus is drained."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from random import Random
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from fastapi import HTTPException
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from tests.integration.timeline.test_on_the_bus import running, sent
from tests.unit.timeline.telling import TENANT, message, profile

from common.core.identity_events import DecisionKind, IdentityDecided
from common.core.ids import customer_id
from common.core.topics import ACTIVITIES, CUSTOMERS, DEAD_LETTER, MESSAGES, ROUTING
from common.edges.batches import Received
from common.edges.clock import system_clock
from common.edges.components import Component
from common.edges.consumer import Consumer, ConsumerOptions
from common.edges.database import create_writer_engine
from common.edges.kafka import KafkaAccess
from common.edges.migrations import migrate
from common.edges.outbox import OutboxRelay
from common.edges.publisher import Publisher
from local_stack.shared_servers import TopicMaker
from router.edges.projection import project
from router.wiring import MIGRATIONS as ROUTER_MIGRATIONS
from timeline.core.entry import TOPICS
from timeline.edges.consume import Historian
from timeline.edges.deciding import decide
from timeline.edges.decisions import Asking

WAIT_SECONDS = 120
PARTITIONS = 3
CONTACTS = [f"email:u{number}@example.jp" for number in range(14)] + [
    f"line:main:U{number}" for number in range(6)
]
REFERENCES = [f"{system}-{number}" for system in ("crm", "billing", "shop") for number in range(4)]


@pytest.fixture
async def publisher(
    kafka_server: str, topic_prefix: str, make_topic: TopicMaker
) -> AsyncIterator[Publisher]:
    for topic in (MESSAGES, CUSTOMERS, ACTIVITIES, ROUTING, DEAD_LETTER):
        await make_topic(topic.name, PARTITIONS)
    publisher = Publisher(KafkaAccess(kafka_server), 10, topic_prefix)
    yield publisher
    await publisher.stop()


@pytest.fixture
def both_migrated(migrated: str) -> str:
    """Return a database with the router's own schema, too."""
    migrate(ROUTER_MIGRATIONS, migrated, "router")
    return migrated


@pytest.fixture
async def router(both_migrated: str) -> AsyncIterator[AsyncEngine]:
    engine = create_writer_engine(both_migrated, "router")
    yield engine
    await engine.dispose()


async def follow(connection: AsyncConnection, batch: Sequence[Received]) -> None:
    await project(connection, [one.event for one in batch])


@pytest.fixture
def services(
    kafka_server: str,
    topic_prefix: str,
    writer: AsyncEngine,
    router: AsyncEngine,
    publisher: Publisher,
) -> tuple[Component, ...]:
    relay = OutboxRelay(writer, publisher)

    def options(group: str, topics: tuple[str, ...]) -> ConsumerOptions:
        return ConsumerOptions(
            kafka=KafkaAccess(kafka_server), group=group, topics=topics, prefix=topic_prefix
        )

    historian = Historian(system_clock, "JP")
    return (
        Consumer(options("timeline", TOPICS), writer, historian, after_commit=relay.wake),
        Consumer(options("router", (CUSTOMERS.name,)), router, follow),
        relay,
    )


class Bus:
    """Tells when both services have heard all that is on the bus, and nothing waits to get there."""

    def __init__(self, consumer: AIOKafkaConsumer, topic: str, *engines: AsyncEngine) -> None:
        self._consumer = consumer
        self._partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        self._topic = topic
        self._engines = engines

    async def drained(self) -> None:
        async with asyncio.timeout(WAIT_SECONDS):
            while not await self._is_drained():
                pass

    async def _is_drained(self) -> bool:
        """Whether nothing was published while both were asked: what was handled may lead to more."""
        ends = await self._ends()
        heard = "SELECT coalesce(sum(next_offset), 0) FROM partition_offset WHERE topic = :topic"
        handled = [await self._ask(one, heard) for one in self._engines]
        waiting = [await self._ask(one, "SELECT count(*) FROM outbox") for one in self._engines]
        return handled == [ends] * 2 and not any(waiting) and await self._ends() == ends

    async def _ends(self) -> int:
        return sum((await self._consumer.end_offsets(self._partitions)).values())

    async def _ask(self, engine: AsyncEngine, query: str) -> int:
        async with engine.connect() as connection:
            asked = {"topic": self._topic} if ":topic" in query else {}
            return int(await connection.scalar(text(query), asked))


@asynccontextmanager
async def watching(kafka: str, topic: str, *engines: AsyncEngine) -> AsyncIterator[Bus]:
    async with AsyncExitStack() as stack:
        consumer = AIOKafkaConsumer(bootstrap_servers=kafka)
        await consumer.start()
        stack.push_async_callback(consumer.stop)
        yield Bus(consumer, topic, *engines)


async def owners(engine: AsyncEngine, query: str) -> dict[Any, UUID]:
    async with engine.connect() as connection:
        return {row[0]: row[1] for row in await connection.execute(text(query))}


async def agreed(timeline: AsyncEngine, router: AsyncEngine) -> None:
    mine = await owners(timeline, "SELECT address, customer_id FROM contact")
    theirs = await owners(router, "SELECT contact, customer FROM contact")
    derived = {contact: customer_id(TENANT, contact) for contact in mine}
    assert {**derived, **theirs} == {**derived, **mine}


async def decide_at_random(timeline: AsyncEngine, chance: Random) -> None:
    """Merge two customers, undo some merge, keep two apart, or block a contact; what cannot be is left."""
    people = list(
        set((await owners(timeline, "SELECT address, customer_id FROM contact")).values())
    )
    merges = await owners(timeline, "SELECT merge_id, survivor FROM merge WHERE undone_at IS NULL")
    one, other = chance.sample(sorted(people), 2)
    wrong = chance.choice(sorted(merges)) if merges else one
    kind = chance.choice(["merge", "unmerge", "unmerge", "apart", "open", "block", "unblock"])
    contact = chance.choice(CONTACTS)
    async with timeline.connect() as connection:
        asking = Asking(connection, TENANT, "sato", system_clock())

        async def make() -> IdentityDecided:
            match kind:
                case "merge":
                    return await asking.together(one, other)
                case "unmerge":
                    return await asking.unmerged(merges.get(wrong, one), wrong)
                case "apart" | "open":
                    return await asking.kept(DecisionKind(kind), one, other)
                case _:
                    return asking.listed(DecisionKind(kind), contact)

        with suppress(HTTPException):  # 404 or 409: what cannot be
            await decide(connection, TENANT, make)
            await connection.commit()


@pytest.mark.parametrize("seed", [1, 2])
async def test_router_and_timeline_agree_after_whatever_is_said_and_decided(
    kafka_server: str,
    topic_prefix: str,
    publisher: Publisher,
    writer: AsyncEngine,
    router: AsyncEngine,
    services: Sequence[Component],
    seed: int,
) -> None:
    chance = Random(seed)  # noqa: S311 - a sequence that a failure repeats
    topic = topic_prefix + CUSTOMERS.name
    watch = watching(kafka_server, topic, writer, router)
    async with running(services), watch as bus:
        minute = 0
        for _ in range(4):
            told = []
            for _ in range(12):
                minute += chance.randint(-3, 9)
                contacts = chance.sample(CONTACTS, chance.randint(1, 3))
                told.append(profile(contacts, chance.choice(REFERENCES), minute))
            told += [message(contact, minute) for contact in chance.sample(CONTACTS, 3)]
            await publisher.publish([sent(event) for event in told])
            await bus.drained()
            await agreed(writer, router)
            for _ in range(8):
                await decide_at_random(writer, chance)
            await bus.drained()
            await agreed(writer, router)
    moved = await owners(writer, "SELECT merge_id, survivor FROM merge WHERE undone_at IS NOT NULL")
    assert moved, "nothing was undone, so nothing was proved"
