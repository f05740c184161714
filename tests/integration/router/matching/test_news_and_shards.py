"""News between replicas arrives after the commit; queues that share an agent share a shard."""

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from router.edges.shards import by_shard, shards_of, try_lock
from router.edges.signals import MOST_NAMES, Listener, News, tell

Come = Callable[..., Awaitable[None]]


async def test_news_comes_after_the_commit_and_not_at_all_without_it(
    writer: AsyncEngine, listener: Listener
) -> None:
    async with writer.connect() as connection:
        await tell(connection, [News("acme", queues=("billing",))])
        await connection.rollback()
    async with writer.begin() as connection:
        await tell(connection, [News("acme", queues=("technical",))])
        unheard = await listener.next(0.05)
        assert not unheard.queues
    heard = await listener.next(10)
    assert heard.queues == {"acme": {"technical"}}


async def test_news_of_many_arrives_whole(writer: AsyncEngine, listener: Listener) -> None:
    names = {f"担当{number}" for number in range(3 * MOST_NAMES)}
    async with writer.begin() as connection:
        await tell(connection, [News("acme", agents=tuple(names))])
    heard: set[str] = set()
    while heard != names:
        heard |= (await listener.next(10)).agents["acme"]


async def test_who_listens_again_after_a_break_looks_at_everything(
    writer: AsyncEngine, listener: Listener
) -> None:
    async with writer.begin() as connection:
        await connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE query LIKE 'LISTEN%' AND datname = current_database()"
            )
        )
    assert (await listener.next(10)).everything


async def test_queues_that_share_an_agent_share_a_shard(writer: AsyncEngine, come: Come) -> None:
    await come("佐藤", queues=("technical", "vip"))
    await come("鈴木", queues=("billing",))
    async with writer.connect() as connection:
        apart = await shards_of(connection, "acme", ["technical", "vip", "billing", "general"])
    assert apart["technical"] == apart["vip"]
    assert len(set(apart.values())) == 3
    await come("高橋", queues=("billing", "vip"))
    async with writer.connect() as connection:
        joined = await shards_of(connection, "acme", ["technical", "vip", "billing"])
        news = await by_shard(connection, News("acme", ("technical", "general"), ("鈴木",)))
    assert len(set(joined.values())) == 1
    assert news == {
        joined["billing"]: News("acme", ("technical",), ("鈴木",)),
        "general": News("acme", ("general",)),
    }


async def test_an_agent_joins_shards_only_while_nobody_matches_in_them(
    writer: AsyncEngine, come: Come
) -> None:
    await come("佐藤")
    async with writer.begin() as connection:
        assert await try_lock(connection, "acme", "technical")
        joining = asyncio.ensure_future(come("鈴木", queues=("technical", "billing")))
        await _until_somebody_waits_for_a_lock(writer)
        assert not joining.done()
    await joining
    async with writer.connect() as connection:
        assert (
            len(set((await shards_of(connection, "acme", ["technical", "billing"])).values())) == 1
        )


async def _until_somebody_waits_for_a_lock(engine: AsyncEngine) -> None:
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory'")
    async with asyncio.timeout(10):
        while True:
            async with engine.connect() as connection:
                if (await connection.execute(waiting)).scalar_one():
                    return
            await asyncio.sleep(0.01)
