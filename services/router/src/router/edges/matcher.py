"""The matcher: offers what waits to whoever is free, as soon as either has news.

Every replica runs one. A round is one transaction: it locks its shard, reads, matches on a board,
locks what was matched if it is still as it was read, and writes the offers. What was not, and what
another replica was just matching, is looked at again at once.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from datetime import datetime

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.edges.clock import Clock
from common.edges.database import done_unless_passing
from common.edges.waiting import pause
from router.core.agents import Agent
from router.core.assignment import Board, Match, is_choosy, lane_of
from router.core.offers import offer
from router.core.policy import Policy
from router.core.steps import Change
from router.edges import candidates
from router.edges.candidates import Head
from router.edges.shards import by_shard, try_lock
from router.edges.signals import Dirty, Listener, News
from router.edges.work import save_offers

logger = structlog.get_logger()

RETRY_SECONDS = 0.5
BUSY_SECONDS = 0.01  # another replica matches in the shard, or somebody works on what was matched
ATTEMPTS = 3
AT_ONCE = 1000  # agents or queues in a round
LEAST_DEPTH = 2  # cases read of a lane
DEEPER = 8  # times as many where the first were too few


class _Candidates(Struct, frozen=True):
    """Who and what may match; `depth` is how many cases of a lane were read at most."""

    agents: tuple[Agent, ...]
    heads: tuple[Head, ...]
    depth: int


class _Tried(Struct, frozen=True):
    """The offers of a round. `disturbed` where somebody changed what was matched meanwhile."""

    changes: list[Change]
    now: datetime
    disturbed: bool
    more: bool


class Matcher:
    """Matches as a component, until told to stop."""

    name = "matcher"

    def __init__(
        self,
        engine: AsyncEngine,
        news: Listener,
        settle: Callable[[AsyncConnection], Awaitable[None]],
        policy: Callable[[], Policy],
        clock: Clock,
        after_commit: Callable[[], None],
        look_seconds: float,
    ) -> None:
        """`settle` sees to it that the policy is known; everything is looked at every `look_seconds`."""
        self._engine = engine
        self._news = news
        self._settle = settle
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
            if not await done_unless_passing(self.name, self._settled_round(dirty)):
                self._news.look_at_everything()
                await pause(stopping, RETRY_SECONDS)

    async def _settled_round(self, dirty: Dirty) -> None:
        async with self._engine.begin() as connection:
            await self._settle(connection)
        await self.round(dirty)

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
        """Run a round in one shard. Return whether it left nothing to look at again.

        Where somebody changes what was matched, all of it is matched again: what he leaves may go
        first. What stays locked is passed over in the end.
        """
        async with self._engine.begin() as connection:
            if not await try_lock(connection, news.tenant, shard):
                await asyncio.sleep(BUSY_SECONDS)
                return False
            if (await by_shard(connection, news)).keys() != {shard}:
                return False  # two shards have become one meanwhile
            tried = await self._try(connection, news)
            for _ in range(1, ATTEMPTS):
                if tried.disturbed:
                    await asyncio.sleep(BUSY_SECONDS)
                    tried = await self._try(connection, news)
            await save_offers(connection, tried.changes, self._policy(), tried.now)
        if tried.changes:
            self._after_commit()
        return not tried.disturbed and not tried.more

    async def _try(self, connection: AsyncConnection, news: News) -> _Tried:
        now = self._clock()
        found, matches = await self._matched(connection, news, now)
        changes = await self._offers(connection, matches, self._policy(), now)
        has_more = _has_room(found.agents, matches) and _is_used_up(found, matches, now)
        more = bool(matches) and has_more
        return _Tried(changes, now, disturbed=len(changes) < len(matches), more=more)

    async def _matched(
        self, connection: AsyncConnection, news: News, now: datetime
    ) -> tuple[_Candidates, list[Match[Head]]]:
        """Return what can be matched because of the news, and out of what.

        Whoever has news may take what waits in any queue of his; what waits anew may go to anybody
        who is able. Everything else had its chance in an earlier round. Where a lane's first cases
        are all matched, or for others, it is read further.
        """
        tenant = news.tenant
        agents = await candidates.named(connection, tenant, news.agents)
        theirs = await candidates.queues_of(connection, tenant, [one.agent for one in agents])
        fresh = await candidates.staffed(connection, tenant, news.queues)
        depth = _depth(agents, theirs)
        while True:
            heads = await candidates.heads(connection, tenant, theirs | fresh, depth)
            everybody = await _who_may(connection, tenant, agents, heads, fresh)
            found = _Candidates(everybody, tuple(heads), depth)
            matches = Board(found.agents, found.heads).assign(now)
            is_enough = matches and len(heads) >= AT_ONCE
            if is_enough or not everybody or not _is_used_up(found, matches, now):
                return found, matches
            depth *= DEEPER

    async def _offers(
        self,
        connection: AsyncConnection,
        matches: Sequence[Match[Head]],
        policy: Policy,
        now: datetime,
    ) -> list[Change]:
        """Return the offers of those matches whose case and agent are still as they were read."""
        if not matches:
            return []
        agents: dict[str, Agent] = {}
        for match in matches:
            agents.setdefault(match.agent.agent, match.agent)
        waiting = await candidates.still_waiting(connection, [match.case for match in matches])
        tenant = matches[0].agent.tenant
        there = await candidates.still_there(connection, tenant, agents.values())
        changes: list[Change] = []
        for match in matches:
            name = match.agent.agent
            case = waiting.get(match.case.case_id)
            if case is not None and name in there:
                reason = policy.say.offer_because[match.why]
                change = offer(case, agents[name], policy.terms, now, reason)
                agents[name] = change.agent or agents[name]
                changes.append(change)
        return changes


async def _everything(connection: AsyncConnection, tenant: str) -> AsyncIterator[News]:
    """Yield all that could match: by what waits or by who is free, whichever is less."""
    free = await candidates.free_agents(connection, tenant, "", AT_ONCE)
    if not free:
        return
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


def _is_used_up(found: _Candidates, matches: Iterable[Match[Head]], now: datetime) -> bool:
    """Whether some lane was read only so far that nothing in it waits for whoever is free.

    More may wait behind what was matched, and behind what is for others.
    """
    taken = {match.case.case_id for match in matches}
    read = Counter(lane_of(head) for head in found.heads)
    stopped = {
        lane_of(head)
        for head in found.heads
        if head.case_id not in taken and not is_choosy(head, now)
    }
    return any(count >= found.depth and lane not in stopped for lane, count in read.items())


def _has_room(agents: Iterable[Agent], matches: Iterable[Match[Head]]) -> bool:
    """Whether somebody takes more than what he was matched with."""
    given: Counter[str] = Counter()
    for match in matches:
        given[match.agent.agent] += match.case.units
    return any(agent.capacity - agent.load() > given[agent.agent] for agent in agents)


async def _who_may(
    connection: AsyncConnection,
    tenant: str,
    agents: Sequence[Agent],
    heads: Sequence[Head],
    fresh: Collection[str],
) -> tuple[Agent, ...]:
    """Return who has news, who is able to take what waits anew, and whoever knows a customer."""
    lanes = {
        (head.queue, msgspec.json.encode(head.skills, order="sorted").decode())
        for head in heads
        if head.queue in fresh
    }
    able = await candidates.able(connection, tenant, lanes, AT_ONCE) if lanes else []
    everybody = {one.agent: one for one in (*able, *agents)}
    wanted = {head.preferred for head in heads if head.preferred} - everybody.keys()
    known = await candidates.known(connection, tenant, wanted) if wanted else []
    return (*everybody.values(), *known)
