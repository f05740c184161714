"""The matcher: offers what waits to whoever is free, as soon as either has news.

Every replica runs one. A round is one transaction: it locks its shard, reads, matches on a board,
locks what was matched if it is still as it was read, and writes the offers. What was not, and what
another replica was just matching, is looked at again at once.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from datetime import datetime

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.edges.clock import Clock
from common.edges.database import is_passing
from common.edges.waiting import pause
from router.core.agents import Agent
from router.core.assignment import Board, Match, lane_of
from router.core.facts import Case
from router.core.offers import offer
from router.core.policy import Policy
from router.core.steps import Change
from router.edges import candidates
from router.edges.shards import by_shard, try_lock
from router.edges.signals import Dirty, Listener, News
from router.edges.work import save_changes

logger = structlog.get_logger()

RETRY_SECONDS = 0.5
BUSY_SECONDS = 0.01  # another replica matches in the shard
AT_ONCE = 1000  # agents or queues in a round
LEAST_DEPTH = 2  # cases read of a lane


class _Candidates(Struct, frozen=True):
    """Who and what may match; `depth` is how many cases of a lane were read at most."""

    agents: tuple[Agent, ...]
    heads: tuple[Case, ...]
    depth: int


class Matcher:
    """Matches as a component, until told to stop."""

    name = "matcher"

    def __init__(
        self,
        engine: AsyncEngine,
        news: Listener,
        policy: Callable[[], Policy],
        clock: Clock,
        after_commit: Callable[[], None],
        look_seconds: float,
    ) -> None:
        self._engine = engine
        self._news = news
        self._policy = policy
        self._clock = clock
        self._after_commit = after_commit
        self._look_seconds = look_seconds

    async def run(self, stopping: asyncio.Event) -> None:
        """Match whatever has news; look at everything now and then, since news can be missed."""
        loop = asyncio.get_running_loop()
        looked_at = loop.time()
        while not stopping.is_set():
            dirty = await self._news.next(min(1.0, self._look_seconds))
            if dirty.everything or loop.time() - looked_at > self._look_seconds:
                dirty.everything, looked_at = True, loop.time()
            try:
                await self.round(dirty)
            except Exception as error:
                if not is_passing(error):
                    raise
                logger.warning("matching waits for the database", error=repr(error))
                self._news.look_at_everything()
                await pause(stopping, RETRY_SECONDS)

    async def round(self, dirty: Dirty) -> None:
        """Match what has news, a shard at a time; news of a busy shard are kept for the next."""
        for news in [news async for news in self._work(dirty)]:
            async with self._engine.connect() as connection:
                shards = await by_shard(connection, news)
            for shard, part in shards.items():
                if not await self._match(shard, part):
                    self._news.add(part)

    async def _work(self, dirty: Dirty) -> AsyncIterator[News]:
        if not dirty.everything:
            for tenant in dirty.queues.keys() | dirty.agents.keys():
                yield News(tenant, tuple(dirty.queues[tenant]), tuple(dirty.agents[tenant]))
            return
        async with self._engine.connect() as connection:
            for tenant in await candidates.tenants(connection):
                async for news in _everything(connection, tenant):
                    yield news

    async def _match(self, shard: str, news: News) -> bool:
        """Run a round in one shard. Return whether it left nothing to look at again."""
        async with self._engine.begin() as connection:
            if not await try_lock(connection, news.tenant, shard):
                await asyncio.sleep(BUSY_SECONDS)
                return False
            if (await by_shard(connection, news)).keys() != {shard}:
                return False  # two shards have become one meanwhile
            found = await self._candidates(connection, news)
            now = self._clock()
            matches = Board(found.agents, found.heads).assign(now)
            policy = self._policy()
            changes = await self._offers(connection, matches, policy, now)
            await save_changes(connection, changes, policy, now)
        if changes:
            self._after_commit()
        return len(changes) == len(matches) and not _is_used_up(found, matches)

    async def _candidates(self, connection: AsyncConnection, news: News) -> _Candidates:
        """Return what may match because of the news.

        Whoever has news may take what waits in any queue of his; what waits anew may go to anybody
        who is able. Everything else had its chance in an earlier round.
        """
        tenant = news.tenant
        agents = await candidates.named(connection, tenant, news.agents)
        theirs = await candidates.queues_of(connection, tenant, [one.agent for one in agents])
        fresh = await candidates.staffed(connection, tenant, news.queues)
        depth = _depth(agents, theirs)
        heads = await candidates.heads(connection, tenant, theirs | fresh, depth)
        lanes = {
            (case.queue, msgspec.json.encode(case.skills, order="sorted").decode())
            for case in heads
            if case.queue in fresh
        }
        able = await candidates.able(connection, tenant, lanes, AT_ONCE) if lanes else []
        everybody = {one.agent: one for one in (*agents, *able)}
        return _Candidates(tuple(everybody.values()), tuple(heads), depth)

    async def _offers(
        self, connection: AsyncConnection, matches: Sequence[Match], policy: Policy, now: datetime
    ) -> list[Change]:
        """Return the offers of those matches whose case and agent are still as they were read."""
        if not matches:
            return []
        agents: dict[str, Agent] = {}
        for match in matches:
            agents.setdefault(match.agent.agent, match.agent)
        waiting = await candidates.still_waiting(connection, [match.case for match in matches])
        tenant = matches[0].case.tenant
        there = await candidates.still_there(connection, tenant, agents.values())
        changes: list[Change] = []
        for match in matches:
            name = match.agent.agent
            if match.case.case_id in waiting and name in there:
                reason = policy.say.offer_because[match.why]
                change = offer(match.case, agents[name], policy.terms, now, reason)
                agents[name] = change.agent or agents[name]
                changes.append(change)
        return changes


async def _everything(connection: AsyncConnection, tenant: str) -> AsyncIterator[News]:
    """Yield all that could match: by what waits or by who is free, whichever is less."""
    free = await candidates.free_agents(connection, tenant, "", AT_ONCE)
    queues = await candidates.waiting_queues(connection, tenant, AT_ONCE)
    if len(queues) < len(free):
        yield News(tenant, queues=tuple(queues))
        return
    while free and queues:
        yield News(tenant, agents=tuple(free))
        free = await candidates.free_agents(connection, tenant, free[-1], AT_ONCE)


def _depth(agents: Sequence[Agent], queues: Collection[str]) -> int:
    """Return how many cases of a lane to read: about what the agents can take, and never all."""
    room = sum(agent.capacity - agent.load() for agent in agents)
    return min(max(LEAST_DEPTH, room // max(1, len(queues))), AT_ONCE)


def _is_used_up(found: _Candidates, matches: Iterable[Match]) -> bool:
    """Whether some lane was matched as far as it was read, so that more may wait behind."""
    read = Counter(lane_of(case) for case in found.heads)
    taken = Counter(lane_of(match.case) for match in matches)
    return any(read[lane] == count >= found.depth for lane, count in taken.items())
