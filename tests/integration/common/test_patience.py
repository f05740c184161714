"""A consumer that hears nothing asks seldom, and hears the next record all the same."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka.protocol.fetch import FetchRequest
from tests.integration.common.test_consumer import activity

from common.edges import patience
from common.edges.patience import LONGEST_MS, PatientConsumer, patience_after
from common.edges.publisher import Publisher

PATIENCE_MS = 20
POLL_MS = 200
POLLS = 10  # so long nothing is heard: twenty fetches would fit in each


@pytest.fixture
async def consumer(
    kafka_server: str, topic_prefix: str, make_topic: Any
) -> AsyncIterator[PatientConsumer]:
    await make_topic("activities.v1", partitions=3)
    consumer = PatientConsumer(
        f"{topic_prefix}activities.v1",
        bootstrap_servers=kafka_server,
        group_id=f"{topic_prefix}g",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        patience_ms=PATIENCE_MS,
    )
    await consumer.start()
    yield consumer
    await consumer.stop()


async def test_a_consumer_that_hears_nothing_rests_and_hears_what_comes_then(
    consumer: PatientConsumer, publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "QUIET_SECONDS", 0.0)
    await publisher.publish([activity("最初の電話")])
    while not await consumer.getmany(timeout_ms=POLL_MS):
        pass
    assert not await consumer.getmany(timeout_ms=POLL_MS)  # from here on it rests
    fetches = _count_fetches(consumer)
    for _ in range(POLLS):
        assert not await consumer.getmany(timeout_ms=POLL_MS)
    assert 0 < len(fetches) < POLLS
    await publisher.publish([activity("次の電話")])
    while not (heard := await consumer.getmany(timeout_ms=POLL_MS)):
        pass
    assert sum(map(len, heard.values())) == 1


async def test_who_takes_long_waits_longer_for_company(
    consumer: PatientConsumer, publisher: Publisher
) -> None:
    consumer.took(0.03)
    await publisher.publish([activity("最初の電話")])
    while not await consumer.getmany(timeout_ms=POLL_MS):
        pass
    fetches = _count_fetches(consumer)
    while not fetches:
        await consumer.getmany(timeout_ms=POLL_MS)
    assert fetches[-1]._max_wait_ms == patience_after(0.03, PATIENCE_MS) > PATIENCE_MS


def test_nobody_waits_longer_than_anybody_would_notice() -> None:
    waits = [patience_after(seconds, PATIENCE_MS) for seconds in (0, 0.001, 0.02, 0.05, 1, 60)]
    assert waits == [PATIENCE_MS, PATIENCE_MS, 80, 200, LONGEST_MS, LONGEST_MS]
    assert patience_after(60, 2 * LONGEST_MS) == 2 * LONGEST_MS


def _count_fetches(consumer: PatientConsumer) -> list[FetchRequest]:
    """Keep what the consumer asks the broker for from now on."""
    sent: list[FetchRequest] = []
    send = consumer._client.send

    async def counted(node: int, request: Any, **options: Any) -> Any:
        if isinstance(request, FetchRequest):
            sent.append(request)
        return await send(node, request, **options)

    consumer._client.send = counted
    return sent
