"""Customers in the database equal a plain union-find over what the profiles name."""

import asyncio
import random
from collections.abc import Sequence
from uuid import UUID

import msgspec
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.timeline.conftest import NOW, Pages, Rows, Tell, on_the_bus
from tests.unit.timeline.people_model import PeopleModel
from tests.unit.timeline.telling import (
    HANAKO_LINE,
    HANAKO_MAIL,
    HANAKO_TEL,
    START,
    TENANT,
    call,
    message,
    profile,
)

from common.core.cloudevents import Event, Record, read
from common.core.errors import TransientError
from common.core.events import CustomerChanged, CustomersMerged
from common.core.identity_events import DecisionKind, IdentityDecided
from common.core.ids import customer_id
from common.edges.database import reading
from timeline.core.identity import LONGEST_REF
from timeline.edges.consume import Historian
from timeline.edges.deciding import decide
from timeline.edges.decisions import Asking
from timeline.edges.reader import customer_of

MERGES = "SELECT survivor, absorbed, contacts, cause FROM merge ORDER BY id"


async def records(rows: Rows) -> list[Event]:
    """Return what waits to be published."""
    decode = msgspec.msgpack.Decoder(Record).decode
    kept = [decode(raw) for (raw,) in await rows("SELECT record FROM outbox ORDER BY id")]
    return [read(record.headers, record.value) for record in kept]


async def announced(rows: Rows) -> list[CustomersMerged]:
    return [event.data for event in await records(rows)]


async def test_one_profile_makes_one_history_of_three_channels(
    tell: Tell, pages: Pages, rows: Rows
) -> None:
    await tell(message(HANAKO_LINE, 2))
    await tell(call(HANAKO_TEL, 1))
    told = profile([HANAKO_MAIL, "tel:090-1234-5678", HANAKO_LINE], minutes=3)
    await tell(told)
    await tell(call(HANAKO_MAIL, 4, channel="email"))
    for contact in (HANAKO_LINE, HANAKO_TEL, HANAKO_MAIL):
        shown = (await pages(contact)).entries
        assert [item.contact for item in shown] == [HANAKO_MAIL, HANAKO_LINE, HANAKO_TEL]
    merges = await rows(MERGES)
    assert {absorbed for _, absorbed, _, _ in merges} == {
        customer_id(TENANT, HANAKO_MAIL),
        customer_id(TENANT, HANAKO_TEL),
    }
    assert {(survivor, cause) for survivor, _, _, cause in merges} == {
        (customer_id(TENANT, HANAKO_LINE), told.attributes.id)
    }


async def test_every_merge_is_announced_once_with_what_moved_and_why(
    tell: Tell, rows: Rows
) -> None:
    told = profile([HANAKO_MAIL, HANAKO_TEL])
    await tell(message(HANAKO_TEL))
    await tell(told)
    await tell(told, profile([HANAKO_TEL, HANAKO_MAIL], minutes=1))
    assert await announced(rows) == [
        CustomersMerged(
            survivor=customer_id(TENANT, HANAKO_TEL),
            absorbed=customer_id(TENANT, HANAKO_MAIL),
            contacts=(HANAKO_MAIL,),
            cause=told.attributes.id,
            merged_at=NOW,
        )
    ]


async def test_a_merged_away_id_answers_with_the_survivor_of_all_merges(
    tell: Tell, reader: AsyncEngine
) -> None:
    for minute, contact in enumerate((HANAKO_LINE, HANAKO_TEL, HANAKO_MAIL)):
        await tell(message(contact, minute))
    await tell(profile([HANAKO_TEL, HANAKO_MAIL], ref="billing-7", name="スズキ ハナコ"))
    await tell(profile([HANAKO_LINE, HANAKO_TEL], minutes=5, name="鈴木 花子"))
    async with reading(reader, TENANT) as connection:
        views = [
            await customer_of(connection, TENANT, customer_id(TENANT, contact))
            for contact in (HANAKO_LINE, HANAKO_TEL, HANAKO_MAIL)
        ]
    view = views[0]
    assert views == [view] * 3
    assert view is not None
    assert view.id == customer_id(TENANT, HANAKO_LINE)
    assert view.name == "鈴木 花子"
    assert [line.contact for line in view.contacts] == [HANAKO_LINE, HANAKO_TEL, HANAKO_MAIL]
    assert [line.customer_ref for line in view.profiles] == ["crm-1024", "billing-7"]
    assert set(view.merged) == {customer_id(TENANT, one) for one in (HANAKO_TEL, HANAKO_MAIL)}


async def test_the_newest_profile_wins_in_whatever_order_they_come(
    tell: Tell, reader: AsyncEngine
) -> None:
    for minute in (2, 9, 4):
        await tell(profile([HANAKO_TEL], minutes=minute, tier=f"at {minute}"))
    async with reading(reader, TENANT) as connection:
        view = await customer_of(connection, TENANT, customer_id(TENANT, HANAKO_TEL))
    assert view is not None
    assert view.tier == "at 9"


async def test_a_shared_contact_links_nobody(tell: Tell, writer: AsyncEngine, rows: Rows) -> None:
    switchboard = "tel:+81312345678"
    async with writer.begin() as connection:
        asking = Asking(connection, TENANT, "sato", START)

        async def make() -> IdentityDecided:
            return asking.listed(DecisionKind.BLOCK, switchboard)

        await decide(connection, TENANT, make)
    await tell(profile([HANAKO_TEL, switchboard]), profile([HANAKO_MAIL, switchboard], ref="crm-2"))
    assert await rows(MERGES) == []


async def test_the_longest_keys_that_are_let_in_fit_into_the_indexes(
    tell: Tell, pages: Pages
) -> None:
    longest = f"app:{'𠮷' * 320}"
    await tell(profile([longest], ref="𠮷" * LONGEST_REF), call(longest))
    assert len((await pages(longest)).entries) == 1


async def test_equal_contacts_of_two_tenants_are_two_people(tell: Tell, rows: Rows) -> None:
    await tell(
        profile([HANAKO_TEL, HANAKO_MAIL], tenant="acme"), message(HANAKO_TEL, tenant="globex")
    )
    query = (
        "SELECT tenant, count(DISTINCT customer_id) FROM contact GROUP BY tenant ORDER BY tenant"
    )
    assert await rows(query) == [("acme", 1), ("globex", 1)]


async def test_a_crm_may_introduce_everybody_at_once(tell: Tell, rows: Rows) -> None:
    people = [
        profile([f"line:1:U{number}", f"email:u{number}@example.jp"], ref=f"crm-{number}")
        for number in range(2000)
    ]
    await tell(*people)
    query = "SELECT count(*), count(DISTINCT customer_id) FROM contact"
    assert await rows(query) == [(4000, 2000)]


async def test_who_waited_for_a_merge_goes_on_with_what_came_of_it(
    writer: AsyncEngine, tell: Tell, rows: Rows
) -> None:
    """The second merge began with customers that were no longer there when it got its locks."""
    for minute, contact in enumerate((HANAKO_LINE, HANAKO_TEL, HANAKO_MAIL)):
        await tell(message(contact, minute))
    first = Historian(lambda: NOW, "JP")
    async with asyncio.TaskGroup() as group, writer.begin() as connection:
        await first(connection, on_the_bus([profile([HANAKO_LINE, HANAKO_TEL])], [0]))
        second = group.create_task(tell(profile([HANAKO_TEL, HANAKO_MAIL], ref="billing-7")))
        await until_somebody_waits(rows)
        assert not second.done()
    assert await rows("SELECT DISTINCT customer_id FROM contact") == [
        (customer_id(TENANT, HANAKO_LINE),)
    ]
    await check_survivors_are_oldest(rows)


async def people_in(rows: Rows) -> set[frozenset[str]]:
    found = await rows("SELECT array_agg(address) FROM contact GROUP BY tenant, customer_id")
    return {frozenset(contacts) for (contacts,) in found}


async def until_somebody_waits(rows: Rows) -> None:
    waiting = """SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
                  WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted"""
    async with asyncio.timeout(30):
        while await rows(waiting) == [(0,)]:
            pass


PEOPLE = 150
CONTACTS = [f"email:u{number:04}@example.jp" for number in range(PEOPLE * 2)]


def crowd(chance: random.Random) -> list[Event]:
    """Return messages and profiles in which people have up to four contacts and some share one."""
    told: list[Event] = []
    for person in range(PEOPLE):
        own = chance.sample(CONTACTS[person * 2 : person * 2 + 4], k=2)
        stranger = [chance.choice(CONTACTS)] if chance.random() < 0.05 else []
        told.append(profile(own + stranger, ref=f"crm-{person}", minutes=person))
        told += [message(contact, minutes=person, message_id=str(person)) for contact in own]
        if chance.random() < 0.3:
            told.append(profile(own[:1], ref=f"billing-{person}", minutes=person))
    chance.shuffle(told)
    return told


async def work(tell: Tell, batches: Sequence[Sequence[Event]]) -> int:
    """Handle batches as a consumer would, trying again after what passes; return how many deadlocks."""
    deadlocks = 0
    for batch in batches:
        while True:
            try:
                await tell(*batch)
                break
            except TransientError:
                continue
            except DBAPIError:
                deadlocks += 1
    return deadlocks


async def test_four_workers_at_once_agree_with_the_model_without_a_deadlock(
    tell: Tell, rows: Rows
) -> None:
    """Every worker hears everything in an order of its own, so all of them want the same customers."""
    chance = random.Random(20260302)  # noqa: S311 - reproducible, not secret
    told = crowd(chance)
    shares = []
    for _ in range(4):
        order = chance.sample(told, k=len(told))
        shares.append([order[start : start + 9] for start in range(0, len(order), 9)])
    deadlocks = await asyncio.gather(*(work(tell, batches) for batches in shares))
    assert sum(deadlocks) == 0

    model = PeopleModel()
    for event in told:
        if isinstance(event.data, CustomerChanged):
            model.hear(event)
    assert await people_in(rows) == model.people()
    assert await rows("SELECT DISTINCT reason FROM review") == [("conflict",)]
    await check_survivors_are_oldest(rows)
    messages = sum(event.attributes.type.endswith("received") for event in told)
    assert await rows("SELECT count(*), count(DISTINCT event_id) FROM entry") == [
        (messages, messages)
    ]


async def check_survivors_are_oldest(rows: Rows) -> None:
    """Whoever is somebody else is it by a merge that stands, and a contact's first id leads to it."""
    merges = await rows(
        """SELECT undone_at IS NOT NULL OR absorbed.merged_into IS NOT NULL
             FROM merge JOIN customer AS absorbed ON absorbed.id = merge.absorbed"""
    )
    assert set(merges) == {(True,)}
    older = await rows(
        """SELECT (survivor.created_at, survivor.id) < (absorbed.created_at, absorbed.id)
             FROM customer AS absorbed JOIN customer AS survivor ON survivor.id = absorbed.merged_into"""
    )
    assert set(older) == {(True,)}
    standing = await rows(
        """SELECT absorbed FROM merge WHERE undone_at IS NULL
            GROUP BY absorbed HAVING count(*) > 1"""
    )
    assert standing == []
    led: dict[UUID, UUID | None] = dict(await rows("SELECT id, merged_into FROM customer"))
    for address, holder in await rows("SELECT address, customer_id FROM contact"):
        born = customer_id(TENANT, address)
        assert (led[born] or born) == holder
