"""What matching looks at: the first cases of each lane, and who may take them. Nothing is locked."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from router.core.agents import Agent
from router.core.assignment import Lane
from router.core.facts import Refusal
from router.edges import tables
from router.edges.work import agent_of

_AGENT_COLUMNS = ", ".join(f"agent.{column.name}" for column in tables.agent.columns)


class Head(Struct, frozen=True):
    """A waiting case as far as matching and an offer look at it; its fields are a case's."""

    tenant: str
    queue: str
    channel: str
    units: int
    skills: dict[str, int]
    case_id: UUID
    version: int
    contact: str
    rank: datetime
    preferred: str | None
    reserved_until: datetime | None
    refusals: dict[str, Refusal]


# A loose scan of the index on waiting cases: a probe a lane, however many cases wait in it.
_LANES = text(
    """
    WITH RECURSIVE lanes (queue, lane) AS (
      SELECT queue, (SELECT lane FROM support_case AS waiting
                      WHERE tenant = :tenant AND waiting.queue = asked.queue AND state = 'waiting'
                      ORDER BY lane LIMIT 1)
        FROM unnest(CAST(:queues AS text[])) AS asked (queue)
       UNION ALL
      SELECT queue, (SELECT waiting.lane FROM support_case AS waiting
                      WHERE tenant = :tenant AND waiting.queue = lanes.queue AND state = 'waiting'
                        AND waiting.lane > lanes.lane
                      ORDER BY waiting.lane LIMIT 1)
        FROM lanes WHERE lane IS NOT NULL
    )
    SELECT queue, lane FROM lanes WHERE lane IS NOT NULL
    """
)
_HEADS = text(
    """
    SELECT place, case_id, version, contact, rank, preferred, reserved_until, refusals
      FROM unnest(CAST(:queues AS text[]), CAST(:lanes AS text[]))
           WITH ORDINALITY AS asked (queue, lane, place)
     CROSS JOIN LATERAL (
       SELECT case_id, version, contact, rank, preferred, reserved_until,
              nullif(refusals, '{}') AS refusals
         FROM support_case AS waiting
        WHERE tenant = :tenant AND waiting.queue = asked.queue AND waiting.lane = asked.lane
          AND state = 'waiting'
        ORDER BY rank, case_id LIMIT :most
     ) AS head
    """
)
_AVAILABLE = "agent.tenant = :tenant AND agent.presence = 'online' AND agent.load < agent.capacity"
_KNOWN = text(
    f"SELECT {_AGENT_COLUMNS} FROM agent WHERE tenant = :tenant AND agent = ANY(:agents)"  # noqa: S608 - names of our own columns
)
_NAMED = text(
    f"SELECT {_AGENT_COLUMNS} FROM agent WHERE agent = ANY(:agents) AND {_AVAILABLE}"  # noqa: S608 - names of our own columns
)
# Of each lane's queue those who qualify, in the order in which the board would ask them.
_ABLE = text(
    f"""
    SELECT DISTINCT ON (able.agent) able.* FROM (
      SELECT DISTINCT queue, CAST(skills AS text) AS skills
        FROM unnest(CAST(:queues AS text[]), CAST(:skills AS text[])) AS asked (queue, skills)
    ) AS lane
     CROSS JOIN LATERAL (
       SELECT {_AGENT_COLUMNS} FROM agent_queue AS works JOIN agent USING (tenant, agent)
        WHERE works.tenant = :tenant AND works.queue = lane.queue AND {_AVAILABLE}
          AND NOT EXISTS (
            SELECT FROM jsonb_each(CAST(lane.skills AS jsonb)) AS need (skill, level)
             WHERE coalesce(CAST(agent.skills -> need.skill AS int), 0) < CAST(need.level AS int)
          )
        ORDER BY CAST(agent.load AS float) / agent.capacity, agent.free_since, agent.agent
        LIMIT :most
     ) AS able
    """  # noqa: S608 - names of our own columns
)
_WAITING_QUEUES = text(
    """
    WITH RECURSIVE queues (queue) AS (
      (SELECT queue FROM support_case WHERE tenant = :tenant AND state = 'waiting'
        ORDER BY queue LIMIT 1)
       UNION ALL
      SELECT (SELECT waiting.queue FROM support_case AS waiting
               WHERE tenant = :tenant AND state = 'waiting' AND waiting.queue > queues.queue
               ORDER BY waiting.queue LIMIT 1)
        FROM queues WHERE queue IS NOT NULL
    )
    SELECT queue FROM queues WHERE queue IS NOT NULL LIMIT :most
    """
)
_STAFFED = text(
    f"""
    SELECT queue FROM unnest(CAST(:queues AS text[])) AS asked (queue)
     WHERE EXISTS (
       SELECT FROM agent_queue AS works JOIN agent USING (tenant, agent)
        WHERE works.tenant = :tenant AND works.queue = asked.queue AND {_AVAILABLE}
     )
    """  # noqa: S608 - our own text
)
_FREE = text(
    f"SELECT agent.agent FROM agent WHERE {_AVAILABLE} AND agent.agent > :after "  # noqa: S608 - our own text
    "ORDER BY agent.agent LIMIT :most"
)
_TENANTS = text(
    """
    WITH RECURSIVE tenants (tenant) AS (
      SELECT min(tenant) FROM agent_queue
       UNION ALL
      SELECT (SELECT min(tenant) FROM agent_queue WHERE agent_queue.tenant > tenants.tenant)
        FROM tenants WHERE tenant IS NOT NULL
    )
    SELECT tenant FROM tenants WHERE tenant IS NOT NULL
    """
)
# Whoever waits for none of these rows cannot be waited for in a circle.
_STILL = text(
    """
    WITH waiting AS (
      SELECT case_id FROM support_case
        JOIN unnest(CAST(:cases AS uuid[]), CAST(:case_versions AS int[]))
             AS seen (case_id, version)
       USING (case_id, version) WHERE state = 'waiting' ORDER BY case_id
         FOR UPDATE OF support_case SKIP LOCKED
    ), there AS (
      SELECT agent FROM agent
        JOIN unnest(CAST(:agents AS text[]), CAST(:agent_versions AS int[]))
             AS seen (agent, version)
       USING (agent, version) WHERE tenant = :tenant ORDER BY agent
         FOR UPDATE OF agent SKIP LOCKED
    )
    SELECT ARRAY(SELECT case_id FROM waiting) AS cases, ARRAY(SELECT agent FROM there) AS agents
    """
)


class Still(Struct, frozen=True):
    """The cases that still wait, and the agents who are still as they were read; all locked."""

    cases: frozenset[UUID]
    agents: frozenset[str]


async def tenants(connection: AsyncConnection) -> list[str]:
    """Return the tenants that have agents."""
    return list((await connection.execute(_TENANTS)).scalars())


async def waiting_queues(connection: AsyncConnection, tenant: str, most: int) -> list[str]:
    """Return the queues in which something waits, `most` at most."""
    parameters = {"tenant": tenant, "most": most}
    return list((await connection.execute(_WAITING_QUEUES, parameters)).scalars())


async def free_agents(connection: AsyncConnection, tenant: str, after: str, most: int) -> list[str]:
    """Return the next agents who are there and have room, `most` at most, by id."""
    parameters = {"tenant": tenant, "after": after, "most": most}
    return list((await connection.execute(_FREE, parameters)).scalars())


async def staffed(connection: AsyncConnection, tenant: str, queues: Collection[str]) -> set[str]:
    """Return those of these queues in which somebody is there and has room."""
    if not queues:
        return set()
    parameters = {"tenant": tenant, "queues": list(queues)}
    return set((await connection.execute(_STAFFED, parameters)).scalars())


async def lanes(
    connection: AsyncConnection, tenant: str, queues: Collection[str]
) -> dict[Lane, str]:
    """Return the lanes of these queues in which something waits, with their names."""
    if not queues:
        return {}
    parameters = {"tenant": tenant, "queues": list(queues)}
    rows = (await connection.execute(_LANES, parameters)).all()
    return {_asked(name).in_queue(queue): name for queue, name in rows}


async def heads(
    connection: AsyncConnection, tenant: str, lanes: Mapping[Lane, str], most: int
) -> dict[Lane, list[Head]]:
    """Return the first `most` waiting cases of every lane, in their order."""
    listed = list(lanes)
    parameters = {
        "tenant": tenant,
        "queues": [lane.queue for lane in listed],
        "lanes": list(lanes.values()),
        "most": most,
    }
    found: dict[Lane, list[Head]] = {lane: [] for lane in listed}
    asked = [(lane, dict(lane.skills), found[lane]) for lane in listed]
    rows = (await connection.execute(_HEADS, parameters)).all()
    for place, case_id, version, contact, rank, preferred, reserved_until, refusals in rows:
        lane, skills, cases = asked[place - 1]
        refused = msgspec.convert(refusals, dict[str, Refusal]) if refusals else {}
        asks = (lane.queue, lane.channel, lane.units, skills)
        here = (case_id, version, contact, rank, preferred, reserved_until)
        cases.append(Head(tenant, *asks, *here, refused))
    return found


async def named(connection: AsyncConnection, tenant: str, agents: Collection[str]) -> list[Agent]:
    """Return those of these agents who are there and have room."""
    if not agents:
        return []
    rows = await connection.execute(_NAMED, {"tenant": tenant, "agents": list(agents)})
    return [agent_of(row) for row in rows.mappings()]


async def known(connection: AsyncConnection, tenant: str, agents: Collection[str]) -> list[Agent]:
    """Return these agents, whether they are there or not."""
    if not agents:
        return []
    rows = await connection.execute(_KNOWN, {"tenant": tenant, "agents": list(agents)})
    return [agent_of(row) for row in rows.mappings()]


async def able(
    connection: AsyncConnection, tenant: str, lanes: Collection[Lane], most: int
) -> list[Agent]:
    """Return who could take a case of these lanes, the first `most` of each."""
    if not lanes:
        return []
    parameters = {
        "tenant": tenant,
        "queues": [lane.queue for lane in lanes],
        "skills": [msgspec.json.encode(dict(sorted(lane.skills))).decode() for lane in lanes],
        "most": most,
    }
    rows = await connection.execute(_ABLE, parameters)
    return [agent_of(row) for row in rows.mappings()]


async def still_as_read(
    connection: AsyncConnection, tenant: str, heads: Iterable[Head], agents: Iterable[Agent]
) -> Still:
    """Lock those of these whom nobody changes or has changed meanwhile."""
    cases, people = list(heads), list(agents)
    parameters = {
        "tenant": tenant,
        "cases": [head.case_id for head in cases],
        "case_versions": [head.version for head in cases],
        "agents": [agent.agent for agent in people],
        "agent_versions": [agent.version for agent in people],
    }
    row = (await connection.execute(_STILL, parameters)).one()
    return Still(frozenset(row.cases), frozenset(row.agents))


class _Asked(Struct, frozen=True):
    """What a lane asks for, whatever its queue."""

    channel: str
    units: int
    skills: frozenset[tuple[str, int]]

    def in_queue(self, queue: str) -> Lane:
        """Return the lane of a queue that asks for this."""
        return Lane(queue, self.channel, self.units, self.skills)


@lru_cache(maxsize=10_000)
def _asked(lane: str) -> _Asked:
    """Read the column `lane`, whose expression stands in the migration that made it."""
    channel, units, skills = lane.split(" ", 2)
    return _Asked(channel, int(units), frozenset(msgspec.json.decode(skills).items()))
