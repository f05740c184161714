"""The matcher: offers what waits to whoever is free, as soon as either has news.

Every replica runs one. A round is one transaction: it locks its shard, reads, matches on a board,
locks what was matched if it is still as it was read, and writes the offers. What was not, and what
another replica was just matching, is looked at again at once.
"""

import asyncio
from collections import Counter
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from datetime import datetime

import structlog
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.edges import metrics
from common.edges.clock import Clock
from common.edges.database import done_unless_passing
from common.edges.waiting import pause
from router.core.agents import Agent
from router.core.assignment import Board, Lane, Match, is_choosy, unbroken
from router.core.offers import HeldOut, hold_out
from router.core.policy import Policy
from router.edges import candidates
from router.edges.candidates import Head
from router.edges.shards import by_shard, try_lock
from router.edges.signals import Dirty, Listener, News
from router.edges.work import both, save_offers

logger = structlog.get_logger()

RETRY_SECONDS = 0.5
BUSY_SECONDS = 0.01  # another replica matches in the shard, or somebody works on what was matched
ATTEMPTS = 3
AT_ONCE = 2000  # agents or queues in a round
LEAST_DEPTH = 2  # cases read of a lane
DEEPER = 8  # times as many where the first were too few


Heads = Mapping[Lane, Sequence[Head]]


class _Found(Struct, frozen=True):
    """What can be matched, and whether more could be of what was not looked at."""

    matches: list[Match[Head]]
    has_more: bool


class _Tried(Struct, frozen=True):
    """The offers of a round. `disturbed` where somebody changed what was matched meanwhile."""

    made: list[HeldOut]
    now: datetime
    disturbed: bool
    more: bool


_NOTHING = _Found([], has_more=False)


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
                alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
                shards = await by_shard(alone, news)
            for shard, part in shards.items():
                with metrics.match_round_seconds.time():
                    is_done = await self._match(shard, part)
                if not is_done:
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
        first. What stays locked is left for the next round, and with it what waits behind it.
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
            await save_offers(connection, tried.made, tried.now)
        if tried.made:
            self._after_commit()
        return not tried.disturbed and not tried.more

    async def _try(self, connection: AsyncConnection, news: News) -> _Tried:
        now, policy = self._clock(), self._policy()
        found = await _matched(connection, news, now)
        made = await _held_out(connection, found.matches, policy, now)
        disturbed = len(made) < len(found.matches)
        return _Tried(made, now, disturbed, more=found.has_more)


async def _matched(connection: AsyncConnection, news: News, now: datetime) -> _Found:
    """Return what can be matched because of the news.

    Whoever has news may take what waits in any queue of his; what waits anew may go to anybody
    who is able. Everything else had its chance in an earlier round. Where a lane's first cases
    are all matched, or for others, it is read further.
    """
    tenant = news.tenant
    agents = await candidates.named(connection, tenant, news.agents)
    theirs = {queue for agent in agents for queue in agent.queues}
    fresh = await candidates.staffed(connection, tenant, news.queues)
    lanes = await candidates.lanes(connection, tenant, theirs | fresh)
    awaited = [lane for lane in lanes if lane.queue in fresh]
    able = await candidates.able(connection, tenant, awaited, AT_ONCE)
    free = {one.agent: one for one in (*able, *agents)}
    board: Board[Head] = Board(free.values())
    lanes = {lane: name for lane, name in lanes.items() if board.is_for_somebody(lane)}
    depth = _depth(free.values(), len(lanes))
    while lanes:
        heads = await candidates.heads(connection, tenant, lanes, depth)
        known = await _who_knows(connection, tenant, heads, free.keys())
        _fill(board, known, heads)
        matches = board.assign(now)
        is_used_up = _is_used_up(heads, depth, matches, now)
        if not is_used_up or (matches and sum(map(len, heads.values())) >= AT_ONCE):
            everybody = (*free.values(), *known)
            return _Found(matches, has_more=is_used_up and _has_room(everybody, matches))
        depth *= DEEPER
        board = Board(free.values())
    return _NOTHING


def _fill(board: Board[Head], agents: Iterable[Agent], heads: Heads) -> None:
    for agent in agents:
        board.put_agent(agent)
    for lane, cases in heads.items():
        board.put_lane(lane, cases)


async def _held_out(
    connection: AsyncConnection, matches: Sequence[Match[Head]], policy: Policy, now: datetime
) -> list[HeldOut]:
    """Return the offers of those matches whose case and agent are still as they were read."""
    if not matches:
        return []
    agents = {match.agent.agent: match.agent for match in reversed(matches)}  # before the first
    cases = (match.case for match in matches)
    locking = candidates.still_as_read(connection, matches[0].case.tenant, cases, agents.values())
    still, made = await both(locking, lambda: _made(matches, agents, policy, now))
    kept = unbroken(
        matches,
        lambda match: match.case.case_id in still.cases and match.agent.agent in still.agents,
    )
    return made if len(kept) == len(matches) else _made(kept, agents, policy, now)


def _made(
    matches: Iterable[Match[Head]], agents: Mapping[str, Agent], policy: Policy, now: datetime
) -> list[HeldOut]:
    """Return the offers of matches, each agent with those before.

    `agents` are as they were read: of an agent's matches the first may be left out.
    """
    standing = dict(agents)
    made: list[HeldOut] = []
    for match in matches:
        name = match.agent.agent
        reason = policy.say.offer_because[match.why]
        held_out = hold_out(match.case, standing[name], policy.terms, now, reason)
        standing[name] = held_out.agent
        made.append(held_out)
    return made


async def _everything(connection: AsyncConnection, tenant: str) -> AsyncIterator[News]:
    """Yield all that could match: by what waits or by who is free, whichever is less."""
    free = await candidates.free_agents(connection, tenant, "", AT_ONCE)
    if not free:
        return
    queues = await candidates.waiting_queues(connection, tenant, len(free))
    if len(queues) < len(free):
        yield News(tenant, queues=tuple(queues))
        return
    while free and queues:
        yield News(tenant, agents=tuple(free))
        free = await candidates.free_agents(connection, tenant, free[-1], AT_ONCE)


def _depth(agents: Collection[Agent], lanes: int) -> int:
    """Return how many cases of a lane to read: about what the agents can take, and never all."""
    room = sum(agent.capacity - agent.load() for agent in agents)
    return min(max(LEAST_DEPTH, room // max(1, lanes)), AT_ONCE)


def _is_used_up(heads: Heads, depth: int, matches: Iterable[Match[Head]], now: datetime) -> bool:
    """Whether some lane was read only so far that nothing in it waits for whoever is free.

    More may wait behind what was matched, and behind what is for others.
    """
    taken = {match.case.case_id for match in matches}
    return any(
        len(cases) >= depth and all(case.case_id in taken or is_choosy(case, now) for case in cases)
        for cases in heads.values()
    )


def _has_room(agents: Iterable[Agent], matches: Iterable[Match[Head]]) -> bool:
    """Whether somebody takes more than what he was matched with."""
    given: Counter[str] = Counter()
    for match in matches:
        given[match.agent.agent] += match.case.units
    return any(agent.capacity - agent.load() > given[agent.agent] for agent in agents)


async def _who_knows(
    connection: AsyncConnection, tenant: str, heads: Heads, known: Collection[str]
) -> list[Agent]:
    """Return whoever knows a customer, besides those who are known already, there or not."""
    wanted = {head.preferred for cases in heads.values() for head in cases if head.preferred}
    return await candidates.known(connection, tenant, wanted.difference(known))
