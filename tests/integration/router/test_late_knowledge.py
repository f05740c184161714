"""What becomes known of a customer after his message counts for his waiting case, in any order."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from common.core.cases import Decision
from common.core.events import (
    Account,
    Channel,
    Contract,
    CustomerChanged,
    CustomersMerged,
    CustomersUnmerged,
)
from common.core.ids import customer_id, derived_id
from router.core.inputs import Inputs, replayed
from router.core.policy import Policy

TARO = "line:main:U4af4980629"
MAIL = "email:taro@acme-shoji.example.jp"
NOW = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)
PROMISE = """
SELECT plan, contract, first_response_due, resolution_due, queue, customer FROM support_case
 WHERE tenant = :tenant
"""
LAST = """
SELECT CAST(decision.body AS text) AS decision, CAST(input.body AS text) AS input, cause
  FROM decision JOIN decision_input AS input USING (message_event, tenant, cause)
 ORDER BY decision_number DESC LIMIT 1
"""

Handle = Callable[..., Awaitable[None]]
Rows = Callable[..., Awaitable[list[Any]]]
Write = Callable[..., Any]

GOLD = Contract(contract_id="K-9", plan="premium", starts_at=NOW - timedelta(days=30))


@pytest.fixture
def profile() -> CustomerChanged:
    return CustomerChanged(
        customer_ref="crm-77", contacts=(TARO,), changed_at=NOW, name="山田 太郎", contracts=(GOLD,)
    )


async def test_a_profile_and_messages_end_in_the_same_promise_in_any_order(
    handle: Handle, rows: Rows, says: Write, tells: Write, profile: CustomerChanged
) -> None:
    ends = set()
    for order in permutations(range(3)):
        tenant = "order-" + "".join(map(str, order))
        words = iter(("ルーターがつながりません。", "まだですか。"))
        for part in order:
            known = tells(profile, tenant=tenant)
            await handle([known if part == 0 else says(next(words), tenant=tenant)])
        (case,) = await rows(PROMISE, tenant=tenant)
        ends.add(tuple(case)[:-1])

    assert [end[:2] for end in ends] == [("premium", "K-9")]


async def test_a_case_decided_anew_says_why_and_can_be_decided_again(
    handle: Handle, rows: Rows, says: Write, tells: Write, profile: CustomerChanged, policy: Policy
) -> None:
    await handle([says()])
    late = tells(profile)
    await handle([late])

    (row,) = await rows(LAST)
    decision = msgspec.json.decode(row.decision, type=Decision)
    assert (decision.cause, decision.cause_event) == ("顧客情報 crm-77 が届いた", row.cause)
    assert row.cause == late.received.event.attributes.id
    assert (decision.plan, decision.queue) == ("premium", "vip")
    again = replayed(msgspec.json.decode(row.input, type=Inputs), None, policy)
    assert msgspec.json.encode(again).decode() == row.decision


async def test_the_same_cause_counts_once_and_a_worse_contract_takes_nothing_back(
    handle: Handle, rows: Rows, says: Write, tells: Write, profile: CustomerChanged
) -> None:
    await handle([says()])
    late = tells(profile)
    await handle([late])
    await handle([late])
    worse = replace(profile, contracts=(replace(GOLD, plan="standard"),))
    await handle([tells(worse)])

    (case,) = await rows(PROMISE, tenant="acme")
    (count,) = await rows("SELECT count(*) FROM decision")
    assert (case.plan, count[0]) == ("premium", 2)


async def test_a_case_that_somebody_has_keeps_its_promise_and_a_held_one_gets_the_better(
    handle: Handle, rows: Rows, says: Write, tells: Write, profile: CustomerChanged, writer: Any
) -> None:
    ends = (("assigned", "'suzuki'", "default"), ("held", "NULL", "premium"))
    for state, agent, plan in ends:
        await handle([says(tenant=state)])
        async with writer.begin() as connection:
            await connection.exec_driver_sql(
                f"UPDATE support_case SET state = '{state}', "  # noqa: S608 - our own words
                f"agent = {agent} WHERE tenant = '{state}'"
            )
        await handle([tells(profile, tenant=state)])
        (case,) = await rows(PROMISE, tenant=state)
        assert case.plan == plan


async def test_a_merge_gives_a_waiting_case_the_contracts_of_whom_it_is_and_an_unmerge_keeps_them(
    handle: Handle, rows: Rows, says: Write, tells: Write, profile: CustomerChanged
) -> None:
    await handle([tells(replace(profile, contacts=(MAIL,))), says()])
    survivor, absorbed = customer_id("acme", MAIL), customer_id("acme", TARO)
    link: Any = {"contacts": (TARO,), "cause": derived_id("cause", "1")}
    merged = CustomersMerged(survivor=survivor, absorbed=absorbed, merged_at=NOW, **link)
    await handle([tells(merged)])
    (case,) = await rows(PROMISE, tenant="acme")
    assert (case.plan, case.customer) == ("premium", survivor)

    later = NOW + timedelta(minutes=1)
    await handle(
        [tells(CustomersUnmerged(survivor=survivor, restored=absorbed, unmerged_at=later, **link))]
    )
    (case,) = await rows(PROMISE, tenant="acme")
    assert (case.plan, case.customer) == ("premium", absorbed)


@pytest.mark.parametrize("company_first", [True, False])
async def test_a_company_s_contract_counts_for_its_people_and_for_mail_from_its_domain(
    handle: Handle, rows: Rows, says: Write, tells: Write, *, company_first: bool
) -> None:
    account = Account("a-1", "アクメ商事", domains=("acme-shoji.example.jp",), contracts=(GOLD,))
    company = CustomerChanged(
        customer_ref="account:a-1", contacts=(), changed_at=NOW, account=account
    )
    person = CustomerChanged(
        customer_ref="crm-1", contacts=(TARO,), changed_at=NOW, account=Account("a-1")
    )
    public = Account("a-2", domains=("gmail.com",), contracts=(replace(GOLD, contract_id="K-0"),))
    told = [
        tells(company),
        tells(replace(company, customer_ref="account:a-2", account=public)),
    ]
    messages = [
        says(),
        says(contact=MAIL, channel=Channel.EMAIL),
        says(contact="email:taro@gmail.com", channel=Channel.EMAIL),
    ]
    await handle([tells(person)])
    for batch in (told, messages) if company_first else (messages, told):
        await handle(batch)

    cases = await rows("SELECT contact, contract FROM support_case ORDER BY contact")
    assert [tuple(case) for case in cases] == [
        (MAIL, "K-9"),
        ("email:taro@gmail.com", None),
        (TARO, "K-9"),
    ]


async def test_who_had_a_case_of_the_customer_lately_is_preferred_for_the_next(
    handle: Handle, rows: Rows, says: Write, writer: Any
) -> None:
    await handle([says()])
    async with writer.begin() as connection:
        await connection.exec_driver_sql(
            "UPDATE support_case SET state = 'resolved', resolved_at = '2026-11-20T00:00:00Z', "
            "preferred = 'suzuki'"
        )
    await handle([says(name="m-2")])
    await handle([says(name="m-3", contact="line:main:U2")])

    cases = await rows(
        "SELECT contact, preferred FROM support_case WHERE state = 'waiting' ORDER BY contact"
    )
    assert [tuple(case) for case in cases] == [("line:main:U2", None), (TARO, "suzuki")]
