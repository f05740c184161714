"""A floor: cases that wait, agents who are there, matchers, and what became of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.core.ids import customer_id
from common.core.work import Presence
from router.core.facts import Case, CaseState
from router.core.policy import Policy
from router.core.presence import Profile
from router.edges import tables
from router.edges.agents_store import register, set_presence
from router.edges.arrays import columns_of, insertion, row_of
from router.edges.matcher import Matcher
from router.edges.signals import Dirty, Listener, News, nothing, tell

TENANT = "acme"
NOW = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)  # 11:40 in Tokyo, a working day
FOR_EVER = 3600.0

_PLACE = text(insertion(tables.support_case))
_OFFERED = text(
    "SELECT case_id, offer.agent FROM offer WHERE tenant = :tenant ORDER BY made_at, offer.agent"
)


@pytest.fixture
def a_case() -> Callable[..., Case]:
    """A case that waits in the technical queue; its rank is its number."""

    def write(number: int, **more: Any) -> Case:
        tenant = more.get("tenant", TENANT)
        contact = f"line:main:U{number:010}"
        case = Case(
            case_id=UUID(int=number if tenant == TENANT else number + 2**64),
            tenant=TENANT,
            conversation=contact,
            contact=contact,
            participants=(contact,),
            customer=customer_id(tenant, contact),
            channel="line",
            state=CaseState.WAITING,
            queue="technical",
            plan="default",
            contract=None,
            priority=0,
            skills={},
            rank=NOW + timedelta(seconds=number),
            first_response_due=NOW + timedelta(hours=8),
            resolution_due=NOW + timedelta(hours=40),
            opened_at=NOW,
            decided_by=UUID(int=number),
            queued_at=NOW,
            subject="ルーターがつながりません",
        )
        return replace(case, **more)

    return write


@pytest.fixture
def wait(writer: AsyncEngine) -> Callable[..., Awaitable[None]]:
    """Let cases wait, and tell of it."""

    async def run(*cases: Case) -> None:
        rows = [row_of(case, ("participants", "skills", "refusals", "told")) for case in cases]
        async with writer.begin() as connection:
            await connection.execute(_PLACE, columns_of(tables.support_case, rows))
            news = {(case.tenant, case.queue) for case in cases}
            await tell(connection, [News(tenant, queues=(queue,)) for tenant, queue in news])

    return run


@pytest.fixture
def come(writer: AsyncEngine, policy: Policy) -> Callable[..., Awaitable[None]]:
    """Let agents be there who answer from the technical queue, in the order in which they came."""
    seconds = iter(range(10_000))

    async def run(*names: str, tenant: str = TENANT, **profile: Any) -> None:
        given: dict[str, Any] = {"queues": ("technical",)} | profile
        for name in names:
            now = NOW - timedelta(hours=3) + timedelta(seconds=next(seconds))
            async with writer.begin() as connection:
                who = Profile(**given)
                await register(connection, tenant, name, who, policy, now, "田中")
            async with writer.begin() as connection:
                await set_presence(connection, tenant, name, Presence.ONLINE, policy, now)

    return run


async def settled(connection: AsyncConnection) -> None:
    """Do nothing: the tests' policy is known from the beginning."""
    del connection


@pytest.fixture
def matcher_on(policy: Policy) -> Callable[..., Matcher]:
    """Return a matcher on an engine. It looks at everything only when told to."""

    def build(engine: AsyncEngine, now: datetime = NOW, news: Listener | None = None) -> Matcher:
        heard = news or Listener(engine)
        return Matcher(engine, heard, settled, lambda: policy, lambda: now, lambda: None, FOR_EVER)

    return build


@pytest.fixture
def matcher(writer: AsyncEngine, matcher_on: Callable[..., Matcher]) -> Matcher:
    return matcher_on(writer)


@pytest.fixture
def offered(writer: AsyncEngine) -> Callable[..., Awaitable[list[tuple[int, str]]]]:
    """Return which cases are offered to whom, by number."""

    async def run(tenant: str = TENANT) -> list[tuple[int, str]]:
        async with writer.connect() as connection:
            rows = await connection.execute(_OFFERED, {"tenant": tenant})
            return sorted((row.case_id.int % 2**64, row.agent) for row in rows)

    return run


@pytest.fixture
def news_of() -> Callable[..., Dirty]:
    """Return news of queues and agents of a tenant."""

    def run(*queues: str, agents: tuple[str, ...] = (), tenant: str = TENANT) -> Dirty:
        dirty = nothing()
        dirty.queues[tenant].update(queues)
        dirty.agents[tenant].update(agents)
        return dirty

    return run


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
