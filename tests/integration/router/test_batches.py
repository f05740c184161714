"""A batch becomes cases, decisions and events in one transaction, and counts once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from common.core.cases import Decision
from common.core.cloudevents import Record
from common.core.errors import TransientError
from common.core.events import (
    Contract,
    CustomerChanged,
    CustomersMerged,
    CustomersUnmerged,
    MessageKind,
)
from common.core.ids import customer_id, derived_id
from common.testing.locks import until_somebody_waits
from router.core.policy import Policy
from router.edges.arrays import names
from router.edges.consume import Routing
from router.edges.tables import support_case

TARO = "line:main:U4af4980629"
MAIL = "email:taro@example.jp"

EVERYTHING = ("SELECT * FROM support_case", "SELECT * FROM decision", "SELECT * FROM outbox")
OUTCOME = """
SELECT contact, queue, priority, rank, skills, first_response_due,
       (SELECT array_agg(body ->> 'continuity' ORDER BY decision_number) FROM decision
         WHERE decision.case_id = support_case.case_id)
  FROM support_case WHERE tenant = :tenant ORDER BY contact
"""
HANAKO = "line:main:U2"
NOW = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)
LATELY = NOW - timedelta(days=1)
WAY_BACK = NOW - timedelta(days=300)

Handle = Callable[..., Awaitable[None]]
Rows = Callable[..., Awaitable[list[Any]]]
Write = Callable[..., Any]


@pytest.fixture
def profile() -> CustomerChanged:
    """A very important customer with the best contract."""
    contract = Contract(contract_id="K-1", plan="premium", starts_at=WAY_BACK)
    return CustomerChanged(
        customer_ref="crm-77",
        contacts=(TARO, MAIL),
        changed_at=LATELY,
        name="山田 太郎",
        tier="vip",
        contracts=(contract,),
    )


async def test_a_message_becomes_a_case_its_decision_and_two_events(
    handle: Handle, rows: Rows, says: Write
) -> None:
    await handle([says("至急です。ルーターがつながりません。")])

    (case,) = await rows("SELECT * FROM support_case")
    (decision,) = await rows("SELECT CAST(body AS text) FROM decision")
    outbox = await rows("SELECT record FROM outbox ORDER BY id")
    types = [
        dict(msgspec.msgpack.decode(row.record, type=Record).headers)["ce_type"] for row in outbox
    ]
    assert (case.queue, case.plan, case.state) == ("technical", "default", "waiting")
    assert msgspec.json.decode(decision.body, type=Decision).case_id == case.case_id
    assert types == [b"io.madoguchi.case.opened", b"io.madoguchi.case.routed"]


async def test_the_same_batch_twice_is_the_same_as_once(
    handle: Handle, rows: Rows, says: Write
) -> None:
    batch = [says(), says("まだですか。"), says(contact=HANAKO)]
    await handle(batch)
    once = [await rows(query) for query in EVERYTHING]
    await handle(batch)
    assert [await rows(query) for query in EVERYTHING] == once


async def test_messages_of_one_conversation_join_one_case_whatever_the_batches(
    handle: Handle, rows: Rows, says: Write
) -> None:
    await handle([says("こんにちは"), says("ルーターの設定を教えてください")])
    await handle([says("まだですか", minutes=5)])

    (case,) = await rows("SELECT queue FROM support_case")
    decisions = await rows(
        "SELECT body ->> 'continuity' AS how FROM decision ORDER BY decision_number"
    )
    assert case.queue == "technical"
    assert [row.how for row in decisions] == ["opened", "joined", "joined"]


async def test_two_conversations_interleaved_end_as_they_do_one_after_the_other(
    handle: Handle, rows: Rows, says: Write
) -> None:
    taro = ("こんにちは", "障害です", "至急お願いします")
    hanako = ("請求書の件", "解約したい", "ありがとう")
    for one, other in zip(taro, hanako, strict=True):
        await handle([says(one, contact=TARO), says(other, contact=HANAKO)])
    for who, lines in ((HANAKO, hanako), (TARO, taro)):
        await handle([says(line, contact=who, tenant="other") for line in lines])

    assert await rows(OUTCOME, tenant="acme") == await rows(OUTCOME, tenant="other")


async def test_a_profile_and_its_contract_count_from_the_batch_they_come_in(
    handle: Handle, rows: Rows, says: Write, tells: Write, profile: CustomerChanged
) -> None:
    await handle([says(), tells(profile)])

    (case,) = await rows("SELECT plan, contract, queue FROM support_case")
    assert (case.plan, case.contract) == ("premium", "K-1")


async def test_an_older_profile_does_not_replace_a_newer_one(
    handle: Handle, rows: Rows, says: Write, tells: Write, profile: CustomerChanged
) -> None:
    older = msgspec.structs.replace(profile, changed_at=WAY_BACK, contracts=(), tier=None)
    await handle([tells(profile)])
    await handle([tells(older)])
    await handle([says()])

    (case,) = await rows("SELECT plan FROM support_case")
    assert case.plan == "premium"


async def test_a_contact_that_a_profile_no_longer_names_loses_its_contracts(
    handle: Handle, rows: Rows, says: Write, tells: Write, profile: CustomerChanged
) -> None:
    await handle([tells(profile)])
    await handle([tells(msgspec.structs.replace(profile, contacts=(MAIL,)))])
    await handle([says()])

    (case,) = await rows("SELECT plan FROM support_case")
    assert case.plan == "default"


async def test_a_merged_contact_has_the_survivors_contracts_and_an_unmerged_one_its_own(
    handle: Handle, rows: Rows, says: Write, tells: Write, profile: CustomerChanged
) -> None:
    survivor, absorbed = customer_id("acme", MAIL), customer_id("acme", TARO)
    merged = CustomersMerged(
        survivor=survivor,
        absorbed=absorbed,
        contacts=(TARO,),
        cause=derived_id("test"),
        merged_at=LATELY,
    )
    unmerged = CustomersUnmerged(
        survivor=survivor,
        restored=absorbed,
        contacts=(TARO,),
        cause=derived_id("test"),
        unmerged_at=NOW,
    )
    await handle([tells(msgspec.structs.replace(profile, contacts=(MAIL,)))])
    await handle([tells(merged)])
    await handle([says(conversation="1")])
    await handle([tells(unmerged), tells(merged)])
    await handle([says(conversation="2")])

    cases = await rows("SELECT customer, plan FROM support_case ORDER BY conversation")
    assert [tuple(row) for row in cases] == [(absorbed, "premium"), (absorbed, "default")]


async def test_a_reaction_to_nothing_leaves_nothing(
    handle: Handle, rows: Rows, says: Write
) -> None:
    await handle([says(kind=MessageKind.REACTION), says(kind=MessageKind.OPT_OUT)])
    assert [await rows(query) for query in EVERYTHING] == [[], [], []]


async def test_of_two_workers_who_open_the_same_conversation_one_has_to_begin_again(
    writer: AsyncEngine, handle: Handle, rows: Rows, says: Write, policy: Policy
) -> None:
    """A thread's mails lie on several partitions: each sender is a contact of its own."""
    routing = Routing(lambda: policy, lambda: NOW)
    first, second = says(), says(contact=HANAKO, conversation=TARO)
    async with writer.begin() as slow:
        await routing.handle(slow, [first.received])
        quick = asyncio.ensure_future(handle([second]))
        await until_somebody_waits(writer)
    with pytest.raises(TransientError, match="another worker was faster"):
        await quick
    await handle([second])

    (case,) = await rows("SELECT case_id FROM support_case")
    assert [row.case_id for row in await rows("SELECT case_id FROM decision")] == [case.case_id] * 2


_OTHERS = names(support_case).removeprefix("case_id, ")


async def test_the_database_itself_refuses_a_second_open_case(
    handle: Handle, rows: Rows, says: Write
) -> None:
    await handle([says()])
    with pytest.raises(IntegrityError, match="support_case_open"):
        await rows(
            f"INSERT INTO support_case (case_id, {_OTHERS}) "  # noqa: S608 - our own columns
            f"SELECT '00000000-0000-0000-0000-000000000001', {_OTHERS} FROM support_case RETURNING 1"
        )
