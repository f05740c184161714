"""Shards: queues that share an agent, directly or through others. One transaction at a time matches in one.

The lock is Postgres's own and ends with the transaction: whoever dies, or is cut off, holds nothing
and has committed nothing. So there is no owner to fence.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from router.edges.signals import News

_SHARDS = text(
    "SELECT queue, shard FROM queue_shard WHERE tenant = :tenant AND queue = ANY(:queues)"
)
_OF_AGENTS = text(
    """
    SELECT agent, min(coalesce(shard, queue)) AS shard
      FROM agent_queue LEFT JOIN queue_shard USING (tenant, queue)
     WHERE tenant = :tenant AND agent = ANY(:agents) GROUP BY agent
    """
)
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:tenant || '|' || :shard, 0))")
_TRY = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:tenant || '|' || :shard, 0))")
_JOIN = text(
    """
    INSERT INTO queue_shard (tenant, queue, shard)
    SELECT :tenant, queue, :shard FROM (
      SELECT queue FROM queue_shard WHERE tenant = :tenant AND shard = ANY(:shards)
       UNION SELECT unnest(CAST(:queues AS text[]))
    ) AS joined (queue) ORDER BY queue
    ON CONFLICT (tenant, queue) DO UPDATE SET shard = excluded.shard
    """
)


async def shards_of(
    connection: AsyncConnection, tenant: str, queues: Collection[str]
) -> dict[str, str]:
    """Return the shard of each queue; one that shares no agent is its own."""
    if not queues:
        return {}
    rows = await connection.execute(_SHARDS, {"tenant": tenant, "queues": list(queues)})
    return {queue: queue for queue in queues} | {row.queue: row.shard for row in rows}


async def by_shard(connection: AsyncConnection, news: News) -> dict[str, News]:
    """Return the news of each shard; an agent's queues are all of one."""
    queues: defaultdict[str, list[str]] = defaultdict(list)
    agents: defaultdict[str, list[str]] = defaultdict(list)
    for queue, shard in (await shards_of(connection, news.tenant, news.queues)).items():
        queues[shard].append(queue)
    for row in await _shards_of_agents(connection, news.tenant, news.agents):
        agents[row.shard].append(row.agent)
    return {
        shard: News(news.tenant, tuple(queues[shard]), tuple(agents[shard]))
        for shard in sorted(queues.keys() | agents.keys())
    }


async def _shards_of_agents(
    connection: AsyncConnection, tenant: str, agents: Collection[str]
) -> Sequence[Row[Any]]:
    if not agents:
        return ()
    parameters = {"tenant": tenant, "agents": list(agents)}
    return (await connection.execute(_OF_AGENTS, parameters)).all()


async def try_lock(connection: AsyncConnection, tenant: str, shard: str) -> bool:
    """Return whether nobody else matches in a shard until the transaction ends."""
    found = await connection.execute(_TRY, {"tenant": tenant, "shard": shard})
    return bool(found.scalar_one())


async def join(connection: AsyncConnection, tenant: str, queues: Collection[str]) -> None:
    """Put the queues of one agent into one shard, with all that was in theirs.

    Waits until nobody matches in any of them. A shard only grows: what an agent leaves behind
    stays together, which costs time and nothing else.
    """
    if not queues:
        return
    locked: set[str] = set()
    while (shards := set((await shards_of(connection, tenant, queues)).values())) - locked:
        for shard in sorted(shards - locked):
            await connection.execute(_LOCK, {"tenant": tenant, "shard": shard})
        locked |= shards
    if len(shards) == 1 and len(queues) == 1:
        return
    await connection.execute(
        _JOIN,
        {
            "tenant": tenant,
            "shard": min(shards),
            "shards": sorted(shards),
            "queues": sorted(queues),
        },
    )
