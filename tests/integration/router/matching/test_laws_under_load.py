"""Two replicas match, agents do as they please, one matcher is cut off now and then: no law breaks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from assignment_laws.breaches import Tolerance
from assignment_laws.checking import Verdict, check
from assignment_laws.told import read_everything
from common.core.topics import ROUTING
from common.core.work import Presence
from common.edges.database import create_writer_engine
from common.edges.kafka import KafkaAccess
from common.edges.outbox import OutboxRelay
from common.edges.publisher import Publisher
from local_stack.shared_servers import TopicMaker
from router.core.lifecycle import hold, resolve
from router.core.policy import Policy
from router.core.presence import Profile
from router.core.steps import ConflictError
from router.edges.acting import persistently
from router.edges.agents_store import register, set_presence
from router.edges.answering_offers import accept_offer, decline_offer
from router.edges.cases_store import keep, locked
from router.edges.consume import Routing
from router.edges.matcher import Matcher
from router.edges.signals import Listener
from router.edges.ticker import Ticker

TUESDAY = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)
SECONDS = 12.0
ENOUGH = 10  # offers accepted, and deaths of a replica
CUSTOMERS = 250
PER_SECOND = 20
# Clocks are read before what they are written into is committed, by seconds on a busy machine.
BUSY_MACHINE = Tolerance(
    idle=timedelta(seconds=8), overlap=timedelta(seconds=4), ending=timedelta(seconds=8)
)
WORDS = ("障害です", "請求書をください", "ルーターの設定を教えてください", "ありがとうございます")
SKILLS = {"network": 5, "billing": 5, "japanese": 5, "retention": 3, "public": 3, "english": 3}
QUEUES = ("technical", "billing", "general", "vip")

_STANDING = text(
    "SELECT offer_id FROM offer WHERE agent = :agent AND state = 'made' ORDER BY offer_id"
)
_HIS = text(
    "SELECT case_id FROM support_case WHERE agent = :agent AND state = 'assigned' ORDER BY case_id"
)


class Floor:
    """Everything that runs, over one database, with a clock that began on a working Tuesday."""

    def __init__(self, engines: list[AsyncEngine], policy: Policy) -> None:
        self.engines = engines
        self.policy = policy
        self.cuts = 0
        self.accepted = 0
        self._began = asyncio.get_running_loop().time()

    def clock(self) -> datetime:
        return TUESDAY + timedelta(seconds=asyncio.get_running_loop().time() - self._began)

    async def match(self, engine: AsyncEngine, stopping: asyncio.Event) -> None:
        """A replica: hears, matches, and wakes what is due, until told to stop."""
        news = Listener(engine)
        matcher = Matcher(
            engine, news, _settled, lambda: self.policy, self.clock, lambda: None, 1.0
        )
        ticker = Ticker(
            engine, _settled, lambda: self.policy, lambda _: None, self.clock, lambda: None
        )
        async with asyncio.TaskGroup() as tasks:
            for part in (news, matcher, ticker):
                tasks.create_task(part.run(stopping))

    async def match_and_be_cut_off(
        self, engine: AsyncEngine, stopping: asyncio.Event, random: Random
    ) -> None:
        """A replica that dies somewhere in the middle of something, again and again."""
        while not stopping.is_set():
            running = asyncio.create_task(self.match(engine, stopping))
            await asyncio.wait([running], timeout=random.uniform(0.05, 0.7))
            if not stopping.is_set():
                self.cuts += 1
                running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    async def write(self, says: Callable[..., Any], seconds: float, random: Random) -> None:
        """Customers write, some of them again, so long and until enough has come of it."""
        routing = Routing(lambda: self.policy, self.clock)
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while loop.time() < end or self.accepted < ENOUGH or self.cuts < ENOUGH:
            contact = f"line:main:U{random.randrange(CUSTOMERS):010}"
            minutes = (self.clock() - TUESDAY) / timedelta(minutes=1)
            said = says(random.choice(WORDS), contact=contact, minutes=minutes)
            async with self.engines[0].begin() as connection:
                await routing.handle(connection, [said.received])
            await asyncio.sleep(1 / PER_SECOND)

    async def work(self, name: str, stopping: asyncio.Event, random: Random) -> None:
        """An agent takes, declines, forgets, holds and solves what he gets; leaves and comes back."""
        while not stopping.is_set():
            with suppress(ConflictError):
                await persistently(lambda: self._do_something(name, random))
            await asyncio.sleep(random.uniform(0.02, 0.3))

    async def _do_something(self, name: str, random: Random) -> None:
        async with self.engines[0].begin() as connection:
            offers = (await connection.execute(_STANDING, {"agent": name})).scalars().all()
            cases = (await connection.execute(_HIS, {"agent": name})).scalars().all()
            what = random.random()
            if what < 0.05:
                presence = random.choice([Presence.AWAY, Presence.OFFLINE])
                await set_presence(connection, "acme", name, presence, self.policy, self.clock())
            elif what < 0.3:
                there = Presence.ONLINE
                await set_presence(connection, "acme", name, there, self.policy, self.clock())
            elif what < 0.7 and offers:
                await self._answer(connection, random.choice(offers), random)
            elif cases:
                await self._end(connection, random.choice(cases), name, random)

    async def _answer(self, connection: AsyncConnection, offer: Any, random: Random) -> None:
        if random.random() < 0.7:
            await accept_offer(connection, offer, self.policy, self.clock())
            self.accepted += 1
        else:
            await decline_offer(connection, offer, self.policy, self.clock(), "別件対応中")

    async def _end(
        self, connection: AsyncConnection, case_id: Any, name: str, random: Random
    ) -> None:
        found = await locked(connection, "acme", case_id)
        if found is None or found.standing.case.agent != name:
            return
        case, agent, now = found.standing.case, found.standing.agent, self.clock()
        if random.random() < 0.8:
            change = resolve(case, agent, self.policy.terms, now, name)
        else:
            change = hold(case, agent, now + timedelta(seconds=2), now, "部品待ち", name)
        await keep(connection, [change], self.policy, now)


async def _settled(connection: AsyncConnection) -> None:
    """Do nothing: the rules are known from the beginning."""
    del connection


@pytest.fixture
def hurried(policy: Policy) -> Policy:
    """Rules whose offers and pauses end within the test."""
    terms = replace(
        policy.terms,
        offer_timeout=timedelta(seconds=1),
        pause=timedelta(seconds=1),
        pause_at_most=timedelta(seconds=4),
        wrap_up=timedelta(seconds=0.3),
    )
    return replace(policy, terms=terms)


@pytest.fixture
async def engines(router_url: str) -> AsyncIterator[list[AsyncEngine]]:
    """Connections of the world, and of two replicas."""
    made = [create_writer_engine(router_url, "router", pool_size=12) for _ in range(3)]
    yield made
    for engine in made:
        await engine.dispose()


@pytest.fixture
async def verdict_of(
    kafka_server: str, topic_prefix: str, make_topic: TopicMaker
) -> Callable[[AsyncEngine, datetime], Awaitable[Verdict]]:
    """Publish an outbox on a real bus, and judge by what is there."""

    async def judge(engine: AsyncEngine, until: datetime) -> Verdict:
        await make_topic(ROUTING.name, 3)
        publisher = Publisher(KafkaAccess(kafka_server), 10, topic_prefix)
        stopping = asyncio.Event()
        stopping.set()  # the relay ends once the outbox is empty
        relay = asyncio.create_task(OutboxRelay(engine, publisher)._relay_while_leading(stopping))
        await relay
        await publisher.stop()
        bus = await read_everything(kafka_server, topic_prefix)
        return check(bus.events, BUSY_MACHINE, until)

    return judge


async def test_no_law_breaks_while_everybody_acts_at_once(
    engines: list[AsyncEngine],
    hurried: Policy,
    says: Callable[..., Any],
    verdict_of: Callable[[AsyncEngine, datetime], Awaitable[Verdict]],
) -> None:
    world, first, second = engines
    random = Random(1)  # noqa: S311 - repeatable, no secret
    floor = Floor(engines, hurried)
    names = [f"担当{number:02}" for number in range(12)]
    for number, name in enumerate(names):
        queues = QUEUES if number % 3 else QUEUES[:1]
        skills = {skill: random.randint(1, most) for skill, most in SKILLS.items()}
        profile = Profile(skills=skills, queues=queues, capacity=random.randint(1, 3))
        async with world.begin() as connection:
            await register(connection, "acme", name, profile, hurried, floor.clock(), "田中")

    stopping, leaving = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(floor.match(first, stopping))
        tasks.create_task(floor.match_and_be_cut_off(second, stopping, random))
        for name in names:
            his = Random(name)  # noqa: S311 - likewise
            tasks.create_task(floor.work(name, leaving, his))
        await floor.write(says, SECONDS, random)
        leaving.set()
        await asyncio.sleep(2)
        stopping.set()

    verdict = await verdict_of(world, floor.clock())
    assert verdict.breaches == (), str(verdict)
    assert verdict.accepted
