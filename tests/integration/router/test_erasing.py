"""The router forgets whom the timeline erases, and does not take in what is told of them again."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.router.conftest import TARO, TENANT, TUESDAY, Written

from common.core.cloudevents import Record, read
from common.core.erasure import CustomerErased, CustomerForgotten, Marker, Named
from common.core.errors import TransientError
from common.core.events import CustomerChanged
from common.core.ids import customer_id
from router.core.policy import Policy
from router.edges.consume import Routing
from router.edges.erasing import Erasing

KEY = "0123456789abcdef0123456789abcdef"
JIRO = "line:main:Ujiro"
ERASURE = UUID("6604a6c9-96ef-55e1-a559-b098eccd55d0")
WORDS = ("U4af4980629", "つながりません", "crm-7")

Says = Callable[..., Written]
Handle = Callable[[Sequence[Written]], Awaitable[None]]
Rows = Callable[..., Awaitable[list[Any]]]

_COLUMNS = text(
    """
    SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
     WHERE relnamespace = CAST('router' AS regnamespace) AND relkind = 'r' AND attnum > 0
       AND NOT attisdropped AND relname NOT IN ('outbox', 'rules_version') ORDER BY 1, 2
    """
)


@pytest.fixture
def handle(writer: AsyncEngine, policy: Policy) -> Handle:
    """Handle a batch as the service does."""
    routing = Routing(lambda: policy, lambda: TUESDAY)
    erasing = Erasing(KEY, lambda: TUESDAY + timedelta(minutes=30))

    async def run(batch: Sequence[Written]) -> None:
        async with writer.begin() as connection:
            taken = await erasing.admitted(connection, [item.received for item in batch])
            await routing.handle(connection, taken)

    return run


def erased(key: str = KEY) -> CustomerErased:
    """What the timeline tells twenty minutes after the first message."""
    marker = Marker(key)
    return CustomerErased(
        erasure=ERASURE,
        erased_at=TUESDAY + timedelta(minutes=20),
        key_check=marker.check,
        customers=(customer_id(TENANT, TARO),),
        contacts=marker.marks(TENANT, Named.CONTACT, [TARO]),
        profiles=marker.marks(TENANT, Named.PROFILE, ["crm-7"]),
    )


def taro() -> CustomerChanged:
    return CustomerChanged(
        customer_ref="crm-7", contacts=(TARO,), changed_at=TUESDAY, name="山田 太郎"
    )


async def found(writer: AsyncEngine) -> list[str]:
    """Return every table and column in which one of the customer's words stands."""
    places: list[str] = []
    async with writer.connect() as connection:
        for column in (await connection.execute(_COLUMNS)).all():
            rows = await connection.scalars(
                text(f'SELECT CAST("{column.attname}" AS text) FROM "{column.relname}"')  # noqa: S608 - the catalogue's
            )
            said = "\n".join(row for row in rows if row)
            places += [f"{column.relname}.{column.attname}: {w}" for w in WORDS if w in said]
    return places


async def test_no_word_of_an_erased_customer_is_left_and_the_case_still_counts(
    handle: Handle, says: Says, tells: Says, writer: AsyncEngine, rows: Rows
) -> None:
    await handle(
        [tells(taro()), says(minutes=1), says("他の方の質問です", contact=JIRO, minutes=2)]
    )
    assert len(await found(writer)) > 5
    await handle([tells(erased())])
    assert await found(writer) == []
    [[case, state]] = await rows(
        "SELECT case_id, state FROM support_case WHERE contact <> :jiro", jiro=JIRO
    )
    assert state == "resolved"
    assert await rows("SELECT contact FROM support_case WHERE case_id <> :case", case=case) == [
        (JIRO,)
    ]
    assert await rows("SELECT count(*) FROM decision") == [(1,)]


async def test_it_says_what_it_has_done_and_does_it_once(
    handle: Handle, says: Says, tells: Says, rows: Rows
) -> None:
    await handle([tells(taro()), says(minutes=1)])
    again = tells(erased())
    await handle([again])
    await handle([again])
    records = [
        msgspec.msgpack.decode(row.record, type=Record)
        for row in await rows("SELECT record FROM outbox ORDER BY id")
    ]
    told = [read(one.headers, one.value).data for one in records]
    [said] = [one for one in told if isinstance(one, CustomerForgotten)]
    assert (said.erasure, said.service) == (ERASURE, "router")
    assert said.counts == {
        "cases": 1,
        "contacts": 1,
        "contacts of profiles": 1,
        "decisions": 1,
        "inputs of decisions": 1,
        "profiles": 1,
    }


async def test_what_is_told_again_from_before_is_not_taken_in_and_what_is_new_is(
    handle: Handle, says: Says, tells: Says, writer: AsyncEngine, rows: Rows
) -> None:
    batch = [tells(taro()), says(minutes=1, name="m1")]
    await handle(batch)
    await handle([tells(erased())])
    await handle(batch)
    assert await found(writer) == []
    await handle([says("はじめまして", minutes=40, name="m2")])
    assert await rows("SELECT count(*) FROM decision_input") == [(1,)]
    open_cases = "SELECT contact FROM support_case WHERE state <> 'resolved'"
    assert await rows(open_cases) == [(TARO,)]


async def test_an_erasure_heard_before_the_older_messages_keeps_them_out(
    handle: Handle, says: Says, tells: Says, writer: AsyncEngine
) -> None:
    await handle([tells(erased()), tells(taro()), says(minutes=1)])
    assert await found(writer) == []


async def test_without_the_right_key_the_router_waits(writer: AsyncEngine, tells: Says) -> None:
    told = [tells(erased("another key, and a long one, too")).received]
    for erasing in (Erasing(KEY, lambda: TUESDAY), Erasing("", lambda: TUESDAY)):
        with pytest.raises(TransientError, match="key"):
            async with writer.begin() as connection:
                await erasing.admitted(connection, told)
