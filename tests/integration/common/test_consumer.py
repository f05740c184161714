"""Each event has its effect once, whatever dies in between, and a bad record stops nothing."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import TopicPartition
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.core.cloudevents import Attributes, Record, record
from common.core.errors import PoisonError, TransientError
from common.core.events import Activity
from common.core.ids import event_id
from common.edges.batches import Received
from common.edges.consumer import Consumer, ConsumerOptions
from common.edges.kafka import KafkaAccess
from common.edges.offsets import FencedError, advance, claim
from common.edges.outbox import OutboxRelay, enqueue
from common.edges.publisher import Publisher

MOMENT = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
INSERT = text("INSERT INTO effect (note) SELECT * FROM unnest(CAST(:notes AS text[]))")


def activity(summary: str, contact: str = "tel:+819012345678") -> Record:
    data = Activity(kind="call", contact=contact, occurred_at=MOMENT, summary=summary)
    attributes = Attributes(
        id=event_id("test", "main", summary),
        source="/test",
        type="io.madoguchi.activity.recorded",
        subject=contact,
        time=MOMENT,
        tenant="acme",
    )
    return record("activities.v1", attributes, data)


async def note(connection: AsyncConnection, batch: Sequence[Received]) -> None:
    await connection.execute(INSERT, {"notes": [item.event.data.summary for item in batch]})


@pytest.fixture
def consumer(kafka_server: str, topic_prefix: str, engine: AsyncEngine) -> Callable[..., Consumer]:
    def make(handler: Any = note, **options: Any) -> Consumer:
        settings = ConsumerOptions(
            kafka=KafkaAccess(kafka_server),
            group="g",
            topics=("activities.v1",),
            prefix=topic_prefix,
            **options,
        )
        return Consumer(settings, engine, handler)

    return make


@pytest.fixture
async def bus(make_topic: Any) -> None:
    await make_topic("activities.v1", partitions=3)
    await make_topic("dead-letter.v1")


@pytest.mark.usefixtures("bus")
async def test_events_take_effect_once_and_in_order_over_restarts(
    publisher: Publisher, consumer: Any, running: Any, eventually: Any, effects: Any
) -> None:
    texts = [f"電話 {n}" for n in range(300)]
    await publisher.publish([activity(item) for item in texts[:100]])
    for done in (100, 200, 300):
        await publisher.publish(
            [activity(item) for item in texts[100:done][-100:]] if done > 100 else []
        )
        async with running(consumer(batch_max_records=7)):
            await eventually(lambda done=done: count(effects, done), done)
    assert await effects() == texts


async def count(effects: Any, _wanted: int) -> int:
    return len(await effects())


@pytest.mark.usefixtures("bus")
async def test_a_crash_before_the_commit_repeats_and_after_it_does_not(
    publisher: Publisher, consumer: Any, running: Any, eventually: Any, effects: Any
) -> None:
    crashes = iter([True, True])

    async def crash_first(connection: AsyncConnection, batch: Sequence[Received]) -> None:
        await note(connection, batch)
        if next(crashes, False):
            raise RuntimeError("killed before the commit")

    await publisher.publish([activity("a"), activity("b")])
    for _ in range(2):
        with pytest.raises(RuntimeError):
            await consumer(crash_first).run(asyncio.Event())
    async with running(consumer(crash_first)):
        await eventually(effects, ["a", "b"])


@pytest.mark.usefixtures("bus")
async def test_a_bad_record_is_dead_lettered_byte_for_byte_and_the_rest_goes_on(
    publisher: Publisher,
    consumer: Any,
    engine: AsyncEngine,
    running: Any,
    eventually: Any,
    effects: Any,
    read_topic: Any,
    topic_prefix: str,
) -> None:
    async def refuse_evil(connection: AsyncConnection, batch: Sequence[Received]) -> None:
        await note(connection, batch)  # Postgres itself refuses U+0000
        if any(item.event.data.summary == "evil" for item in batch):
            raise PoisonError("evil")

    good = activity("0")
    garbage = Record("activities.v1", good.key, b"\xff\x00garbage", good.headers)
    bare = Record("activities.v1", good.key, b"{}", ())
    records = [activity("1"), garbage, activity("2"), activity("evil"), activity("nul \x00"), bare]
    await publisher.publish([good, *records, activity("3")])
    async with running(consumer(refuse_evil)), running(OutboxRelay(engine, publisher)):
        await eventually(effects, ["0", "1", "2", "3"])
        await eventually(lambda: count_topic(read_topic, topic_prefix + "dead-letter.v1"), 4)
    letters = await read_topic(topic_prefix + "dead-letter.v1")
    reasons = [dict(letter.headers)["dl_reason"] for letter in letters]
    assert sorted(reasons) == [b"bad-data", b"bad-envelope", b"bad-json", b"evil"]
    assert {letter.value for letter in letters} == {
        garbage.value,
        records[3].value,
        records[4].value,
        bare.value,
    }


async def count_topic(read_topic: Any, topic: str) -> int:
    return len(await read_topic(topic))


@pytest.mark.usefixtures("bus")
async def test_a_passing_error_rolls_back_and_tries_again(
    publisher: Publisher, consumer: Any, running: Any, eventually: Any, effects: Any
) -> None:
    failures = iter([TransientError("away"), OSError("reset")])

    async def fail_twice(connection: AsyncConnection, batch: Sequence[Received]) -> None:
        await note(connection, batch)
        if error := next(failures, None):
            raise error

    await publisher.publish([activity("a")])
    async with running(consumer(fail_twice)):
        await eventually(effects, ["a"])


@pytest.mark.usefixtures("bus")
async def test_two_replicas_share_the_work_and_neither_doubles_it(
    publisher: Publisher, consumer: Any, running: Any, eventually: Any, effects: Any
) -> None:
    texts = [f"{n}" for n in range(600)]
    async with running(consumer(batch_max_records=5)):
        await publisher.publish([activity(item, f"tel:+8190{item}") for item in texts[:300]])
        async with running(consumer(batch_max_records=5)):
            await publisher.publish([activity(item, f"tel:+8190{item}") for item in texts[300:]])
            await eventually(lambda: count(effects, 600), 600)
    assert sorted(await effects()) == sorted(texts)


async def test_whoever_lost_a_partition_can_commit_nothing(engine: AsyncEngine) -> None:
    part = TopicPartition("t", 0)
    async with engine.begin() as connection:
        old = await claim(connection, "g", [part])
    async with engine.begin() as connection:
        new = await claim(connection, "g", [part])
    with pytest.raises(FencedError):
        async with engine.begin() as connection:
            await advance(connection, "g", old, {part: 5})
    async with engine.begin() as connection:
        await advance(connection, "g", new, {part: 5})
    with pytest.raises(FencedError):  # going back would repeat effects
        async with engine.begin() as connection:
            await advance(connection, "g", new, {part: 4})


@pytest.mark.usefixtures("bus")
async def test_the_outbox_publishes_what_was_committed_in_order_and_nothing_else(
    engine: AsyncEngine,
    publisher: Publisher,
    running: Any,
    eventually: Any,
    read_topic: Any,
    topic_prefix: str,
) -> None:
    relay = OutboxRelay(engine, publisher)
    waiting_replica = OutboxRelay(engine, publisher)
    async with running(relay), running(waiting_replica):
        for n in range(20):
            async with engine.begin() as connection:
                await enqueue(connection, [activity(f"{n}"), activity(f"{n} again")])
            relay.wake()
        async with engine.connect() as connection:
            await enqueue(connection, [activity("never")])
            await connection.rollback()
        await eventually(lambda: count_topic(read_topic, topic_prefix + "activities.v1"), 40)
    ids = [dict(r.headers)["ce_id"] for r in await read_topic(topic_prefix + "activities.v1")]
    assert ids == [
        dict(activity(text).headers)["ce_id"] for n in range(20) for text in (f"{n}", f"{n} again")
    ]
