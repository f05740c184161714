"""How long a partition is handled by nobody when replicas come and go, under steady traffic."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer
from msgspec import Struct

from bench.figures import Figure
from bench.ground import Ground, new_ground
from bench.handled import Gaps, watch
from bench.traffic import CUSTOMERS, make_topics, messages
from common.core.topics import MESSAGES
from local_stack.report import Report
from local_stack.services import ServiceProcess
from local_stack.stack import Stack

PER_SECOND = 240  # 20 in each partition
MOST = 100_000  # messages: more than are sent while anything is measured
STEADY_SECONDS = 3.0
SETTLED_SECONDS = 3.0  # after whoever comes is ready, or whoever goes has gone
NOTICE_SECONDS = 3.0  # after a session has ended
PATIENCE_SECONDS = 60.0
SESSION_SECONDS = 6.0


class Pauses(Struct, frozen=True):
    """The longest time in which no record of some partition was handled, in seconds, by what happened."""

    steady: float
    added: float
    drained: float
    killed: float
    restarted: float


def measure(stack: Stack, report: Report, session_seconds: float = SESSION_SECONDS) -> list[Figure]:
    """Measure two routers on a stack whose servers run with their schemas, and whose services do not."""
    settings = {"MADOGUCHI_SESSION_TIMEOUT_SECONDS": str(session_seconds)}
    ground = new_ground(stack, report, "router", "router-pauses", settings)
    asyncio.run(make_topics(ground.bootstrap, ground.prefix))
    with ground.serving(2, report) as replicas:
        pauses = asyncio.run(_pauses(ground, replicas, report, session_seconds))
    return figures(pauses, session_seconds)


def figures(pauses: Pauses, session_seconds: float) -> list[Figure]:
    """Return a figure for each kind of change."""
    session = f"MADOGUCHI_SESSION_TIMEOUT_SECONDS={session_seconds:g} decides"
    notes = {
        "added": "a third router begins beside two",
        "drained": "one of three is told to end (SIGTERM)",
        "killed": f"one of two is killed (SIGKILL); {session}",
        "restarted": f"the same, and it begins again at once; {session}",
    }
    steady = f"{pauses.steady:.2f} s while nothing happens"
    return [
        Figure(f"rebalance_pause_s_{what}", getattr(pauses, what), "s", note=f"{note}; {steady}")
        for what, note in notes.items()
    ]


class _Watched:
    """Replicas under traffic, and what is seen of them meanwhile."""

    def __init__(self, gaps: Gaps, report: Report) -> None:
        self._gaps = gaps
        self._report = report

    async def pause(self, what: str, act: Callable[[], object], settle: float) -> float:
        """Have something happen; return the longest gap from then until all goes on.

        All goes on when every partition has moved `settle` seconds after it has happened.
        """
        loop = asyncio.get_running_loop()
        self._gaps.begin(loop.time())
        await asyncio.to_thread(act)
        settled = loop.time() + settle
        async with asyncio.timeout(settle + PATIENCE_SECONDS):
            while not self._gaps.all_moved_since(settled):  # noqa: ASYNC110 - it lies in Postgres
                await asyncio.sleep(0.05)
        self._report.say("bench", f"{what}: {self._gaps.longest:.2f} s")
        return self._gaps.longest


async def _pauses(
    ground: Ground, replicas: list[ServiceProcess], report: Report, session_seconds: float
) -> Pauses:
    third = ground.replica("router-2")
    victim = replicas[0]
    noticed = session_seconds + NOTICE_SECONDS
    async with _under_traffic(ground) as gaps:
        watched = _Watched(gaps, report)
        await watched.pause("warm", lambda: None, STEADY_SECONDS)
        try:
            steady = await watched.pause("steady", lambda: None, STEADY_SECONDS)
            added = await watched.pause("added", lambda: _begin(third), SETTLED_SECONDS)
            drained = await watched.pause("drained", third.stop, SETTLED_SECONDS)
        finally:
            third.kill()
        killed = await watched.pause("killed", victim.kill, noticed)
        await watched.pause("back", lambda: _begin(victim), SETTLED_SECONDS)
        restarted = await watched.pause("restarted", lambda: _crash(victim), noticed)
    return Pauses(steady, added, drained, killed, restarted)


def _begin(replica: ServiceProcess) -> None:
    replica.start()
    replica.wait_until_ready()


def _crash(replica: ServiceProcess) -> None:
    replica.kill()
    _begin(replica)


@asynccontextmanager
async def _under_traffic(ground: Ground) -> AsyncIterator[Gaps]:
    """Send and watch in the block."""
    database = await ground.database()
    gaps = Gaps(range(MESSAGES.partitions), asyncio.get_running_loop().time())
    try:
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(_send(ground))
            watching = tasks.create_task(watch(gaps, database, ground.group, ground.topic))
            yield gaps
            sending.cancel()
            watching.cancel()
    finally:
        await database.close()


async def _send(ground: Ground) -> None:
    """Send at a steady pace to every partition in turn, each customer to one of them, as keys would."""
    producer = AIOKafkaProducer(bootstrap_servers=ground.bootstrap, acks="all")
    await producer.start()
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        for number, item in enumerate(messages(MOST)):
            await asyncio.sleep(max(0.0, began + number / PER_SECOND - loop.time()))
            await producer.send(
                ground.topic,
                item.value,
                key=item.key,
                headers=list(item.headers),
                partition=number % CUSTOMERS % MESSAGES.partitions,
            )
    finally:
        await producer.stop()
