"""What router and timeline handle alone, each beside its own limit."""

import asyncio
from collections.abc import Sequence

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from bench.figures import Figure
from bench.traffic import PREFIX, fill, messages
from common.core.cloudevents import read
from common.edges.batches import Handler, Received
from common.edges.clock import system_clock
from common.edges.consumer import Consumer, ConsumerOptions
from common.edges.database import create_writer_engine
from common.edges.kafka import KafkaAccess
from local_stack.layout import ROOT
from local_stack.ports import LOOPBACK
from local_stack.stack import Stack
from router.core.loading import load
from router.core.policy import compiled
from router.edges.consume import Routing
from timeline.edges.consume import Historian

MESSAGES = 30_000
BATCH = 1000

_BARE = """
    INSERT INTO timeline.entry (tenant, contact_id, occurred_at, topic, partition, "offset",
                                event_id, learned_at, type, kind, channel, direction, body)
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::smallint[],
                         $5::smallint[], $6::bigint[], $7::uuid[], $8::timestamptz[], $9::text[],
                         $10::text[], $11::text[], $12::text[], $13::json[])
"""


def measure(stack: Stack) -> list[Figure]:
    """Fill a topic and let each stage empty it; the stack's services do not run."""
    return asyncio.run(_measure(stack))


async def _measure(stack: Stack) -> list[Figure]:
    await fill(f"{LOOPBACK}:{stack.ports.kafka}", MESSAGES)
    rules = load((ROOT / "deploy" / "local" / "rules.yaml").read_bytes())
    policy = compiled(rules.rules, rules.version)
    routing = Routing(lambda: policy, system_clock)
    idle = await _emptied(stack, "router", "idle", _do_nothing)
    routed = await _emptied(stack, "router", "routing", routing.handle)
    written = await _emptied(stack, "timeline", "writing", Historian(system_clock, "JP"))
    bare = await _bare_insert(stack)
    limit = "consume, decode and commit offsets, deciding nothing"
    return [
        Figure("router_messages_per_s", routed, "messages/s", idle, limit),
        Figure(
            "timeline_messages_per_s", written, "messages/s", bare, "bare unnest insert of the rows"
        ),
    ]


async def _do_nothing(connection: AsyncConnection, batch: Sequence[Received]) -> None:
    del connection, batch


async def _emptied(stack: Stack, schema: str, group: str, handler: Handler) -> float:
    """Return messages a second from the first batch to the last commit."""
    loop = asyncio.get_running_loop()
    engine = create_writer_engine(stack.environment["MADOGUCHI_DATABASE"], schema)
    stopping = asyncio.Event()
    begun: list[float] = []
    handled = 0

    async def counted(connection: AsyncConnection, batch: Sequence[Received]) -> None:
        nonlocal handled
        begun.append(loop.time())
        await handler(connection, batch)
        handled += len(batch)

    def after_commit() -> None:
        if handled >= MESSAGES:
            stopping.set()

    options = ConsumerOptions(
        kafka=KafkaAccess(f"{LOOPBACK}:{stack.ports.kafka}"),
        group=group,
        topics=("messages.v1",),
        prefix=PREFIX,
        batch_max_records=BATCH,
    )
    consumer = Consumer(options, engine, counted, after_commit=after_commit)
    running = asyncio.create_task(consumer.run(stopping))
    await stopping.wait()
    seconds = loop.time() - begun[0]
    await running
    await engine.dispose()
    return MESSAGES / seconds


async def _bare_insert(stack: Stack) -> float:
    """Insert the same rows with nothing around them, and take them out again."""
    events = [read(record.headers, record.value) for record in messages(MESSAGES)]
    now = system_clock()
    url = stack.environment["MADOGUCHI_DATABASE"]
    connection = await asyncpg.connect(url, server_settings={"madoguchi.tenant": "*"})
    loop = asyncio.get_running_loop()
    began = loop.time()
    for start in range(0, MESSAGES, BATCH):
        batch = events[start : start + BATCH]
        some = len(batch)
        await connection.execute(
            _BARE,
            [event.attributes.tenant for event in batch],
            [1 + number % 500 for number in range(some)],
            [event.attributes.time for event in batch],
            [1] * some,
            [number % 12 for number in range(some)],
            [start + number for number in range(some)],
            [event.attributes.id for event in batch],
            [now] * some,
            [event.attributes.type for event in batch],
            ["message"] * some,
            ["sms"] * some,
            ["inbound"] * some,
            [event.value.decode() for event in batch],
        )
    seconds = loop.time() - began
    await connection.close()
    return MESSAGES / seconds
