"""Live feeds of offers: server-sent events for thousands of agents' tools at once.

One listener a process hears whose offers changed, and one query fetches the changes of everybody
who is connected. A stream that its reader does not empty is ended: he comes back with the id of the
last event that he has seen, and misses nothing. While it is open, a stream is its agent's heartbeat.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.edges.clock import Clock
from common.edges.database import done_unless_passing
from common.edges.streaming import Stream, Streams, event
from common.edges.waiting import work_until
from router.edges.agents_store import touch
from router.edges.offers_questions import (
    MOST,
    AgentKey,
    Shown,
    changed,
    standing,
    versions,
)
from router.edges.signals import Dirty, Listener, News

logger = structlog.get_logger()

LOOK_SECONDS = 0.25
RETRY_SECONDS = 0.5


class Feed(Stream):
    """One open stream. `after` is the agent's version up to which it was told everything."""

    def __init__(self, key: AgentKey, resumes_after: int | None) -> None:
        super().__init__()
        self.key = key
        self.resumes_after = resumes_after
        self.after = 0
        self.begun = False

    def tell(self, part: bytes) -> None:
        """Add to what is sent; a reader who is too slow for that is let go."""
        if not self.put(part):
            logger.info("slow reader of offers", agent=self.key[1])
            self.forget()
            self.end()


class OffersHub:
    """Brings the changes of offers to the open streams; a component.

    It ends the streams as soon as the process drains, else they would keep it from stopping.
    """

    name = "offers feed"

    def __init__(
        self,
        engine: AsyncEngine,
        news: Listener,
        streams: Streams,
        clock: Clock,
        heartbeat: Callable[[], timedelta],
        draining: Callable[[], bool],
    ) -> None:
        self._engine = engine
        self._news = news
        self._streams = streams
        self._clock = clock
        self._heartbeat = heartbeat
        self._draining = draining
        self._feeds: defaultdict[AgentKey, set[Feed]] = defaultdict(set)

    def require_room(self) -> None:
        """Raise HTTPException (503) where too many streams are open."""
        self._streams.require_room()

    @contextmanager
    def opened(self, tenant: str, agent: str, after: int | None) -> Iterator[Feed]:
        """Yield a feed of an agent's offers: what changed after a version, or what stands now."""
        feed = Feed((tenant, agent), after)
        self._feeds[feed.key].add(feed)
        self._news.add(News(tenant, agents=(agent,)))
        try:
            with self._streams.counted(feed):
                yield feed
        finally:
            self._feeds[feed.key].discard(feed)
            if not self._feeds[feed.key]:
                del self._feeds[feed.key]

    async def run(self, stopping: asyncio.Event) -> None:
        """Deliver until `stopping` is set."""
        await work_until(stopping, self._news.run(stopping), self._deliver(), self._beat())
        self._streams.end()

    async def _deliver(self) -> None:
        while True:
            dirty = await self._news.next(LOOK_SECONDS)
            if self._draining():
                self._streams.end()
            feeds = list(self._of(dirty))
            if not await done_unless_passing("offers", self.deliver(feeds)):
                self._news.look_at_everything()
                await asyncio.sleep(RETRY_SECONDS)

    async def deliver(self, feeds: Iterable[Feed]) -> None:
        """Bring these streams up to now."""
        behind = list(feeds)
        if not behind:
            return
        async with self._engine.connect() as connection:
            await _begin(connection, [feed for feed in behind if not feed.begun])
            oldest: dict[AgentKey, int] = {}
            for feed in behind:
                oldest[feed.key] = min(feed.after, oldest.get(feed.key, feed.after))
            found = _by_key(await changed(connection, list(oldest.items())))
        for feed in behind:
            _go_on(feed, found[feed.key])
        for key, shown in found.items():
            if len(shown) == MOST:
                self._news.add(News(key[0], agents=(key[1],)))

    async def _beat(self) -> None:
        """Note now and then that whoever is connected is there."""
        while True:
            await asyncio.sleep(self._heartbeat().total_seconds() / 3)
            if not self._feeds:
                continue
            await done_unless_passing("heartbeats", self._touch())

    async def _touch(self) -> None:
        async with self._engine.begin() as connection:
            await touch(connection, list(self._feeds), self._clock())

    def _of(self, dirty: Dirty) -> Iterator[Feed]:
        if dirty.everything:
            keys = list(self._feeds)
        else:
            keys = [(tenant, agent) for tenant, named in dirty.agents.items() for agent in named]
        for key in keys:
            yield from self._feeds.get(key, ())


async def _begin(connection: AsyncConnection, opening: list[Feed]) -> None:
    """Let each go on where its reader was, or begin with what stands now and the id to go on from.

    A version that the agent has not reached is not from here: that reader begins anew.
    """
    if not opening:
        return
    keys = list({feed.key for feed in opening})
    known = await versions(connection, keys)
    made = _by_key(await standing(connection, keys))
    for feed in opening:
        version, resumes = known.get(feed.key, 0), feed.resumes_after
        feed.begun = True
        if resumes is not None and resumes <= version:
            feed.after = resumes
            continue
        _go_on(feed, made[feed.key])
        feed.after = max(feed.after, version)
        feed.tell(b"id: %d\n\n" % feed.after)


def _go_on(feed: Feed, found: list[Shown]) -> None:
    for shown in found:
        if shown.offer.version > feed.after:
            feed.tell(_event(shown))
            feed.after = shown.offer.version


def _by_key(found: Iterable[Shown]) -> defaultdict[AgentKey, list[Shown]]:
    by_key: defaultdict[AgentKey, list[Shown]] = defaultdict(list)
    for shown in found:
        by_key[shown.key].append(shown)
    return by_key


def _event(shown: Shown) -> bytes:
    return event("offer", shown.offer.model_dump_json().encode(), shown.offer.version)
