"""The ticker: what time alone changes happens when its time has come.

Every replica runs one; together they do what one would, since a row that one has locked is skipped
by the others. A batch is one transaction. Whoever dies in it has done nothing, and it is still due.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.core.work import Presence
from common.edges.clock import Clock
from common.edges.database import done_unless_passing
from common.edges.outbox import enqueue
from common.edges.waiting import pause
from router.core.agents import Agent
from router.core.facts import Case, CaseState, Rosters
from router.core.policy import Policy
from router.core.steps import Change
from router.core.telling import of_agent
from router.core.waking import (
    Standing,
    agent_wake_of,
    asleep,
    is_news,
    let_go,
    vanished,
    winds_up_no_more,
    woken,
)
from router.edges.agents_store import journal
from router.edges.due import due_agents, due_cases, ids_of, next_wake, put_to_sleep, unlocked
from router.edges.signals import news_of, tell
from router.edges.surveys import ask_due
from router.edges.sweep import Sweep
from router.edges.work import AgentKey, locked_agents, offers, save_agents, save_changes

logger = structlog.get_logger()

AT_ONCE = 200  # rows in a batch: nobody else waits long for one of them
LOOK_SECONDS = 1.0  # what others put to sleep for less is seen this late at most
LEAST_SECONDS = 0.02  # what is due is locked by somebody
RETRY_SECONDS = 0.5
LEFT_OVER = timedelta(seconds=1)  # after which an agent's locked cases are looked at again


class Ticker:
    """Wakes what is due, as a component, until told to stop."""

    name = "ticker"

    def __init__(
        self,
        engine: AsyncEngine,
        settle: Callable[[AsyncConnection], Awaitable[None]],
        policy: Callable[[], Policy],
        rosters: Rosters,
        clock: Clock,
        after_commit: Callable[[], None],
    ) -> None:
        """`settle` sees to it that the policy and the rosters are known; it is called often."""
        self._engine = engine
        self._settle = settle
        self._policy = policy
        self._rosters = rosters
        self._clock = clock
        self._after_commit = after_commit
        self._sweep = Sweep(engine)

    async def run(self, stopping: asyncio.Event) -> None:
        """Tick while something is due, then sleep until something is."""
        while not stopping.is_set():
            if not await done_unless_passing(self.name, self._tick_once(stopping)):
                await pause(stopping, RETRY_SECONDS)

    async def _tick_once(self, stopping: asyncio.Event) -> None:
        async with self._engine.begin() as connection:
            await self._settle(connection)
        if not await self.tick():
            await pause(stopping, await self._idle_seconds())

    async def tick(self) -> bool:
        """Do one batch of agents, of cases, of questions and for changed rules; return whether there may be more."""
        policy, now = self._policy(), self._clock()
        more = (
            await self._wake_agents(policy, now),
            await self._wake_cases(policy, now),
            await self._ask(policy, now),
            await self._sweep.go_on(policy, now),
        )
        return any(more)

    async def _wake_cases(self, policy: Policy, now: datetime) -> bool:
        async with self._engine.begin() as connection:
            cases = await due_cases(connection, now, AT_ONCE)
            changes = await _steps(connection, cases, policy, self._rosters, now)
            await save_changes(connection, changes, policy, now)
            after = {case.case_id: case for case in cases}
            after |= {change.case.case_id: change.case for change in changes}
            same = [case for case in cases if after[case.case_id] is case]
            await put_to_sleep(
                connection, [asleep(case, policy, now, looked=True) for case in same]
            )
            waiting = [
                after[case.case_id] for case in cases if is_news(case, after[case.case_id], now)
            ]
            freed = [change.agent for change in changes if change.agent]
            await tell(connection, news_of(waiting, freed))
        if changes:
            self._after_commit()
        return len(cases) == AT_ONCE

    async def _ask(self, policy: Policy, now: datetime) -> bool:
        """Ask what customers are to be asked by now; planned questions are found by looking."""
        async with self._engine.begin() as connection:
            due = await ask_due(connection, policy, now)
        if due:
            self._after_commit()
        return due == AT_ONCE

    async def _wake_agents(self, policy: Policy, now: datetime) -> bool:
        """Let agents go who gave no sign; whose cases are locked is looked at again soon."""
        async with self._engine.begin() as connection:
            due = await due_agents(connection, now, AT_ONCE)
            agents = {(agent.tenant, agent.agent): agent for agent in due}
            left = await _leave(connection, agents, policy, now)
            changes = await _let_go(connection, agents, policy, now)
            await save_agents(connection, list(agents.values()))
            waiting = [change.case for change in changes]
            await tell(
                connection, news_of(waiting, [one for one in due if winds_up_no_more(one, now)])
            )
            for tenant in sorted({agent.tenant for agent in left}):
                gone = [agent for agent in left if agent.tenant == tenant]
                await journal(connection, gone, now)
        if left or changes:
            self._after_commit()
        return len(due) == AT_ONCE

    async def _idle_seconds(self) -> float:
        async with self._engine.connect() as connection:
            moment = await next_wake(connection)
        if moment is None:
            return LOOK_SECONDS
        seconds = (moment - self._clock()).total_seconds()
        return min(max(seconds, LEAST_SECONDS), LOOK_SECONDS)


async def _steps(
    connection: AsyncConnection,
    cases: Sequence[Case],
    policy: Policy,
    rosters: Rosters,
    now: datetime,
) -> list[Change]:
    """Return what is due of locked cases; the agents of expired offers are locked, too."""
    expired = [case for case in cases if case.offered_until and case.offered_until <= now]
    agents: dict[AgentKey, Agent] = {}
    made = await offers(connection, [case.offer for case in expired if case.offer])
    if expired:
        agents = await locked_agents(connection, {_agent_key(case) for case in expired})
    changes: list[Change] = []
    for case in cases:
        key = _agent_key(case)
        offer = made.get(case.offer) if case.offer else None
        standing = Standing(case=case, agent=agents.get(key), offer=offer)
        steps = woken(standing, policy, rosters(case.tenant), now)
        for step in steps:
            if step.agent:
                agents[key] = step.agent
        changes += steps
    return changes


async def _leave(
    connection: AsyncConnection, agents: dict[AgentKey, Agent], policy: Policy, now: datetime
) -> list[Agent]:
    """Let those go offline of whom there was no sign, in `agents` too; return them."""
    steps = [step for agent in agents.values() if (step := vanished(agent, policy, now))]
    agents |= {(agent.tenant, agent.agent): agent for agent, _ in steps}
    await enqueue(connection, [of_agent(agent, event, now) for agent, event in steps])
    return [agent for agent, _ in steps]


async def _let_go(
    connection: AsyncConnection, agents: dict[AgentKey, Agent], policy: Policy, now: datetime
) -> list[Change]:
    """Take from those offline what they must not keep; leave in `agents` how they sleep on."""
    gone = [key for key, agent in agents.items() if agent.presence is Presence.OFFLINE]
    ids = await ids_of(connection, gone) if gone else []
    cases = await unlocked(connection, ids) if ids else []
    made = await offers(connection, [case.offer for case in cases if case.offer])
    all_locked = len(cases) == len(ids)
    changes: list[Change] = []
    for key, agent in agents.items():
        his = [case for case in cases if _agent_key(case) == key]
        offered = [
            (case, made[case.offer])
            for case in his
            if case.state is CaseState.OFFERED and case.offer in made
        ]
        accepted = [case for case in his if case.state is CaseState.ASSIGNED]
        steps = let_go(agent, offered, accepted, policy, now)
        changes += steps
        after = (steps[-1].agent if steps else None) or agent
        agents[key] = _asleep(after, policy, now, all_locked=all_locked)
    await save_changes(connection, changes, policy, now)
    return changes


def _asleep(agent: Agent, policy: Policy, now: datetime, *, all_locked: bool) -> Agent:
    """Return an agent asleep, for a short time where somebody else had cases of his locked."""
    wake_at = agent_wake_of(agent, policy, now)
    if not all_locked and agent.used:
        return replace(agent, wake_at=now + LEFT_OVER)
    return replace(agent, wake_at=wake_at if wake_at is None or wake_at > now else None)


def _agent_key(case: Case) -> AgentKey:
    return case.tenant, case.agent or ""
