"""Two processes, each with connections of its own, want the same work from a real Postgres."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import datetime

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.edges.database import create_writer_engine
from common.edges.ingest import MIGRATIONS
from common.edges.leases import LeaseOptions, Leases, Work
from common.edges.migrations import migrate
from local_stack.postgres import PostgresServer

SCHEMA = "ingest_email"
MAILBOX = "imap/support"
QUICK = LeaseOptions(term=1.5, beat=0.2)
FOR_EVER = LeaseOptions(term=3600, beat=0.2)
PATIENCE = 30.0


class Process:
    """A replica that reads one mailbox while it may."""

    def __init__(self, leases: Leases, names: tuple[str, ...]) -> None:
        self.leases = leases
        self.names = names
        self.working: set[str] = set()
        self.stopping = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []
        self._changed = asyncio.Condition()

    def start(self) -> None:
        held = [
            self.leases.while_held(name, self._work(name), self.stopping) for name in self.names
        ]
        self.tasks = [asyncio.create_task(item) for item in held]
        self.renewing = asyncio.create_task(self.leases.run(self.stopping))

    async def works(self, *names: str) -> None:
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(lambda: self.working == set(names))

    async def stop(self) -> None:
        self.stopping.set()
        await asyncio.gather(*self.tasks, self.renewing)

    def die(self) -> None:
        """Renew nothing any more and give nothing back, as after kill -9."""
        self.renewing.cancel()

    def _work(self, name: str) -> Work:
        async def work(ending: asyncio.Event) -> None:
            await self._note(self.working | {name})
            await ending.wait()
            await self._note(self.working - {name})

        return work

    async def _note(self, working: set[str]) -> None:
        async with self._changed:
            self.working = working
            self._changed.notify_all()


Starting = Callable[..., AbstractAsyncContextManager[Process]]


@asynccontextmanager
async def process_at(
    url: str, options: LeaseOptions, names: tuple[str, ...] = (MAILBOX,)
) -> AsyncIterator[Process]:
    engine = create_writer_engine(url, SCHEMA, pool_size=1)
    process = Process(Leases(engine, "replica", options), names)
    process.start()
    try:
        yield process
    finally:
        process.stopping.set()
        await asyncio.gather(*process.tasks, process.renewing, return_exceptions=True)
        await engine.dispose()


@pytest.fixture
def url(database_url: str) -> str:
    migrate(MIGRATIONS, database_url, SCHEMA)
    return database_url


@pytest.fixture
async def watcher(url: str) -> AsyncIterator[AsyncEngine]:
    """Connections that no replica waits for."""
    engine = create_writer_engine(url, SCHEMA, pool_size=1)
    yield engine
    await engine.dispose()


async def ends(engine: AsyncEngine) -> dict[str, datetime]:
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT name, ends_at FROM lease"))
        return {row.name: row.ends_at for row in rows}


async def owners(engine: AsyncEngine) -> dict[str, str]:
    async with engine.connect() as connection:
        rows = await connection.execute(text("SELECT name, owner FROM lease"))
        return {row.name: row.owner for row in rows}


async def test_one_replica_works_and_the_other_waits(url: str) -> None:
    async with process_at(url, FOR_EVER) as first:
        await first.works(MAILBOX)
        async with process_at(url, FOR_EVER) as second:
            for _ in range(3):
                await second.leases._renew()
            assert second.working == set()
            assert first.working == {MAILBOX}
            assert (first.leases.complaint(), second.leases.complaint()) == (None, None)


async def test_who_stops_gives_its_work_away_at_once(url: str) -> None:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(process_at(url, FOR_EVER))
        await first.works(MAILBOX)
        second = await stack.enter_async_context(process_at(url, FOR_EVER))
        await first.stop()
        await second.works(MAILBOX)
        assert first.working == set()


async def test_the_work_of_a_dead_replica_is_taken_over_when_its_term_ends(url: str) -> None:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(process_at(url, QUICK))
        await first.works(MAILBOX)
        second = await stack.enter_async_context(process_at(url, QUICK))
        first.die()
        await second.works(MAILBOX)


async def test_a_holder_moves_the_end_of_its_term_on(url: str, watcher: AsyncEngine) -> None:
    async with process_at(url, FOR_EVER) as holder:
        await holder.works(MAILBOX)
        (before,) = (await ends(watcher)).values()
        async with asyncio.timeout(PATIENCE):
            while (await ends(watcher))[MAILBOX] <= before:  # noqa: ASYNC110 - told by the database alone
                await asyncio.sleep(0.02)
        assert holder.working == {MAILBOX}


async def test_two_that_start_at_once_share_no_work(url: str, watcher: AsyncEngine) -> None:
    names = tuple(f"imap/{number}" for number in range(20))
    async with AsyncExitStack() as stack:
        replicas = [
            await stack.enter_async_context(process_at(url, FOR_EVER, order))
            for order in (names, names[::-1])
        ]
        async with asyncio.timeout(PATIENCE):
            while sum(len(replica.working) for replica in replicas) < len(names):  # noqa: ASYNC110 - two replicas have no common event
                await asyncio.sleep(0.02)
        assert not replicas[0].working & replicas[1].working
        owned = await owners(watcher)
        for replica in replicas:
            ours = {name for name, owner in owned.items() if owner == replica.leases.owner}
            assert ours == replica.working


async def test_without_postgres_the_holder_stops_before_another_could_begin(
    own_postgres: PostgresServer,
) -> None:
    url = own_postgres.address.url()
    await asyncio.to_thread(migrate, MIGRATIONS, url, SCHEMA)
    async with process_at(url, QUICK) as holder:
        await holder.works(MAILBOX)
        await asyncio.to_thread(own_postgres.stop)
        await holder.works()
        assert "database" in (holder.leases.complaint() or "")
        await asyncio.to_thread(own_postgres.start)
        await holder.works(MAILBOX)
        assert holder.leases.complaint() is None


async def test_what_the_work_raises_comes_out_and_the_lease_is_given_back(
    watcher: AsyncEngine,
) -> None:
    leases, stopping = Leases(watcher, "replica", FOR_EVER), asyncio.Event()
    renewing = asyncio.create_task(leases.run(stopping))

    async def fail(_ending: asyncio.Event) -> None:
        raise RuntimeError("out of order")

    with pytest.raises(RuntimeError, match="out of order"):
        await leases.while_held(MAILBOX, fail, stopping)
    assert await owners(watcher) == {}
    stopping.set()
    await renewing


async def test_a_process_asks_for_a_name_once(url: str) -> None:
    async with process_at(url, FOR_EVER) as process:
        await process.works(MAILBOX)
        with pytest.raises(ValueError, match="twice"):
            await process.leases.while_held(MAILBOX, process._work(MAILBOX), process.stopping)
