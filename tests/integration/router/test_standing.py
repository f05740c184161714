"""The metrics show what stands in the queues, and forget what is done."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from prometheus_client import REGISTRY
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.router.conftest import TUESDAY

from router.edges.standing import look_at_queues

NAMES = ("cases_waiting", "cases_oldest_seconds", "agents_free_units")


def shown(name: str) -> dict[tuple[str, str], float]:
    return {
        (sample.labels["tenant"], sample.labels["queue"]): sample.value
        for metric in REGISTRY.collect()
        if metric.name == f"madoguchi_{name}"
        for sample in metric.samples
    }


async def test_what_waits_is_shown_by_queue_and_gone_when_it_is_done(
    handle: Callable[..., Awaitable[None]],
    says: Callable[..., Any],
    signs_in: Callable[..., Awaitable[Any]],
    rows: Callable[..., Awaitable[list[Any]]],
    writer: AsyncEngine,
) -> None:
    await handle([says(contact=f"line:main:U{number}") for number in range(3)])
    [[queue, tenant]] = await rows("SELECT DISTINCT queue, tenant FROM support_case")
    await signs_in("tanaka", {"name": "田中 一郎", "queues": [queue], "capacity": 3})
    async with writer.connect() as connection:
        await look_at_queues(connection, TUESDAY + timedelta(minutes=5))
    assert shown("cases_waiting") == {(tenant, queue): 3}
    assert shown("agents_free_units") == {(tenant, queue): 3}
    [age] = shown("cases_oldest_seconds").values()
    assert age == 300
    async with writer.begin() as connection:
        await connection.exec_driver_sql("UPDATE support_case SET state = 'resolved'")
    async with writer.connect() as connection:
        await look_at_queues(connection, TUESDAY)
    assert [shown(name) for name in NAMES] == [{}, {}, {}]
