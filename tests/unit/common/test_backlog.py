"""How far a consumer is behind is shown while it is, grows while it is stuck, and is forgotten with its partitions."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka import ConsumerRecord, TopicPartition
from prometheus_client import REGISTRY

from common.core.cloudevents import Attributes, record
from common.core.events import Activity
from common.core.ids import event_id
from common.edges.backlog import Backlog
from common.edges.batch_report import BatchReport
from common.edges.batches import Batch

NOON = datetime(2026, 11, 24, 3, tzinfo=UTC)
PART = TopicPartition("p-messages.v1", 3)
CONTACT = "tel:+819012345678"


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Hands:
    return Hands()


def shown(name: str, group: str) -> float | None:
    labels = {"group": group, "topic": "messages.v1", "partition": "3"}
    return REGISTRY.get_sample_value(f"madoguchi_consumer_{name}", labels)


def test_a_stuck_batch_grows_old_and_a_handled_one_is_young(clock: Hands) -> None:
    backlog = Backlog("stuck", "p-", clock)
    backlog.begun({PART: NOON - timedelta(seconds=20)})
    clock.now += timedelta(seconds=70)
    assert shown("oldest_seconds", "stuck") == 90
    backlog.left(PART, 5)
    assert shown("oldest_seconds", "stuck") == 90  # until the next batch says what is oldest
    backlog.begun({PART: clock.now - timedelta(seconds=1)})
    assert shown("oldest_seconds", "stuck") == 1
    backlog.left(PART, 0)
    assert [shown(name, "stuck") for name in ("oldest_seconds", "lag_records")] == [0, 0]


def test_what_is_heard_of_and_not_read_yet_waits_since_now(clock: Hands) -> None:
    backlog = Backlog("heard", "p-", clock)
    backlog.left(PART, 2)
    clock.now += timedelta(seconds=3)
    assert [shown(name, "heard") for name in ("oldest_seconds", "lag_records")] == [3, 2]


def test_partitions_that_somebody_else_has_are_not_shown(clock: Hands) -> None:
    backlog = Backlog("left", "p-", clock)
    backlog.left(PART, 2)
    backlog.keep_only([PART])
    assert shown("lag_records", "left") == 2
    backlog.keep_only([])
    assert [shown(name, "left") for name in ("oldest_seconds", "lag_records")] == [None, None]


async def test_slow_messages_are_named_once_in_a_while(capsys: Any) -> None:
    report = BatchReport("slow")
    for _ in range(2):
        report.committed(batch(5), NOON, NOON + timedelta(seconds=1))
    lines = [line for line in capsys.readouterr().out.splitlines() if "slow message" in line]
    assert len(lines) == 3  # of the first batch alone
    event = event_id("test", "main", "0")
    assert str(event) in lines[0]
    assert event.hex in lines[0]
    labels = {"group": "slow", "topic": "messages.v1"}
    assert REGISTRY.get_sample_value("madoguchi_handled_seconds_count", labels) == 2
    assert REGISTRY.get_sample_value("madoguchi_handled_seconds_sum", labels) == 2 * 61


def batch(size: int) -> Batch:
    at = NOON - timedelta(seconds=60)
    records = [polled(number, at + timedelta(seconds=number)) for number in range(size)]
    return Batch({PART: records}, {}, "p-", "p-slow", lambda: NOON)


def polled(number: int, at: datetime) -> ConsumerRecord:
    attributes = Attributes(
        id=event_id("test", "main", str(number)),
        source="/test",
        type="io.madoguchi.activity.recorded",
        subject=CONTACT,
        time=at,
        tenant="acme",
    )
    made = record(
        "messages.v1",
        attributes,
        Activity(kind="call", contact=CONTACT, occurred_at=at, summary=""),
    )
    milliseconds = int(at.timestamp() * 1000)
    return ConsumerRecord(
        PART.topic, 3, number, milliseconds, 0, made.key, made.value, 0, 0, 0, made.headers
    )
