"""A clock to turn, tickers that read it, cases that wait and agents who are there."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.core.cloudevents import Record, read
from common.core.events import Channel
from common.core.ids import customer_id
from common.core.work import Presence
from router.core.facts import Case, CaseState, Roster
from router.core.offers import accept, offer
from router.core.policy import Policy
from router.core.presence import Profile
from router.core.waking import asleep
from router.edges import tables
from router.edges.agents_store import register, set_presence
from router.edges.arrays import columns_of, insertion, row_of
from router.edges.signals import Listener, News, tell
from router.edges.ticker import Ticker
from router.edges.work import locked_agents, locked_cases, save_changes

TENANT = "acme"
NOW = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)  # 11:40 in Tokyo, a working day

_JSON = ("participants", "skills", "refusals", "told")
_PLACE = text(insertion(tables.support_case))


class Hand(Struct):
    """A clock that a test turns."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **by: float) -> None:
        """Let time pass."""
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Hand:
    return Hand()


async def settled(connection: AsyncConnection) -> None:
    """Do nothing: the tests' policy is known from the beginning."""
    del connection


@pytest.fixture
def ticker_on(policy: Policy, clock: Hand) -> Callable[..., Ticker]:
    """Return a ticker on an engine, of the clock."""

    def build(
        engine: AsyncEngine,
        rules: Policy = policy,
        rosters: Callable[[str], Roster | None] = lambda _: None,
        after_commit: Callable[[], None] = lambda: None,
    ) -> Ticker:
        return Ticker(engine, settled, lambda: rules, rosters, clock, after_commit)

    return build


@pytest.fixture
async def ticker(writer: AsyncEngine, ticker_on: Callable[..., Ticker]) -> Ticker:
    """A ticker that has swept by the rules already."""
    made = ticker_on(writer)
    while await made.tick():
        pass
    return made


@pytest.fixture
def a_case() -> Callable[..., Case]:
    """A case that waits in the technical queue."""

    def write(number: int = 1, **more: Any) -> Case:
        contact = f"line:main:U{number:010}"
        case = Case(
            case_id=UUID(int=number),
            tenant=TENANT,
            conversation=contact,
            contact=contact,
            participants=(contact,),
            customer=customer_id(TENANT, contact),
            channel=Channel.LINE,
            state=CaseState.WAITING,
            queue="technical",
            plan="default",
            contract=None,
            priority=0,
            skills={},
            rank=NOW + timedelta(hours=8),
            first_response_due=NOW + timedelta(days=300),
            resolution_due=NOW + timedelta(days=300),
            opened_at=NOW,
            decided_by=UUID(int=number),
            queued_at=NOW,
            subject="ルーターがつながりません",
        )
        return replace(case, **more)

    return write


class Floor:
    """What is in Postgres, and what happens there that is not the ticker's doing."""

    def __init__(self, engine: AsyncEngine, policy: Policy, clock: Hand) -> None:
        self._engine = engine
        self._policy = policy
        self._clock = clock

    async def wait(self, *cases: Case) -> None:
        """Let cases be there, asleep."""
        rows = [row_of(asleep(case, self._policy, NOW), _JSON) for case in cases]
        async with self._engine.begin() as connection:
            await connection.execute(_PLACE, columns_of(tables.support_case, rows))

    async def come(self, name: str = "tanaka") -> None:
        """Let an agent be there who answers from the technical queue."""
        profile = Profile(queues=("technical",), skills={"network": 3}, capacity=9)
        now = self._clock()
        async with self._engine.begin() as connection:
            await register(connection, TENANT, name, profile, self._policy, now, "sato")
        async with self._engine.begin() as connection:
            await set_presence(connection, TENANT, name, Presence.ONLINE, self._policy, now)

    async def beat(self) -> None:
        """Let every agent give a sign of life."""
        await self.run("UPDATE agent SET seen_at = :now", now=self._clock())

    async def give(self, case: Case, name: str = "tanaka", *, taken: bool = False) -> None:
        """Offer a case to an agent, who may take it."""
        now = self._clock()
        async with self._engine.begin() as connection:
            found = (await locked_cases(connection, [case.case_id]))[case.case_id]
            agent = (await locked_agents(connection, [(TENANT, name)]))[TENANT, name]
            step = offer(found, agent, self._policy.terms, now, "…")
            changes = [step]
            if taken and step.agent and step.offer:
                changes.append(accept(step.case, step.agent, step.offer, now))
            await save_changes(connection, changes, self._policy, now)

    async def mark(self) -> None:
        """Send news of a tenant of its own: what others sent before comes before."""
        async with self._engine.begin() as connection:
            await tell(connection, [News("mark", queues=("mark",))])

    async def run(self, statement: str, **parameters: Any) -> None:
        """Do something else."""
        async with self._engine.begin() as connection:
            await connection.execute(text(statement), parameters)

    async def rows(self, query: str) -> list[Any]:
        """Return what a query finds."""
        async with self._engine.connect() as connection:
            return list((await connection.execute(text(query))).all())

    async def cases(self) -> list[Any]:
        """Return the cases, in the order of their numbers."""
        return await self.rows(
            "SELECT state, agent, version, wake_at, queue FROM support_case ORDER BY case_id"
        )

    async def agents(self) -> list[Any]:
        """Return the agents, in the order of their names."""
        return await self.rows("SELECT presence, load, version, wake_at FROM agent ORDER BY agent")

    async def told(self, *types: type[Struct]) -> list[Any]:
        """Return what the bus is told of these types, in order."""
        found = await self.rows("SELECT record FROM outbox ORDER BY id")
        records = [msgspec.msgpack.decode(row.record, type=Record) for row in found]
        said = [read(record.headers, record.value).data for record in records]
        return [data for data in said if isinstance(data, types)]


@pytest.fixture
def floor(writer: AsyncEngine, policy: Policy, clock: Hand) -> Floor:
    return Floor(writer, policy, clock)


@pytest.fixture
async def listener(writer: AsyncEngine) -> AsyncIterator[Listener]:
    """Whoever hears the news, and has heard that he listens."""
    listener, stopping = Listener(writer), asyncio.Event()
    running = asyncio.create_task(listener.run(stopping))
    while not (await listener.next(10)).everything:  # once at its making, once when it listens
        pass
    yield listener
    stopping.set()
    await running
