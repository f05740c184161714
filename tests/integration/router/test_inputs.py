"""What a decision was made from is kept with it, and makes it again."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from common.core.cases import Decision
from common.core.events import Contract, CustomerChanged
from router.core.facts import Roster
from router.core.inputs import Inputs, replayed
from router.core.policy import Policy
from router.edges.consume import Routing

TARO = "line:main:U4af4980629"
HANAKO = "line:main:U2"
NOW = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)
ROSTER = Roster({"technical": ({"network": 3, "japanese": 5},)}, sequence=7)
DAY = """
SELECT CAST(decision.body AS text) AS decision, CAST(input.body AS text) AS input
  FROM decision_input AS input JOIN decision USING (message_event, tenant, cause)
 WHERE input.tenant = 'acme' AND input.decided_at = :now ORDER BY input_number
"""

Rows = Callable[..., Awaitable[list[Any]]]
Write = Callable[..., Any]


@pytest.fixture
def profile() -> CustomerChanged:
    contract = Contract(contract_id="K-1", plan="standard", starts_at=NOW - timedelta(days=9))
    return CustomerChanged(
        customer_ref="crm-77",
        contacts=(TARO,),
        changed_at=NOW,
        name="山田 太郎",
        tier="vip",
        contracts=(contract,),
    )


async def test_a_recorded_day_is_decided_again_byte_for_byte(
    writer: AsyncEngine,
    policy: Policy,
    rows: Rows,
    says: Write,
    tells: Write,
    profile: CustomerChanged,
) -> None:
    routing = Routing(lambda: policy, lambda: NOW, lambda _: ROSTER)
    day = (
        [tells(profile), says("ルーターがつながりません。"), says("請求書", contact=HANAKO)],
        [says("まだですか。至急お願いします。", minutes=5), says("障害です", contact=HANAKO)],
    )
    for batch in day:
        async with writer.begin() as connection:
            await routing.handle(connection, [item.received for item in batch])

    recorded = await rows(DAY, now=NOW)

    assert len(recorded) == 4
    for row in recorded:
        inputs = msgspec.json.decode(row.input, type=Inputs)
        again = replayed(inputs, ROSTER, policy)
        assert isinstance(again, Decision)
        assert (inputs.roster, inputs.rules_version) == (7, policy.version)
        assert msgspec.json.encode(again).decode() == row.decision


async def test_who_waits_is_told_to_the_matcher_once_a_batch(
    writer: AsyncEngine, policy: Policy, says: Write
) -> None:
    heard: list[object] = []
    listener = await writer.connect()
    driver: Any = (await listener.get_raw_connection()).driver_connection
    await driver.add_listener("router_news", lambda *news: heard.append(news[-1]))
    routing = Routing(lambda: policy, lambda: NOW)

    async with writer.begin() as connection:
        batch = [says("障害です"), says("障害です", contact=HANAKO)]
        await routing.handle(connection, [item.received for item in batch])
    await driver.execute("SELECT 1")  # what was sent before comes with the answer
    await driver.reset()  # else the pool finds a listener
    await listener.close()

    assert heard == ['{"tenant":"acme","queues":["technical"],"agents":[]}']
