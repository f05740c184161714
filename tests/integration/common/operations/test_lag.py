"""How far groups are behind is told by their own database, and by Kafka for everybody else's."""

from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.core.cloudevents import Attributes, Record, record
from common.core.events import Activity
from common.core.ids import event_id
from common.core.topics import ACTIVITIES
from common.edges.publisher import Publisher

MOMENT = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
HANDLED = text(
    "INSERT INTO partition_offset VALUES (:consumer_group, :topic, :partition, :next_offset, 1)"
)


def call(number: int) -> Record:
    contact = f"tel:+8190123456{number:02}"
    data = Activity(kind="call", contact=contact, occurred_at=MOMENT, summary=f"電話 {number}")
    attributes = Attributes(
        id=event_id("test", "main", str(number)),
        source="/test",
        type="io.madoguchi.activity.recorded",
        subject=contact,
        time=MOMENT,
        tenant="acme",
    )
    return record(ACTIVITIES.name, attributes, data)


async def handled(
    engine: AsyncEngine, prefix: str, group: str, partition: int, next_offset: int
) -> None:
    place = {"topic": prefix + ACTIVITIES.name, "partition": partition, "next_offset": next_offset}
    async with engine.begin() as connection:
        await connection.execute(HANDLED, {"consumer_group": prefix + group, **place})


@pytest.fixture
async def four_calls(make_topic: Any, publisher: Publisher) -> None:
    await make_topic(ACTIVITIES.name, partitions=1)
    for number in range(4):
        await publisher.publish([call(number)])


@pytest.mark.usefixtures("four_calls")
async def test_each_group_is_behind_by_what_it_has_not_committed(
    ops: Any, ops_json: Any, engine: AsyncEngine, topic_prefix: str
) -> None:
    await handled(engine, topic_prefix, "router", 0, 1)
    await handled(engine, topic_prefix, "timeline", 0, 4)
    await handled(engine, topic_prefix, "crowd", 0, 3)
    found = await ops_json("lag")
    groups = {one["group"].removeprefix(topic_prefix): one for one in found["groups"]}
    assert {name: one["behind"] for name, one in groups.items()} == {
        "router": 3,
        "timeline": 0,
        "crowd": 1,
    }
    assert groups["router"]["oldest_seconds"] >= groups["crowd"]["oldest_seconds"] >= 0
    assert groups["timeline"]["oldest_seconds"] is None
    assert {one["source"] for one in found["partitions"]} == {"work"}
    shown = await ops("lag", "--partitions")
    assert "activities.v1" in shown.stdout


@pytest.mark.usefixtures("four_calls")
async def test_the_exit_status_tells_whether_it_is_too_far(
    ops: Any, engine: AsyncEngine, topic_prefix: str
) -> None:
    await handled(engine, topic_prefix, "router", 0, 1)
    assert (await ops("lag", "--most", "3")).exit_code == 0
    too_many = await ops("lag", "--most", "2")
    assert too_many.exit_code == 1
    assert "3 records behind, 2 may be" in too_many.stdout
    assert (await ops("lag", "--oldest", "3600")).exit_code == 0
    assert (await ops("lag", "--oldest", "0")).exit_code == 1
    assert (await ops("lag", "--most", "0", "--group", "nobody")).exit_code == 0


@pytest.mark.usefixtures("four_calls")
async def test_a_group_of_another_system_is_seen_by_what_it_told_kafka(
    ops_json: Any, kafka_server: str, topic_prefix: str
) -> None:
    place = TopicPartition(topic_prefix + ACTIVITIES.name, 0)
    crm = AIOKafkaConsumer(
        bootstrap_servers=kafka_server, group_id=f"{topic_prefix}crm", enable_auto_commit=False
    )
    await crm.start()
    try:
        crm.assign([place])
        await crm.commit({place: 2})
    finally:
        await crm.stop()
    found = await ops_json("lag", MADOGUCHI_DATABASE="postgresql://nobody@127.0.0.1:1/none")
    [only] = found["partitions"]
    assert (only["group"], only["behind"], only["source"]) == (f"{topic_prefix}crm", 2, "kafka")
    assert len(found["notes"]) == 1, "it says that Postgres could not be asked"


async def test_a_topic_that_is_gone_is_said_and_left_out(
    ops_json: Any, engine: AsyncEngine, topic_prefix: str
) -> None:
    await handled(engine, topic_prefix, "router", 0, 7)
    found = await ops_json("lag")
    assert found["partitions"] == []
    assert found["notes"] == [
        f"{topic_prefix}activities.v1 does not exist: what groups know of it is left out"
    ]
