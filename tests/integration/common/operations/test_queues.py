"""What waits in Postgres is counted by schema, with its age and with who is at it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.core.adapters import Original
from common.core.cloudevents import Record
from common.edges.inbox import Inbox
from common.edges.kafka import KafkaAccess
from common.edges.outbox import OutboxRelay, enqueue
from common.edges.publisher import Publisher

LONG_AGO = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
LEASES = text(
    "CREATE TABLE lease (name text PRIMARY KEY, owner text NOT NULL, ends_at timestamptz NOT NULL)"
)
LEASE = text("INSERT INTO lease VALUES (:name, :owner, :ends_at)")


async def test_events_that_nobody_publishes_yet_are_counted_by_topic(
    ops: Any, ops_json: Any, engine: AsyncEngine
) -> None:
    assert (await ops("outbox")).stdout.startswith("nothing waits")
    records = [
        Record(topic, b"k", b"v", ()) for topic in ("routing.v1", "routing.v1", "dead-letter.v1")
    ]
    async with engine.begin() as connection:
        await enqueue(connection, records)
    found = await ops_json("outbox")
    assert [(one["schema"], one["what"], one["rows"]) for one in found["waiting"]] == [
        ("work", "dead-letter.v1", 1),
        ("work", "routing.v1", 2),
    ]
    assert found["relays"] == []
    assert (await ops("outbox", "--most", "3")).exit_code == 0
    too_many = await ops("outbox", "--most", "2")
    assert too_many.exit_code == 1
    assert "work: 3 rows wait, 2 may" in too_many.stdout


async def test_who_publishes_an_outbox_is_told(
    ops: Any, ops_json: Any, engine: AsyncEngine, running: Any, eventually: Any
) -> None:
    relay = OutboxRelay(engine, Publisher(KafkaAccess("127.0.0.1:1"), 1))

    async def relays() -> int:
        return len((await ops_json("outbox"))["relays"])

    async with running(relay):
        await eventually(relays, 1)
        [one] = (await ops_json("outbox"))["relays"]
        assert one["schema"] == "work"
        assert one["address"] == "127.0.0.1"
        assert str(one["pid"]) in (await ops("outbox")).stdout


async def test_requests_that_wait_for_kafka_are_counted_by_account(
    ops: Any, ops_json: Any, engine: AsyncEngine
) -> None:
    assert (await ops("inbox")).stdout.startswith("nothing waits")
    request = Original(provider="line", account="main", received_at=LONG_AGO, body="はい".encode())
    await Inbox(engine).store(request)
    [found] = (await ops_json("inbox"))["waiting"]
    assert (found["kind"], found["what"], found["rows"]) == ("inbox", "line/main", 1)
    assert found["oldest_seconds"] > timedelta(days=1).total_seconds()
    assert (await ops("inbox", "--oldest", "60")).exit_code == 1


@pytest.mark.parametrize("left", [timedelta(seconds=30), timedelta(seconds=-30)])
async def test_a_lease_names_its_holder_and_says_when_it_has_ended(
    ops: Any, ops_json: Any, engine: AsyncEngine, left: timedelta
) -> None:
    async with engine.begin() as connection:
        await connection.execute(LEASES)
        now = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
        lease = {"name": "imap support", "owner": "pod-1#ab", "ends_at": now + left}
        await connection.execute(LEASE, lease)
    [found] = (await ops_json("inbox"))["leases"]
    assert (found["schema"], found["owner"]) == ("work", "pod-1#ab")
    shown = (await ops("inbox")).stdout
    assert ("nobody renews it" in shown) == (left < timedelta())
