"""Assignment at its largest: how many a second, how soon, and what a router's process takes for it."""

import asyncio
import gc
import os
import time
from pathlib import Path
from uuid import UUID

import asyncpg
import msgspec
import uvloop
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bench.crowd import TENANT, Sizes, fill, write_rules
from bench.figures import Figure
from bench.load import percentile
from common.edges.clock import system_clock
from common.edges.database import create_writer_engine
from common.edges.service import COLLECTION
from local_stack.services import ServiceProcess
from local_stack.stack import Stack
from router.core.loading import load
from router.core.policy import Policy, compiled
from router.edges.matcher import Matcher
from router.edges.signals import CHANNEL, OFFERS, Dirty, Listener, News, nothing

BATCHES = 20_000  # assignments measured at once
PER_SECOND = 200
WARM_SECONDS = 2.0  # not measured: a router just started plans its statements and opens connections
STEADY_SECONDS = 15.0
AGENTS_AT_ONCE = 16  # who end a case at the very same time
PATIENCE_SECONDS = 30.0
BARE_BATCH = 1000
SESSION = {"search_path": "router", "madoguchi.tenant": "*"}

_COUNT = "SELECT count(*) FROM offer"
_WAITING = """
SELECT case_id FROM support_case WHERE state = 'waiting' ORDER BY rank LIMIT $1
"""
# What one assignment writes, and nothing around it.
_BARE = (
    """
    UPDATE support_case AS stored
       SET state = 'offered', agent = row.agent, offer = row.offer, offered_until = now(),
           version = stored.version + 1
      FROM unnest($1::uuid[], $2::text[], $3::uuid[]) AS row (case_id, agent, offer)
     WHERE stored.case_id = row.case_id
    """,
    """
    UPDATE agent AS stored SET used = '{"line": 3}', load = 3, version = stored.version + 1
      FROM (SELECT DISTINCT unnest($1::text[]) AS agent) AS row
     WHERE stored.tenant = 'acme' AND stored.agent = row.agent
    """,
    """
    INSERT INTO offer (offer_id, tenant, case_id, agent, queue, state, made_at, expires_at,
                       agent_version)
    SELECT offer, 'acme', case_id, agent, 'q1', 'made', now(), now(), 1
      FROM unnest($1::uuid[], $2::text[], $3::uuid[]) AS row (case_id, agent, offer)
    """,
    "INSERT INTO outbox (topic, record) SELECT 'routing.v1', unnest($1::bytea[])",
)
_ASSIGNED = (
    "UPDATE support_case SET state = 'assigned', offered_until = NULL WHERE state = 'offered'"
)
_ALL_BUSY = """UPDATE agent SET load = capacity, used = jsonb_build_object('line', capacity)"""
_END = """
WITH done AS (
  UPDATE support_case SET state = 'resolved', resolved_at = now(), agent = NULL, offer = NULL,
         wake_at = NULL, version = version + 1
   WHERE case_id = $1
), free AS (
  UPDATE agent SET load = load - 1, used = jsonb_build_object('line', load - 1),
         free_since = now(), version = version + 1
   WHERE tenant = $3 AND agent = $2
)
SELECT pg_notify($4, json_build_object(
  'tenant', $3::text, 'queues', '[]'::json, 'agents', json_build_array($2::text)
)::text)
"""
_BUSY = """
SELECT DISTINCT ON (agent) case_id, agent FROM support_case
 WHERE state = 'assigned' ORDER BY agent, case_id LIMIT $1
"""


def measure(stack: Stack, sizes: Sizes) -> list[Figure]:
    """Measure on a stack whose servers run with their schemas, and whose services do not."""
    gc.freeze()  # as common.edges.service.run does
    gc.set_threshold(*COLLECTION)
    return uvloop.run(_measure(stack, sizes))  # the loop that services run on


async def _measure(stack: Stack, sizes: Sizes) -> list[Figure]:
    """Fill the router's schema of a stack whose servers run, and measure on it."""
    rules = stack.home / "rules.yaml"
    write_rules(rules, sizes)
    loaded = load(rules.read_bytes())
    policy = compiled(loaded.rules, loaded.version)
    url = stack.environment["MADOGUCHI_DATABASE"]
    database = await asyncpg.connect(url, server_settings=SESSION)
    engine = create_writer_engine(url, "router", pool_size=AGENTS_AT_ONCE, keeps_plans=True)
    router = ServiceProcess(
        "router",
        stack.ports.services["router"],
        {**stack.environment, "MADOGUCHI_RULES": str(rules)},
        stack.home,
    )
    try:
        await fill(database, sizes, loaded.version)
        figures = [await _batches(engine, database, policy, sizes)]
        await database.execute(_ASSIGNED, timeout=None)
        await database.execute(_ALL_BUSY, timeout=None)
        await database.execute("DELETE FROM outbox", timeout=None)  # the bare ones are no records
        router.start()
        await asyncio.to_thread(router.wait_until_ready)
        figures.append(await _steady(url, database))
        router.daemon.require_alive()
        return [*figures, Figure("router_scale_rss_mb", _resident_mb(router), "MB")]
    finally:
        router.kill()
        await engine.dispose()
        await database.close()


async def _batches(
    engine: AsyncEngine, database: asyncpg.Connection, policy: Policy, sizes: Sizes
) -> Figure:
    """Match from a standing start, then write as many rows bare."""
    matcher, news = _matcher(engine, policy)
    began, busy = time.perf_counter(), time.process_time()
    dirty = nothing()
    dirty.everything = True
    most = min(BATCHES, sizes.cases // 4)
    while await database.fetchval(_COUNT) < most and not _is_empty(dirty):
        await matcher.round(dirty)
        dirty = await news.next(0)
    seconds, busy = time.perf_counter() - began, time.process_time() - busy
    made = await database.fetchval(_COUNT)
    bare = await _bare(database, made)
    note = f"bare batched SQL writing the same rows; {busy / made * 1e6:.0f} µs of Python each"
    return Figure("assignments_per_s", made / seconds, "offers/s", bare, note)


async def _bare(database: asyncpg.Connection, count: int) -> float:
    """Return rows a second of the same writes without reading, matching or making records."""
    ids = [row["case_id"] for row in await database.fetch(_WAITING, count)]
    record = os.urandom(900)  # about what an event takes
    began = time.perf_counter()
    for start in range(0, len(ids), BARE_BATCH):
        cases = ids[start : start + BARE_BATCH]
        agents = [f"agent-{1 + (start + number) // 3}" for number in range(len(cases))]
        offers = [UUID(int=case.int ^ 1) for case in cases]
        async with database.transaction():
            await database.execute(_BARE[0], cases, agents, offers)
            await database.execute(_BARE[1], agents)
            await database.execute(_BARE[2], cases, agents, offers)
            await database.execute(_BARE[3], [record] * len(cases))
    return len(ids) / (time.perf_counter() - began)


class _Freed(Struct):
    """Who was freed when, and how long it took until he was offered something."""

    at: dict[str, float]
    seconds: list[float]

    def offered(self, agent: str, now: float) -> None:
        """Note that an agent's offers changed."""
        if agent in self.at:
            self.seconds.append(now - self.at.pop(agent))


async def _steady(url: str, database: asyncpg.Connection) -> Figure:
    """Free agents at a steady pace beside a running router, and wait for each to be offered more."""
    warm = int(PER_SECOND * WARM_SECONDS)
    busy = await database.fetch(_BUSY, warm + int(PER_SECOND * STEADY_SECONDS))
    loop = asyncio.get_running_loop()
    freed = _Freed({}, [])

    def hear(*told: object) -> None:
        news = msgspec.json.decode(str(told[-1]), type=News)
        for agent in news.agents:
            freed.offered(agent, loop.time())

    await database.add_listener(OFFERS, hear)
    began = loop.time()
    pool = await asyncpg.create_pool(url, max_size=AGENTS_AT_ONCE, server_settings=SESSION)
    async with pool, asyncio.TaskGroup() as tasks:
        for number, row in enumerate(busy):
            await asyncio.sleep(max(0.0, began + number / PER_SECOND - loop.time()))
            if number == warm:
                freed.seconds.clear()
            tasks.create_task(_free(pool, row["case_id"], row["agent"], freed))
    deadline = loop.time() + PATIENCE_SECONDS
    while freed.at and loop.time() < deadline:  # noqa: ASYNC110 - they are waited for together
        await asyncio.sleep(0.05)
    late = percentile(freed.seconds, 0.99) * 1000
    note = (
        f"agent free until his next offer is committed, at {len(busy) / (loop.time() - began):.0f}/s; "
        f"p50 {percentile(freed.seconds, 0.5) * 1000:.0f} ms; {len(freed.at)} offered nothing"
    )
    return Figure("offer_latency_p99_ms", late, "ms", note=note)


async def _free(database: asyncpg.Pool, case_id: UUID, agent: str, freed: _Freed) -> None:
    """Let an agent end a case of his, in one statement: what is measured is what comes of it."""
    # From just before: the router may be quicker than we.
    freed.at[agent] = asyncio.get_running_loop().time()
    await database.execute(_END, case_id, agent, TENANT, CHANNEL)


def _matcher(engine: AsyncEngine, policy: Policy) -> tuple[Matcher, Listener]:
    news = Listener(engine)
    matcher = Matcher(
        engine, news, _settled, lambda: policy, system_clock, lambda: None, PATIENCE_SECONDS
    )
    return matcher, news


async def _settled(connection: AsyncConnection) -> None:
    """Do nothing: the rules are known."""
    del connection


def _is_empty(dirty: Dirty) -> bool:
    return not (dirty.everything or any(dirty.queues.values()) or any(dirty.agents.values()))


def _resident_mb(service: ServiceProcess) -> float:
    identity = service.daemon.identity
    status = Path(f"/proc/{identity.pid}/status").read_text("utf-8") if identity else ""
    kilobytes = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")]
    return kilobytes[0] / 1024 if kilobytes else 0
