"""What the company writes, on a real Postgres: once, in its place among the customer's messages."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncEngine

from common.core.cloudevents import Record, read
from common.core.events import Direction
from common.core.work import CaseAnswered
from router.core.policy import Policy
from router.edges.consume import Routing

TUESDAY = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)  # 11:40 in Tokyo, a working day
CASES = (
    "SELECT version, first_responded_at, paused_at, resolution_due, wake_at "
    "FROM support_case ORDER BY opened_at"
)

Handle = Callable[..., Awaitable[None]]
Rows = Callable[..., Awaitable[list[Any]]]
Write = Callable[..., Any]


@pytest.fixture
def answers(says: Write) -> Write:
    """The company writes back on LINE."""

    def write(words: str = "ご連絡ありがとうございます。", **given: Any) -> Any:
        written = says(words, **given)
        event = written.received.event
        ours = replace(event, data=replace(event.data, direction=Direction.OUTBOUND))
        return replace(written, received=replace(written.received, event=ours))

    return write


@pytest.fixture
def patiently(writer: AsyncEngine, policy: Policy) -> Handle:
    """Handle a batch by rules under which the clock waits for the customer."""
    patient = replace(
        policy,
        promises={
            name: replace(promise, pause_while_waiting=True)
            for name, promise in policy.promises.items()
        },
    )
    routing = Routing(lambda: patient, lambda: TUESDAY)

    async def run(batch: list[Any]) -> None:
        async with writer.begin() as connection:
            await routing.handle(connection, [item.received for item in batch])

    return run


@pytest.fixture
def answered(rows: Rows) -> Callable[..., Awaitable[list[CaseAnswered]]]:
    """Return which answers the bus is told of."""

    async def run() -> list[CaseAnswered]:
        found = await rows("SELECT record FROM outbox ORDER BY id")
        records = [msgspec.msgpack.decode(row.record, type=Record) for row in found]
        said = [read(record.headers, record.value).data for record in records]
        return [data for data in said if isinstance(data, CaseAnswered)]

    return run


async def test_the_first_answer_is_kept_and_told_once_however_often_it_comes(
    handle: Handle, says: Write, answers: Write, rows: Rows, answered: Any
) -> None:
    answer = answers(minutes=5)
    await handle([says(), answer, answer])
    await handle([answer])
    [case] = await rows(CASES)
    assert (case.version, case.first_responded_at) == (2, TUESDAY + timedelta(minutes=5))
    [event] = await answered()
    assert (event.first, event.in_time, event.case_version) == (True, True, 2)
    await handle([answers("確認いたします。", minutes=9)])
    assert [event.first for event in await answered()] == [True, False]


async def test_what_answers_nobody_is_nothing(
    handle: Handle, answers: Write, rows: Rows, answered: Any
) -> None:
    await handle([answers()])
    assert await answered() == []
    assert await rows("SELECT 1 FROM support_case") == await rows("SELECT 1 FROM answer") == []


async def test_the_clock_stands_between_our_answer_and_the_customers_next_word(
    patiently: Handle, says: Write, answers: Write, rows: Rows
) -> None:
    await patiently([says()])
    [before] = await rows(CASES)
    await patiently([answers(minutes=5)])
    [stands] = await rows(CASES)
    assert stands.paused_at == TUESDAY + timedelta(minutes=5)
    await patiently([says("まだつながりません", minutes=15), answers(minutes=16), says(minutes=17)])
    [after] = await rows(CASES)
    assert after.paused_at is None
    assert after.resolution_due == before.resolution_due + timedelta(minutes=11)
    assert after.version == 5
    assert stands.wake_at is None or stands.wake_at > before.wake_at
