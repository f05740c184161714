"""The whole path: from a webhook to the timeline with its decision, on everything at once."""

import asyncio
from collections.abc import Iterator
from itertools import cycle, islice

import asyncpg
from msgspec import Struct

from bench.figures import Figure
from bench.load import drip, flood, percentile
from bench.texts import text_of
from bench.webhooks import CUSTOMERS, requests
from common.core.adapters import ChannelAccount
from common.edges.accounts import Accounts
from common.edges.clock import system_clock
from common.ops.lag_command import measured
from common.settings import CommonSettings
from local_stack.ports import LOOPBACK
from local_stack.stack import Stack
from pretend.connections import connect, wire
from pretend.webhooks import line_text, twilio_sms

FLOOD_SECONDS = 12.0
WARM_SECONDS = 5.0  # the broker's compiler is busy at first
FLOOD_CONNECTIONS = 48
MOST = 40_000
HALF_LOAD_SECONDS = 15.0
PROBES_PER_SECOND = 20
PROBES = int(HALF_LOAD_SECONDS * PROBES_PER_SECOND)
WATCH_SECONDS = 0.004
LOOK_SECONDS = 0.25  # to count entries is a load of its own
HALF = "at half of what is settled"
PATIENCE_SECONDS = 60

_COUNT = """
    SELECT count(*) FILTER (WHERE type = 'io.madoguchi.message.received'),
           count(*) FILTER (WHERE type = 'io.madoguchi.case.routed')
      FROM timeline.entry
"""

# A new customer's contact is committed with his first entry.
_ARRIVED = "SELECT address FROM timeline.contact WHERE tenant = 'acme' AND address = ANY($1)"


def measure(stack: Stack, accounts: Accounts) -> list[Figure]:
    """Flood the whole stack, then run it at half of what it can take for ever."""
    return asyncio.run(_measure(stack, accounts))


async def _measure(stack: Stack, accounts: Accounts) -> list[Figure]:
    url = stack.environment["MADOGUCHI_DATABASE"]
    database = await asyncpg.connect(url, server_settings={"madoguchi.tenant": "*"})
    settings = CommonSettings(kafka=stack.environment["MADOGUCHI_KAFKA"], database=url)
    try:
        await _settled(settings)  # what the stages before have left on the bus
        await _flooded(stack, accounts, database, "heat", WARM_SECONDS)
        await _settled(settings)
        flooded = await _flooded(stack, accounts, database, "path", FLOOD_SECONDS)
        until_settled = flooded.seconds + await _settled(settings)
        lasting = flooded.messages / until_settled
        latencies = await _at_half_load(stack, accounts, database, lasting / 2)
    finally:
        await database.close()
    arrived = "SMS and LINE webhooks until entry and decision are on the timeline"
    settled = "until no group has anything left: found and counted as well"
    return [
        Figure("path_messages_per_s", flooded.per_second, "messages/s", note=arrived),
        Figure("path_settled_messages_per_s", lasting, "messages/s", note=settled),
        Figure("path_latency_p50_ms", percentile(latencies, 0.5) * 1000, "ms", note=HALF),
        Figure("path_latency_p99_ms", percentile(latencies, 0.99) * 1000, "ms", note=HALF),
    ]


async def _settled(settings: CommonSettings) -> float:
    """Return the seconds until no group has anything left to handle, seen twice in a row."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    ended: float | None = None
    while True:
        looked = loop.time()
        if any(one.behind for one in (await measured(settings)).groups):
            ended = None
        elif ended is not None:
            return ended - began
        else:
            ended = looked  # what waits in an outbox is on the bus by the second look
        await asyncio.sleep(LOOK_SECONDS)


class _Flooded(Struct, frozen=True):
    """What was accepted, and the seconds from the first request until the last decision was there."""

    messages: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.messages / self.seconds


async def _flooded(
    stack: Stack, accounts: Accounts, database: asyncpg.Connection, run: str, seconds: float
) -> _Flooded:
    twilio, line = (accounts.of_provider(name)[0] for name in ("twilio", "line"))
    sms = list(islice(requests(twilio, run), MOST))
    chats = list(islice(line_requests(line, run), MOST))
    ports = stack.ports.services
    received, routed = await database.fetchrow(_COUNT)
    loop = asyncio.get_running_loop()
    began = loop.time()
    outcomes = await asyncio.gather(
        flood(ports["ingest_sms"], iter(sms), FLOOD_CONNECTIONS, seconds),
        flood(ports["ingest_social"], iter(chats), FLOOD_CONNECTIONS, seconds),
    )
    accepted = sum(outcome.accepted for outcome in outcomes)
    if any(outcome.refused for outcome in outcomes):
        raise RuntimeError("requests were refused")
    async with asyncio.timeout(PATIENCE_SECONDS):
        wished = (received + accepted, routed + accepted)
        while tuple(await database.fetchrow(_COUNT)) != wished:  # noqa: ASYNC110 - it lies in Postgres
            await asyncio.sleep(LOOK_SECONDS)
    return _Flooded(accepted, loop.time() - began)


async def _at_half_load(
    stack: Stack, accounts: Accounts, database: asyncpg.Connection, per_second: float
) -> list[float]:
    """Return seconds from sending a probe to its entry being there for the API to read."""
    twilio, line = (accounts.of_provider(name)[0] for name in ("twilio", "line"))
    ports = stack.ports.services
    some = int(per_second * HALF_LOAD_SECONDS) + 1
    sources = cycle(
        [
            (ports["ingest_sms"], iter(list(islice(requests(twilio, "half"), some)))),
            (ports["ingest_social"], iter(list(islice(line_requests(line, "half"), some)))),
        ]
    )

    def next_request() -> tuple[int, bytes]:
        port, prepared = next(sources)
        return port, next(prepared)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(drip(next_request, per_second, HALF_LOAD_SECONDS, 32))
        probing = tasks.create_task(_probe(stack, twilio, database))
    return probing.result()


async def _probe(
    stack: Stack, account: ChannelAccount, database: asyncpg.Connection
) -> list[float]:
    """Write as somebody new, again and again, and watch for whom the timeline has learned of.

    One cheap query watches for all: asking the API for each would be a load of its own.
    """
    loop = asyncio.get_running_loop()
    sent: dict[str, float] = {}
    seconds: list[float] = []

    async def write(number: int) -> None:
        sender = f"+8150{number:08}"
        request = twilio_sms(account, sender, text_of(number), f"SMprobe{number:027}")
        connection = await connect(stack.ports.services["ingest_sms"])
        sent[f"tel:{sender}"] = loop.time()
        await connection.send(wire(request, LOOPBACK))
        connection.close()

    async def watch() -> None:
        while len(seconds) < PROBES:
            arrived = await database.fetch(_ARRIVED, list(sent))
            seconds.extend(loop.time() - sent.pop(row["address"]) for row in arrived)
            await asyncio.sleep(WATCH_SECONDS)

    async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as tasks:
        tasks.create_task(watch())
        for number in range(PROBES):
            tasks.create_task(write(number))
            await asyncio.sleep(1 / PROBES_PER_SECOND)
    return seconds


def line_requests(account: ChannelAccount, run: str) -> Iterator[bytes]:
    """Return endless signed LINE messages of `CUSTOMERS`."""
    number = 0
    while True:
        number += 1
        user = f"U{number % CUSTOMERS:032x}"
        event = f"01{run:0<8}{number:016}"
        yield wire(line_text(account, user, text_of(number), event, system_clock()), LOOPBACK)
