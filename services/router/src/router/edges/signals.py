"""News between replicas: a case waits, an agent has room. Sent by the transaction that made it so.

Postgres delivers them after the commit to whoever listens. They only make matching quick; what is
missed while a connection is away is found by the next look at everything.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Collection, Iterable

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.edges.database import done_unless_passing
from common.edges.listening import listen
from common.edges.waiting import pause
from router.core.agents import Agent, Offer
from router.core.facts import Case, CaseState

logger = structlog.get_logger()

CHANNEL = "router_news"
OFFERS = "router_offers"  # news of agents whose offers changed, for their tools
MOST_NAMES = 60  # Postgres takes 8,000 bytes a notification
RECONNECT_SECONDS = 1.0

_NOTIFY = text("SELECT pg_notify(:channel, news) FROM unnest(CAST(:news AS text[])) AS news")


class News(Struct, frozen=True):
    """Queues in which something waits anew, and agents who may have room, of one tenant."""

    tenant: str
    queues: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()


def news_of(cases: Iterable[Case], agents: Iterable[Agent | Offer] = ()) -> list[News]:
    """Return where one of the cases waits now, and which agents, or offers' agents, changed."""
    queues: defaultdict[str, set[str]] = defaultdict(set)
    named: defaultdict[str, set[str]] = defaultdict(set)
    for case in cases:
        if case.state is CaseState.WAITING:
            queues[case.tenant].add(case.queue)
    for agent in agents:
        named[agent.tenant].add(agent.agent)
    return [
        News(tenant, tuple(sorted(queues[tenant])), tuple(sorted(named[tenant])))
        for tenant in sorted(queues.keys() | named.keys())
    ]


async def tell(connection: AsyncConnection, news: Iterable[News], channel: str = CHANNEL) -> None:
    """Send news when the caller's transaction commits."""
    parts = [msgspec.json.encode(part).decode() for whole in news for part in _parts(whole)]
    if parts:
        await connection.execute(_NOTIFY, {"channel": channel, "news": parts})


class Dirty(Struct):
    """What has news, by tenant; `everything` after news may have been missed."""

    queues: defaultdict[str, set[str]]
    agents: defaultdict[str, set[str]]
    everything: bool = False


def nothing() -> Dirty:
    """Return no news."""
    return Dirty(defaultdict(set), defaultdict(set))


class Listener:
    """Gathers the news of all replicas for the one who asks `next`; a component."""

    name = "news"

    def __init__(self, engine: AsyncEngine, channel: str = CHANNEL) -> None:
        self._engine = engine
        self._channel = channel
        self._dirty = nothing()
        self._dirty.everything = True
        self._woken = asyncio.Event()

    async def run(self, stopping: asyncio.Event) -> None:
        """Listen until `stopping` is set, connecting again whenever the connection is lost."""
        while not stopping.is_set():
            if not await done_unless_passing(self.name, self._listen(stopping)):
                await pause(stopping, RECONNECT_SECONDS)

    def add(self, news: News) -> None:
        """Take news in."""
        self._dirty.queues[news.tenant].update(news.queues)
        self._dirty.agents[news.tenant].update(news.agents)
        self._woken.set()

    def look_at_everything(self) -> None:
        """Have the next round look at all that waits."""
        self._dirty.everything = True
        self._woken.set()

    async def next(self, seconds: float) -> Dirty:
        """Return what has news since the last call, waiting for some at most so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        self._woken.clear()
        dirty, self._dirty = self._dirty, nothing()
        return dirty

    async def _listen(self, stopping: asyncio.Event) -> None:
        await listen(self._engine, self._channel, self._hear, self.look_at_everything, stopping)

    def _hear(self, told: str) -> None:
        self.add(msgspec.json.decode(told, type=News))


def _parts(news: News) -> Iterable[News]:
    for queues in _chunks(news.queues):
        yield News(news.tenant, queues=queues)
    for agents in _chunks(news.agents):
        yield News(news.tenant, agents=agents)


def _chunks(names: Collection[str]) -> Iterable[tuple[str, ...]]:
    listed = tuple(names)
    for start in range(0, len(listed), MOST_NAMES):
        yield listed[start : start + MOST_NAMES]
