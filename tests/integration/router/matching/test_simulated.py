"""The live matcher on Postgres and the simulator are one: the same trace, the same assignments."""

import heapq
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.core.work import Presence
from router.core.agents import Agent
from router.core.facts import Case
from router.core.lifecycle import resolve
from router.core.policy import Policy
from router.core.simulation.floor import Floor
from router.core.simulation.people import Answer, Placed, Shift, Work
from router.edges.agents_store import set_presence
from router.edges.answering_offers import accept_offer, decline_offer
from router.edges.cases_store import keep, locked
from router.edges.matcher import Matcher
from router.edges.signals import nothing
from router.edges.work import agent_of

NOW = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SEED, CASES = 7, 60
SKILLS: tuple[dict[str, int], ...] = ({}, {"network": 2}, {"network": 3, "japanese": 3})

Made = tuple[datetime, UUID, str]
Act = Callable[[datetime], Awaitable[None]]

_MADE = text(
    "SELECT offer_id, case_id, agent, made_at FROM offer WHERE state = 'made' "
    "AND NOT offer_id = ANY(CAST(:seen AS uuid[])) ORDER BY made_at, case_id"
)


def trace(a_case: Callable[..., Case]) -> list[Placed]:
    """Return cases of three kinds, of mixed ranks, with what each of them will take."""
    dice = Random(SEED)  # noqa: S311 - repeatable dice, no secret
    placed, at = [], NOW
    for number in range(1, CASES + 1):
        at += MINUTE * dice.expovariate(1)
        rank = at + MINUTE * dice.uniform(-30, 30)
        case = a_case(number, rank=rank, skills=SKILLS[number % 3], queued_at=at, opened_at=at)
        answers = (
            Answer(MINUTE * dice.uniform(0.05, 0.9), accepts=dice.random() < 0.7),
            Answer(MINUTE * dice.uniform(0.05, 0.9), accepts=dice.random() < 0.8),
            Answer(MINUTE * dice.uniform(0.05, 0.9)),
        )
        placed.append(Placed(at, case, Work(MINUTE * dice.expovariate(1 / 4), None, answers)))
    return placed


def moves(agents: list[Agent]) -> list[Shift]:
    """Return who goes away and comes back during the trace."""
    first, second, *_ = agents
    kinds = (
        (8, first, Presence.AWAY),
        (15, second, Presence.OFFLINE),
        (21, first, Presence.ONLINE),
    )
    return [
        Shift(NOW + minutes * MINUTE, replace(agent, presence=presence))
        for minutes, agent, presence in kinds
    ]


class Live:
    """Feeds a trace to the live matcher, one event at a time, each at its own time."""

    def __init__(
        self,
        engine: AsyncEngine,
        policy: Policy,
        matcher_at: Callable[[datetime], Matcher],
        wait: Callable[..., Awaitable[None]],
    ) -> None:
        self.made: list[Made] = []
        self._engine, self._policy, self._matcher_at, self._wait = engine, policy, matcher_at, wait
        self._events: list[tuple[datetime, int, Act]] = []
        self._works: dict[UUID, Work] = {}
        self._offers: dict[UUID, int] = {}
        self._seen: list[UUID] = []
        self._number = 0

    async def run(self, placed: list[Placed], shifts: list[Shift]) -> None:
        for one in placed:
            self._works[one.case.case_id] = one.work
            self._at(one.at, partial(self._arrive, one.case))
        for shift in shifts:
            self._at(shift.at, partial(self._shift, shift.agent))
        while self._events:
            now, _, act = heapq.heappop(self._events)
            await act(now)
            await self._match(now)

    def _at(self, at: datetime, act: Act) -> None:
        self._number += 1
        heapq.heappush(self._events, (at, self._number, act))

    async def _match(self, now: datetime) -> None:
        dirty = nothing()
        dirty.everything = True
        await self._matcher_at(now).round(dirty)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(_MADE, {"seen": self._seen})).all()
        for row in rows:
            self._seen.append(row.offer_id)
            self.made.append((row.made_at, row.case_id, row.agent))
            before = self._offers.get(row.case_id, 0)
            self._offers[row.case_id] = before + 1
            answer = self._works[row.case_id].answer(before)
            act = self._accept if answer.accepts else self._decline
            self._at(now + answer.after, partial(act, row.offer_id, row.case_id))

    async def _arrive(self, case: Case, _: datetime) -> None:
        await self._wait(case)

    async def _shift(self, agent: Agent, now: datetime) -> None:
        async with self._engine.begin() as connection:
            who = (connection, agent.tenant, agent.agent)
            await set_presence(*who, agent.presence, self._policy, now)

    async def _stands(self, offer_id: UUID) -> bool:
        async with self._engine.connect() as connection:
            query = text("SELECT state FROM offer WHERE offer_id = :id")
            return bool((await connection.execute(query, {"id": offer_id})).scalar() == "made")

    async def _accept(self, offer_id: UUID, case_id: UUID, now: datetime) -> None:
        if await self._stands(offer_id):
            async with self._engine.begin() as connection:
                await accept_offer(connection, offer_id, self._policy, now)
            self._at(now + self._works[case_id].handling, partial(self._solve, case_id))

    async def _decline(self, offer_id: UUID, _: UUID, now: datetime) -> None:
        if await self._stands(offer_id):
            async with self._engine.begin() as connection:
                await decline_offer(connection, offer_id, self._policy, now, None)
            for pause in (1, 2, 4):  # the ticker's part: look again when a pause may be over
                self._at(now + pause * self._policy.terms.pause, self._look)

    async def _look(self, _: datetime) -> None:
        """Nothing happens but that time has passed."""

    async def _solve(self, case_id: UUID, now: datetime) -> None:
        async with self._engine.begin() as connection:
            found = await locked(connection, "acme", case_id)
            assert found is not None
            standing = found.standing
            step = resolve(standing.case, standing.agent, self._policy.terms, now, "担当者")
            await keep(connection, [step], self._policy, now)


async def test_the_live_matcher_and_the_simulator_assign_the_same_cases_to_the_same_agents(
    writer: AsyncEngine,
    policy: Policy,
    a_case: Callable[..., Case],
    wait: Callable[..., Awaitable[None]],
    come: Callable[..., Awaitable[None]],
    matcher_on: Callable[..., Matcher],
) -> None:
    skilled = {"network": 4, "japanese": 5}
    await come("hanako", "jiro", skills=skilled, capacity=2)
    await come("saburo", skills={"network": 2})
    await come("shiro", skills=skilled)
    async with writer.connect() as connection:
        rows = await connection.execute(text("SELECT * FROM agent ORDER BY agent"))
        agents = [agent_of(row) for row in rows.mappings()]
    placed, shifts = trace(a_case), moves(agents)

    live = Live(writer, policy, lambda now: matcher_on(writer, now), wait)
    await live.run(placed, shifts)
    start = [Shift(NOW, agent) for agent in agents]
    ledger = Floor(policy).run(placed, [*start, *shifts], NOW + timedelta(days=2))

    simulated = [(one.at, one.case_id, one.agent) for one in ledger.assigned]
    assert sorted(simulated) == sorted(live.made)
    assert len(simulated) > CASES  # some were offered again
    assert all(story.resolved_at is not None for story in ledger.stories)
