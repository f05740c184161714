"""The benchmark of replicas holds processes back, and sees who does not get on."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from aiokafka import TopicPartition

from bench.cpu_share import PREFIX, NoCpuSharesError, hierarchy_of, limited
from bench.handled import Gaps, offsets, watch
from common.edges.database import create_writer_engine
from common.edges.offsets import advance, claim
from local_stack.processes import PROC, identify
from local_stack.waiting import wait_for
from router.wiring import MIGRATIONS, SERVICE

SHARE = 0.1
PERIODS = 25
TICKS_A_SECOND = 100  # of /proc/<pid>/stat, on every Linux


@pytest.fixture
def busy() -> Iterator[int]:
    """Return the pid of a process that never rests."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        yield process.pid
        process.kill()


def seconds_used(pid: int) -> float:
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def test_a_process_gets_no_more_than_its_share_and_is_free_afterwards(busy: int) -> None:
    loop = asyncio.new_event_loop()
    try:
        with limited(busy, SHARE) as share:
            began, used = loop.time(), seconds_used(busy)
            # On a machine that is busier than that nobody is held back, and the law holds by itself.
            wait_for(lambda: share.held_back() > PERIODS, 10)
            used, lasted = seconds_used(busy) - used, loop.time() - began
    except NoCpuSharesError as error:
        pytest.skip(f"no cgroups here: {error}")
    finally:
        loop.close()
    # The clock of /proc ticks a hundred times a second, and the last period may be begun.
    assert used < SHARE * lasted + 0.05
    root = hierarchy_of(Path("/proc/self/mounts").read_text()).root
    assert identify(busy)
    assert not (root / f"{PREFIX}{busy}").exists()


@pytest.fixture
def router_database(make_database: Callable[[Path, str], str]) -> str:
    return make_database(MIGRATIONS, SERVICE)


async def test_a_partition_that_stands_still_is_seen_beside_one_that_moves(
    router_database: str,
) -> None:
    engine = create_writer_engine(router_database, SERVICE)
    database = await asyncpg.connect(router_database, server_settings={"search_path": SERVICE})
    moving, still = (TopicPartition("messages.v1", number) for number in (0, 1))
    async with engine.begin() as connection:
        claims = await claim(connection, "router", [moving, still])
    loop = asyncio.get_running_loop()
    of_both, of_one = Gaps([0, 1], loop.time()), Gaps([0], loop.time())
    for gaps in (of_both, of_one):
        gaps.saw(await offsets(database, "router", "messages.v1"), loop.time())
    began = loop.time()
    async with engine.begin() as connection:
        await advance(connection, "router", claims, {moving: 7})
    watching = asyncio.create_task(watch(of_one, database, "router", "messages.v1"))
    async with asyncio.timeout(10):
        while not of_one.all_moved_since(began):  # noqa: ASYNC110 - it lies in Postgres
            await asyncio.sleep(0.01)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    of_both.saw(await offsets(database, "router", "messages.v1"), loop.time())
    assert not of_both.all_moved_since(began)
    assert of_both.longest > of_one.longest
    await database.close()
    await engine.dispose()
