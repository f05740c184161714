"""Over a real bus: two services forget one customer, a certificate says so, a rebuild agrees."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer
from msgspec import structs
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from tests.integration.timeline.conftest import Pages
from tests.integration.timeline.erasing.conftest import KEY, found
from tests.unit.timeline.telling import HANAKO_LINE, HANAKO_TEL, TENANT, message, profile

from common.core.cloudevents import Event, Record, binary_headers, partition_key
from common.core.erasure import Marker
from common.core.events import CustomerChanged, Message
from common.core.ids import customer_id
from common.core.topics import ACTIVITIES, CUSTOMERS, MESSAGES, Topic
from common.edges.batches import Received
from common.edges.clock import system_clock
from common.edges.components import Component
from common.edges.consumer import Consumer, ConsumerOptions
from common.edges.database import acting, create_writer_engine
from common.edges.kafka import KafkaAccess
from common.edges.migrations import migrate
from common.edges.objects import ObjectStore
from common.edges.outbox import OutboxRelay
from common.edges.publisher import Publisher
from common.edges.topics import apply_topics
from router.core.loading import load
from router.core.policy import compiled
from router.edges.consume import TOPICS as ROUTER_TOPICS, Routing
from router.edges.erasing import Erasing
from router.wiring import MIGRATIONS as ROUTER_MIGRATIONS
from timeline.core.entry import TOPICS
from timeline.edges.consume import Historian
from timeline.edges.erasure_asking import ErasureView, erase, erasure_of
from timeline.edges.erasure_bus import BusRetention
from timeline.edges.erasure_guard import ErasureGuard
from timeline.edges.erasure_store import Asked
from timeline.edges.erasure_worker import Eraser, Patience, begun_at

WAIT_SECONDS = 90
RULES = Path(__file__).parents[4] / "deploy" / "local" / "rules.yaml"
JIRO = "line:1657000000:Ujiro"
TOLD = (
    message(HANAKO_LINE),
    message(HANAKO_TEL, 1, "電話でも電源が入りませんと書きました", message_id="m2"),
    message(JIRO, 2, "別の方です", message_id="m3"),
    profile([HANAKO_LINE, HANAKO_TEL], "crm-1", 3),
)
DEAD_LETTERS_GONE = timedelta(days=91, minutes=5)  # of all topics they stay the longest
WORDS = ("電源が入りません", "U4af4980629", "9012345678", "crm-1")


@pytest.fixture
async def publisher(kafka_server: str, topic_prefix: str) -> AsyncIterator[Publisher]:
    await apply_topics(KafkaAccess(kafka_server), topic_prefix, 1)
    publisher = Publisher(KafkaAccess(kafka_server), 10, topic_prefix)
    yield publisher
    await publisher.stop()


@pytest.fixture
def both_migrated(migrated: str) -> str:
    migrate(ROUTER_MIGRATIONS, migrated, "router")
    return migrated


@pytest.fixture
async def routing(both_migrated: str) -> AsyncIterator[AsyncEngine]:
    engine = create_writer_engine(both_migrated, "router")
    yield engine
    await engine.dispose()


@pytest.fixture
def timeline(
    kafka_server: str, topic_prefix: str, writer: AsyncEngine, publisher: Publisher
) -> tuple[Component, ...]:
    relay = OutboxRelay(writer, publisher)
    options = ConsumerOptions(
        kafka=KafkaAccess(kafka_server), group="timeline", topics=TOPICS, prefix=topic_prefix
    )
    historian = Historian(system_clock, "JP", ErasureGuard(KEY))
    return Consumer(options, writer, historian, after_commit=relay.wake), relay


@pytest.fixture
def router(
    kafka_server: str, topic_prefix: str, routing: AsyncEngine, publisher: Publisher
) -> tuple[Component, ...]:
    loaded = load(RULES.read_bytes())
    policy = compiled(loaded.rules, loaded.version)
    handler, erasing = Routing(lambda: policy, system_clock), Erasing(KEY, system_clock)

    async def handle(connection: AsyncConnection, batch: Sequence[Received]) -> None:
        await handler.handle(connection, await erasing.admitted(connection, batch))

    relay = OutboxRelay(routing, publisher)
    options = ConsumerOptions(
        kafka=KafkaAccess(kafka_server), group="router", topics=ROUTER_TOPICS, prefix=topic_prefix
    )
    return Consumer(options, routing, handle, after_commit=relay.wake), relay


@pytest.fixture
def eraser(kafka_server: str, topic_prefix: str, writer: AsyncEngine, tmp_path: Path) -> Eraser:
    bus = BusRetention(KafkaAccess(kafka_server), topic_prefix)
    objects = ObjectStore.open(str(tmp_path / "objects"))
    patience = Patience(settle=timedelta(0))
    return Eraser(writer, objects, bus, Marker(KEY), system_clock, patience)


@asynccontextmanager
async def running(components: Sequence[Component]) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for component in components:
            stopping = asyncio.Event()
            task = asyncio.create_task(component.run(stopping))
            stack.push_async_callback(asyncio.wait_for, task, WAIT_SECONDS)
            stack.callback(stopping.set)
        yield


def sent(event: Event) -> Record:
    attributes = event.attributes
    by_type: dict[type, Topic] = {Message: MESSAGES, CustomerChanged: CUSTOMERS}
    topic = by_type.get(type(event.data), ACTIVITIES)
    subject = getattr(event.data, "customer_ref", attributes.subject)
    attributes = structs.replace(attributes, subject=subject)
    key = partition_key(attributes.tenant, subject)
    return Record(topic.name, key, event.value, binary_headers(attributes))


async def until(engine: AsyncEngine, query: str) -> None:
    """Wait until a query's answer is true."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            async with engine.connect() as connection:
                if await connection.scalar(text(query)):
                    return
            await asyncio.sleep(0.05)


async def tombstones(bootstrap: str, topic: str, wanted: int) -> set[str]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    ended: set[str] = set()
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while len(ended) < wanted:
                record = await consumer.getone()
                if record.value is None:
                    ended.add(record.key.decode())
    finally:
        await consumer.stop()
    return ended


async def test_a_customer_is_forgotten_by_both_services_and_by_whoever_reads_the_bus_again(
    publisher: Publisher,
    writer: AsyncEngine,
    routing: AsyncEngine,
    timeline: Sequence[Component],
    router: Sequence[Component],
    eraser: Eraser,
    pages: Pages,
) -> None:
    await publisher.publish([sent(event) for event in TOLD])
    async with running(timeline), running(router):
        await until(writer, "SELECT count(*) = 1 FROM merge")
        await until(writer, "SELECT count(*) >= 3 FROM entry WHERE type LIKE '%case.routed'")
        await until(routing, "SELECT count(DISTINCT customer) = 1 FROM contact")
        certified = await certified_erasure(writer, eraser)
        assert certified.gone_at == certified.erased_at + DEAD_LETTERS_GONE
        assert await found(writer, WORDS) == []
    await forget_everything(writer)
    async with running(timeline):
        await until(
            writer,
            "SELECT count(*) = 3 AND (SELECT count(*) FROM entry WHERE type LIKE '%received') = 1"
            " FROM erased_name",  # two contacts and a profile
        )
        await until(writer, "SELECT count(*) = 0 FROM outbox")
        await eraser.look()
    assert await found(writer, WORDS) == []
    assert (await pages(JIRO)).entries
    assert not (await pages(HANAKO_TEL)).entries


async def test_what_the_compacted_topic_says_of_an_erased_customer_is_ended(
    kafka_server: str,
    topic_prefix: str,
    publisher: Publisher,
    writer: AsyncEngine,
    timeline: Sequence[Component],
) -> None:
    await publisher.publish([sent(event) for event in TOLD])
    async with running(timeline):
        await until(writer, "SELECT count(*) = 1 FROM merge")
        await asked(writer)
        ended = await tombstones(kafka_server, topic_prefix + CUSTOMERS.name, 3)
    ids = {f"{TENANT}|{customer_id(TENANT, one)}" for one in (HANAKO_LINE, HANAKO_TEL)}
    assert ended == {f"{TENANT}|crm-1", *ids}


async def certified_erasure(writer: AsyncEngine, eraser: Eraser) -> ErasureView:
    """Have the customer erased, and wait for the certificate."""
    view = await asked(writer)
    await until(writer, "SELECT count(*) = 1 FROM erasure_confirmation")
    await until(writer, "SELECT count(*) = 0 FROM outbox")
    for _ in range(4):
        await eraser.look()
    async with acting(writer, TENANT) as connection:
        certified = await erasure_of(connection, TENANT, view.id)  # type: ignore[arg-type]  # it only reads
    assert certified.certificate is not None
    places = {one.where for one in certified.certificate.done}
    assert places == {"timeline and search", "object storage", "router"}
    return certified


async def asked(writer: AsyncEngine) -> ErasureView:
    ground = Asked(basis="gdpr-17", reference=None, asked_by="privacy@example.jp")
    async with acting(writer, TENANT) as connection:
        holder, now = customer_id(TENANT, HANAKO_LINE), begun_at(system_clock())
        return await erase(connection, TENANT, holder, ground, Marker(KEY), now)


async def forget_everything(writer: AsyncEngine) -> None:
    """Drop all that the timeline knows, how far it has read included."""
    async with writer.begin() as connection:
        names = await connection.scalars(
            text(
                "SELECT relname FROM pg_class WHERE relnamespace = 'timeline'::regnamespace AND"
                " relkind IN ('r', 'p') AND NOT relispartition AND relname NOT IN"
                " ('alembic_version', 'search_generation', 'figure_generation', 'access_log',"
                " 'change_count')"
            )
        )
        await connection.execute(text(f"TRUNCATE {', '.join(names)} CASCADE"))
