"""Words are found in every script, by their tenant, as the messages stand now."""

from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.timeline.conftest import Rows, Tell, on_the_bus
from tests.unit.timeline.telling import (
    HANAKO_LINE,
    HANAKO_TEL,
    TENANT,
    after,
    call,
    change,
    mail,
    message,
    profile,
)

from bench.searching import stands_in
from common.core.cloudevents import Event
from common.core.events import (
    Attachment,
    AttachmentState,
    Direction,
    MessageKind,
    Party,
)
from common.core.ids import customer_id
from common.edges.database import reading
from local_stack.shared_servers import SharedPostgres
from timeline.core.search_cursor import Order, beginning, read_search_cursor
from timeline.core.search_hits import Hits
from timeline.core.search_query import read_query
from timeline.edges.search import Filters, Search, contacts_of_customer, search
from timeline.edges.search_index import Followed, Indexer, WriterBehindError
from timeline.edges.search_rebuild import Progress, RebuildingError, rebuild

Find = Callable[..., Awaitable[Hits]]
IndexBatch = Callable[..., Awaitable[None]]


@pytest.fixture
def index(writer: AsyncEngine) -> IndexBatch:
    """Have a batch indexed that the timeline has written down."""
    offsets = count()

    async def index(*events: Event) -> None:
        async with writer.begin() as connection:
            await connection.execute(
                text(
                    "INSERT INTO partition_offset SELECT 'timeline', topic, 0, 1000000, 1 "
                    "FROM unnest(ARRAY['messages.v1', 'customers.v1']) AS topic "
                    "ON CONFLICT DO NOTHING"
                )
            )
            await Indexer(Followed("timeline"), "JP")(connection, on_the_bus(events, offsets))

    return index


@pytest.fixture
def learn(tell: Tell, index: IndexBatch) -> IndexBatch:
    """Have events written down and indexed."""

    async def learn(*events: Event) -> None:
        await tell(*events)
        await index(*events)

    return learn


@pytest.fixture
def find(reader: AsyncEngine) -> Find:
    async def find(
        asked: str,
        *,
        tenant: str = TENANT,
        order: Order = Order.NEWEST,
        limit: int = 20,
        before: str | None = None,
        **filters: Any,
    ) -> Hits:
        place = read_search_cursor(before, order) if before else beginning(order)
        async with reading(reader, tenant) as connection:
            wanted = Search(
                tenant=tenant,
                query=read_query(asked),
                filters=Filters(**filters),
                after=place,
                limit=limit,
            )
            return await search(connection, wanted)

    return find


def ids(hits: Hits) -> list[UUID]:
    return [hit.id for hit in hits.hits]


def marked(hits: Hits) -> list[str]:
    return [
        piece.text
        for hit in hits.hits
        for found in hit.found
        for piece in found.pieces
        if piece.match
    ]


@pytest.mark.parametrize(
    ("written", "asked", "shown"),
    [
        ("商品の返品をお願いします", "返品", "返品"),
        ("ｶﾞｽの開栓について", "ガス", "ｶﾞｽ"),
        ("ガスの開栓について", "ｶﾞｽ", "ガス"),
        ("注文番号ＡＢＣ－１２０４", "abc-1204", "ＡＢＣ－１２０４"),
        ("第１回の説明会", "第1", "第１"),
        ("我想退货，请帮忙", "退货", "退货"),
        ("환불을 원합니다", "환불", "환불"),
        ("ขอคืนเงินด้วยครับ", "คืนเงิน", "คืนเงิน"),
        ("Where is my INVOICE?", "inv", "INV"),
        ("Die Straße ist gesperrt", "STRASSE", "Straße"),
        ("東京 都内の配送", '"東京 都内"', "東京 都内"),
        ("5G対応の機種", "5g", "5G"),
        ("it's 100% \\ 'quoted'", "'quoted", "'quoted"),
    ],
)
async def test_two_characters_of_any_script_are_found_and_shown_as_they_were_written(
    learn: IndexBatch, find: Find, written: str, asked: str, shown: str
) -> None:
    wrote = message(text=written)
    await learn(wrote, message(text="まったく別の話です", message_id="m2", minutes=1))
    hits = await find(asked)
    assert ids(hits) == [wrote.attributes.id]
    assert marked(hits) == [shown]


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("注文した番号", "注文番号"),  # both pairs of characters that the index asks for, apart
        ("東京と京都", "東京都"),
        ("京都の東", "東京"),
        ("これはハシです", "はし"),
        ("a reinvoice", "invoice"),
        ("返品です", "返品 交換"),
        ("都内 東京", '"東京 都内"'),
    ],
)
async def test_what_only_looks_alike_is_not_found(
    learn: IndexBatch, find: Find, written: str, asked: str
) -> None:
    await learn(message(text=written))
    assert ids(await find(asked)) == []


async def test_subject_sender_files_and_noted_calls_are_searched_too(
    learn: IndexBatch, find: Find
) -> None:
    receipt = Attachment(name="領収書.pdf", media_type="a/b", state=AttachmentState.STORED)
    wrote = mail(
        subject="納品のご連絡",
        text="本文です",
        sender=Party("email:support@acme.example", "山田 窓口"),
        attachments=(receipt,),
    )
    called = call(minutes=3)
    await learn(wrote, called)
    for asked, field in [
        ("納品", "subject"),
        ("山田", "sender"),
        ("領収", "files"),
        ("本文", "text"),
    ]:
        [hit] = (await find(asked)).hits
        assert (hit.id, [found.field for found in hit.found]) == (wrote.attributes.id, [field])
    assert ids(await find("納期")) == [called.attributes.id]


async def test_an_edit_replaces_the_words_and_an_unsend_takes_them_away(
    learn: IndexBatch, find: Find, rows: Rows
) -> None:
    wrote = message(text="最初の文面です")
    await learn(wrote)
    await learn(change(MessageKind.EDIT, "m1", 1, "訂正した文面です"))
    assert ids(await find("最初")) == []
    assert ids(await find("訂正")) == [wrote.attributes.id]
    await learn(change(MessageKind.UNSEND, "m1", 2))
    await learn(wrote)
    assert ids(await find("文面")) == []
    assert await rows("SELECT plain FROM search_document") == []


async def test_what_was_unsent_a_moment_ago_is_not_shown_before_the_index_knows(
    tell: Tell, learn: IndexBatch, find: Find
) -> None:
    await learn(message(text="消したい文面"))
    await tell(change(MessageKind.UNSEND, "m1", 2))
    assert ids(await find("文面")) == []


@pytest.mark.parametrize("backwards", [False, True])
async def test_edits_of_edits_are_followed_in_either_order(
    learn: IndexBatch,
    find: Find,
    backwards: bool,  # noqa: FBT001 - a case of the test
) -> None:
    history = [
        message(text="一度目の文面"),
        change(MessageKind.EDIT, "m1", 1, "二度目の文面", message_id="m2"),
        change(MessageKind.EDIT, "m2", 2, "三度目の文面", message_id="m3"),
    ]
    for event in reversed(history) if backwards else history:
        await learn(event)
    assert ids(await find("三度")) == [history[0].attributes.id]
    assert ids(await find("二度")) == []


async def test_tenants_are_apart(learn: IndexBatch, find: Find) -> None:
    ours, theirs = message(text="返品です"), message(text="返品です", tenant="globex")
    await learn(ours)
    await learn(theirs)
    for tenant in (TENANT, "globex"):
        [hit] = (await find("返品", tenant=tenant)).hits
        assert hit.customer == customer_id(tenant, HANAKO_LINE)


async def test_tenants_are_apart_even_when_a_query_forgets_its_filter(
    learn: IndexBatch, reader: AsyncEngine
) -> None:
    await learn(message(text="返品です"))
    await learn(message(text="返品です", tenant="globex"))
    for table in ("search_document", "search_name", "search_case"):
        async with reading(reader, "globex") as connection:
            found = await connection.scalars(text(f"SELECT tenant FROM {table}"))  # noqa: S608 - ours
            assert set(found) <= {"globex"}
    async with reading(reader, "globex") as connection:
        sought = {"sought": "'x' | !'x'"}
        await connection.execute(
            text("SELECT set_config('madoguchi.sought', :sought, true)"), sought
        )
        assert len(list(await connection.scalars(text("SELECT 1 FROM search_document")))) == 1
        partitions = await connection.scalars(text("SELECT 1 FROM search_document_1"))
        assert list(partitions) == []


async def test_the_index_is_used_under_row_level_security(
    learn: IndexBatch, reader: AsyncEngine
) -> None:
    await learn(*(message(text=f"{n}番目の話", message_id=f"m{n}", minutes=n) for n in range(200)))
    async with reading(reader, TENANT) as connection:
        for setting in ("enable_seqscan", "enable_indexscan"):
            await connection.execute(text(f"SELECT set_config('{setting}', 'off', true)"))
        await connection.execute(text("SELECT set_config('madoguchi.sought', '''返品''', true)"))
        plan = await connection.scalars(text("EXPLAIN SELECT 1 FROM search_document"))
        assert "Bitmap Index Scan on search_document_1_terms_idx" in "\n".join(plan)


async def test_filters_leave_out_what_is_not_asked_for(learn: IndexBatch, find: Find) -> None:
    wrote = message(text="返品です", minutes=0)
    answered = mail(text="返品の件", minutes=5)
    called = call(summary="返品の電話", minutes=9)
    await learn(wrote, answered, called)
    w, a, c = (one.attributes.id for one in (wrote, answered, called))
    assert ids(await find("返品")) == [c, a, w]
    assert ids(await find("返品", channel="email")) == [a]
    assert ids(await find("返品", direction=Direction.INBOUND)) == [w]
    assert ids(await find("返品", kind="call")) == [c]
    assert ids(await find("返品", since=after(5))) == [c, a]
    assert ids(await find("返品", until=after(5))) == [w]
    assert ids(await find("返品", case=UUID(int=1))) == []


async def test_a_merge_moves_what_is_found_with_the_contact(
    learn: IndexBatch, find: Find, reader: AsyncEngine
) -> None:
    await learn(message(HANAKO_LINE, 0, "返品です"), call(HANAKO_TEL, 1, summary="返品の電話"))
    await learn(profile([HANAKO_LINE, HANAKO_TEL]))
    hits = await find("返品")
    [customer] = {hit.customer for hit in hits.hits}
    async with reading(reader, TENANT) as connection:
        contacts = await contacts_of_customer(connection, TENANT, customer)
    assert len(ids(await find("返品", contacts=contacts))) == 2
    assert ids(await find("返品", contacts=())) == []


@pytest.mark.parametrize("order", list(Order))
async def test_pages_go_through_everything_once(
    learn: IndexBatch, find: Find, order: Order
) -> None:
    texts = ["返品です", "普通の話", "返品と返品"]
    told = [
        mail(
            message_id=f"<{n}@x>",
            minutes=n // 2,
            text=texts[n % 3],
            subject="返品" if n % 4 else "件",
        )
        for n in range(20)
    ]
    await learn(*told)
    whole = await find("返品", order=order)
    walked: list[UUID] = []
    page = await find("返品", order=order, limit=3)
    while True:
        walked += ids(page)
        if page.next is None:
            break
        page = await find("返品", order=order, limit=3, before=page.next)
    assert walked == ids(whole)
    assert len(walked) == len(set(walked)) == 18
    ranks = [hit.rank for hit in whole.hits]
    assert order is Order.NEWEST or ranks == sorted(ranks, reverse=True)


async def test_a_page_of_words_that_stand_in_the_newest_texts_needs_no_index(
    learn: IndexBatch, find: Find, writer: AsyncEngine
) -> None:
    told = [message(text="返品です", message_id=f"m{n}", minutes=n) for n in range(4)]
    await learn(*told)
    async with writer.begin() as connection:
        await connection.execute(text("UPDATE search_document SET terms = ''"))
    newest = [one.attributes.id for one in reversed(told)]
    page = await find("返品", limit=2)
    assert ids(page) == newest[:2]
    assert ids(await find("返品", limit=1, before=page.next)) == newest[2:3]
    assert ids(await find("返品", limit=2, kind="message")) == []  # these the index has to find


async def test_what_stands_only_in_older_texts_is_found_by_the_index(
    learn: IndexBatch, find: Find, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("timeline.edges.search.MOST_CANDIDATES", 4)
    texts = ["返品です"] * 9 + ["普通の話"] * 7 + ["返品の件"] + ["普通の話"] * 2
    told = [message(text=words, message_id=f"m{n}", minutes=n) for n, words in enumerate(texts)]
    await learn(*told)
    wanted = [told[n].attributes.id for n in (16, *range(8, -1, -1))]
    page = await find("返品", limit=2)
    walked = ids(page)
    while page.next:
        page = await find("返品", limit=2, before=page.next)
        walked += ids(page)
    assert walked == wanted


async def test_a_benchmark_compares_with_like_on_the_texts_of_its_tenant_only(
    learn: IndexBatch, find: Find, migrated: str, postgres_server: SharedPostgres
) -> None:
    ours = [message(text="至急確認をお願いします", message_id=f"m{n}", minutes=n) for n in range(3)]
    await learn(*ours, message(text="交換です", message_id="m3", minutes=3))
    await learn(message(text="至急確認をお願いします", minutes=9, tenant="streams"))
    superuser = postgres_server.admin.url(make_url(migrated).database or "")
    connection = await asyncpg.connect(superuser)
    standing = await stands_in(connection, "認を")
    await connection.close()
    assert standing == [str(found) for found in ids(await find("認を"))]
    assert len(standing) == len(ours)


async def test_the_index_waits_for_the_timeline(
    writer: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("timeline.edges.search_index.LONGEST_WAIT_SECONDS", 0.0)
    async with writer.connect() as connection:
        with pytest.raises(WriterBehindError):
            await Indexer(Followed("timeline"), "JP")(connection, on_the_bus([message()], count()))


async def test_a_rebuilt_index_finds_the_same_and_the_old_one_is_gone(
    learn: IndexBatch, find: Find, writer: AsyncEngine, rows: Rows
) -> None:
    await learn(*(message(text="返品です", message_id=f"m{n}", minutes=n) for n in range(5)))
    await learn(change(MessageKind.EDIT, "m1", 9, "交換です"))
    before = await find("返品"), await find("交換")
    async with writer.begin() as connection:
        await connection.execute(text("UPDATE search_document SET plain = '', terms = ''"))
    assert ids(await find("返品")) == []
    told: list[Progress] = []
    assert await rebuild(writer, told.append, grace_seconds=0) == 2
    assert (await find("返品"), await find("交換")) == before
    assert told[-1].done == told[-1].total == 6
    assert await rows("SELECT number, live FROM search_generation") == [(2, True)]
    assert await rows("SELECT to_regclass('search_document_1') IS NULL") == [(True,)]


async def test_while_one_rebuilds_nobody_else_does_and_both_indexes_are_kept(
    learn: IndexBatch, find: Find, writer: AsyncEngine, rows: Rows
) -> None:
    async with writer.begin() as connection:
        await connection.execute(text("SELECT add_search_generation(CAST(2 AS smallint))"))
        await connection.execute(text("INSERT INTO search_generation VALUES (2, false)"))
    await learn(message(text="返品です"))
    assert await rows("SELECT generation FROM search_document ORDER BY 1") == [(1,), (2,)]
    assert len(ids(await find("返品"))) == 1
    async with writer.connect() as other:
        await other.execute(text("SELECT pg_advisory_lock(hashtext('timeline.search.rebuild'))"))
        with pytest.raises(RebuildingError):
            await rebuild(writer, lambda _: None)
