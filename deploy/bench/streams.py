"""Live streams: 2,000 open on one process, and how soon after being published a message is on its stream."""

import asyncio
import resource
from datetime import datetime
from pathlib import Path
from random import Random
from urllib.parse import quote

import uvloop
from aiokafka import AIOKafkaProducer
from msgspec import Struct

from bench.figures import Figure
from bench.load import percentile
from bench.texts import text_of
from common.core.cloudevents import Attributes, Record, event_type, record
from common.core.events import Channel, Conversation, Direction, Message, MessageKind, Party
from common.core.ids import customer_id, event_id
from common.core.topics import MESSAGES
from common.edges.clock import system_clock
from local_stack.ports import LOOPBACK
from local_stack.stack import Stack

STREAMS = 2_000
PER_SECOND = 200
SECONDS = 20
PATIENCE_SECONDS = 120.0
TENANT = "streams"
AT_ONCE = 50  # streams that are opened side by side
MARK = b'"message_id":"'


class _Told(Struct):
    """When each message was published, and how long after that it was on its stream."""

    at: dict[str, float]
    seconds: list[float]


def measure(stack: Stack) -> list[Figure]:
    """Measure on a stack whose servers run with their schemas; the timeline is started, and ended."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    timeline = stack.services["timeline"]
    timeline.start()
    try:
        timeline.wait_until_ready()
        figures = uvloop.run(_measure(stack))
        identity = timeline.daemon.identity
        status = Path(f"/proc/{identity.pid}/status").read_text() if identity else ""
        kilobytes = [int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line]
        return [*figures, Figure("streams_rss_mb", kilobytes[0] / 1024 if kilobytes else 0, "MB")]
    finally:
        timeline.stop()


async def _measure(stack: Stack) -> list[Figure]:
    loop = asyncio.get_running_loop()
    told = _Told({}, [])
    producer = AIOKafkaProducer(
        bootstrap_servers=f"{LOOPBACK}:{stack.ports.kafka}", acks="all", linger_ms=5
    )
    await producer.start()
    for number in range(STREAMS):
        await _publish(producer, _message(number, f"first-{number}", system_clock()))
    await producer.flush()
    began = loop.time()
    limit = asyncio.Semaphore(AT_ONCE)
    opened = asyncio.Barrier(STREAMS + 1)
    readers = [
        asyncio.create_task(_read(stack, number, limit, opened, told)) for number in range(STREAMS)
    ]
    async with asyncio.timeout(PATIENCE_SECONDS):
        await opened.wait()
    opening = loop.time() - began
    numbers = Random(4)  # noqa: S311 - the same customers in every run
    began = loop.time()
    for sent in range(PER_SECOND * SECONDS):
        await asyncio.sleep(max(0.0, began + sent / PER_SECOND - loop.time()))
        name = f"live-{sent}"
        told.at[name] = loop.time()
        await _publish(producer, _message(numbers.randrange(STREAMS), name, system_clock()))
    deadline = loop.time() + PATIENCE_SECONDS
    while told.at and loop.time() < deadline:  # noqa: ASYNC110 - they are waited for together
        await asyncio.sleep(0.05)
    still = sum(not reader.done() for reader in readers)
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    await producer.stop()
    note = (
        f"from before it is published until it is on its customer's stream, at {PER_SECOND}/s; "
        f"p50 {percentile(told.seconds, 0.5) * 1000:.0f} ms, most {max(told.seconds) * 1000:.0f} ms; "
        f"{len(told.at)} never came"
    )
    return [
        Figure("stream_latency_p99_ms", percentile(told.seconds, 0.99) * 1000, "ms", note=note),
        Figure("streams_open", still, "streams", note=f"on one process, opened in {opening:.1f} s"),
    ]


async def _read(
    stack: Stack, number: int, limit: asyncio.Semaphore, opened: asyncio.Barrier, told: _Told
) -> None:
    """Hold one stream open, and note what comes on it."""
    loop = asyncio.get_running_loop()
    async with limit:
        reader, writer = await _open(stack, number)
    try:
        await opened.wait()
        while line := await reader.readline():
            at = line.find(MARK)
            if at < 0:
                continue
            name = line[at + len(MARK) : line.index(b'"', at + len(MARK))].decode()
            if name in told.at:
                told.seconds.append(loop.time() - told.at.pop(name))
    finally:
        writer.close()


async def _open(stack: Stack, number: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Return a stream that follows already; a customer of whom nothing is known yet is asked again."""
    customer = customer_id(TENANT, _contact(number))
    token = stack.key.token(
        tenant=TENANT, scopes=["timeline:read"], subject="bench", now=system_clock()
    )
    request = (
        f"GET /v1/customers/{quote(str(customer))}/events HTTP/1.1\r\nhost: bench\r\n"
        f"authorization: Bearer {token}\r\n\r\n"
    )
    while True:
        reader, writer = await asyncio.open_connection(
            LOOPBACK, stack.ports.services["timeline"], limit=2**20
        )
        writer.write(request.encode())
        if b" 200 " in await reader.readline():
            break
        writer.close()
        await asyncio.sleep(0.5)
    await reader.readuntil(b"event: following\n")
    return reader, writer


def _contact(number: int) -> str:
    return f"tel:+8180{number:08}"


async def _publish(producer: AIOKafkaProducer, item: Record) -> None:
    await producer.send(item.topic, item.value, key=item.key, headers=list(item.headers))


def _message(number: int, name: str, now: datetime) -> Record:
    contact = _contact(number)
    message = Message(
        message_id=name,
        kind=MessageKind.MESSAGE,
        direction=Direction.INBOUND,
        channel=Channel.SMS,
        provider="twilio",
        account="main",
        sender=Party(contact),
        conversation=Conversation(contact),
        received_at=now,
        text=text_of(number),
        language="ja",
    )
    attributes = Attributes(
        id=event_id("twilio", TENANT, name),
        source="/bench",
        type=event_type(message),
        subject=contact,
        time=now,
        tenant=TENANT,
    )
    return record(MESSAGES.name, attributes, message)
