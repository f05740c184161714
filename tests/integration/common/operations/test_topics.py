"""The bus becomes what it should be, without anything being lost on the way."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from common.core.topics import ALL_TOPICS, MESSAGES
from common.edges.topics import topics_now


@pytest.fixture
async def admin(kafka_server: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=kafka_server)
    await client.start()
    yield client
    await client.close()


async def test_an_empty_bus_gets_every_topic_and_then_nothing_differs(
    ops: Any, ops_json: Any, admin: AIOKafkaAdminClient, topic_prefix: str
) -> None:
    before = await ops_json("topics", "diff", status=1)
    assert {one["kind"] for one in before["differences"]} == {"create"}
    applied = await ops_json("topics", "apply")
    assert len(applied["done"]) == len(ALL_TOPICS)
    assert await ops_json("topics", "diff") == {"same": True, "differences": []}
    again = await ops("topics", "apply")
    assert again.stdout == "all topics are there\n"
    made = await topics_now(admin, [topic_prefix + topic.name for topic in ALL_TOPICS])
    for topic in ALL_TOPICS:
        assert made[topic_prefix + topic.name].partitions == topic.partitions
        assert topic.config.items() <= made[topic_prefix + topic.name].config.items()


async def test_settings_are_mended_while_others_stay_and_partitions_grow_only_when_asked(
    ops: Any, ops_json: Any, admin: AIOKafkaAdminClient, topic_prefix: str
) -> None:
    name = topic_prefix + MESSAGES.name
    own = {"retention.ms": "1000", "max.message.bytes": "2000000"}
    await admin.create_topics([NewTopic(name, 2, 1, topic_configs=own)])
    while not await topics_now(admin, [name]):
        pass  # the controller answers before the broker shows it
    shown = await ops("topics", "diff")
    assert shown.exit_code == 1
    assert "retention.ms 1000 → 2592000000" in shown.stdout
    applied = await ops_json("topics", "apply")
    assert [one["kind"] for one in applied["left"]] == ["grow"]
    now = (await topics_now(admin, [name]))[name]
    assert now.partitions == 2
    assert now.config["retention.ms"] == str(MESSAGES.retention_ms)
    assert now.overrides["max.message.bytes"] == "2000000"
    grown = await ops("topics", "apply", "--grow")
    assert grown.stdout == f"grew {name} to 12 partitions\n"
    assert (await ops("topics", "diff")).exit_code == 0


async def test_where_kafka_is_away_nobody_could_look(ops: Any) -> None:
    result = await ops("topics", "diff", MADOGUCHI_KAFKA="127.0.0.1:1")
    assert result.exit_code == 3
    assert result.stderr.startswith("could not look: kafka:")
    assert result.stdout == ""


async def test_a_setting_that_cannot_be_read_is_named_without_its_value(ops: Any) -> None:
    result = await ops("topics", "diff", MADOGUCHI_REPLICATION_FACTOR="drei")
    assert result.exit_code == 2
    assert "MADOGUCHI_REPLICATION_FACTOR: " in result.stderr
    assert "drei" not in result.output
