"""A consumer that hears nothing asks seldom, and hears the next record all the same."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka.protocol.fetch import FetchRequest
from tests.integration.common.test_consumer import activity

from common.edges import patience
from common.edges.patience import PatientConsumer
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
