"""Cases, messages and counts as rows of one generation. A few statements a batch, whatever its size."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.edges.waiting import by_turns
from timeline.core.case_story import CaseStory
from timeline.core.figures_facts import CaseKey, Fact, read, written
from timeline.core.figures_observations import Observation
from timeline.core.figures_steps import CaseState

AgentKey = tuple[str, str]  # tenant and agent
Counts = Counter[tuple[str, Observation]]  # by tenant; negative is taken back

# Rows are met in one order by everybody, so that two workers queue up and never deadlock.
_NEW_CASES = text(
    """
    INSERT INTO figure_case (generation, tenant, case_id, contact, open, last_at, facts, counted, story)
    SELECT :generation, tenant, case_id, '', false, 'epoch', :nothing, :nothing, ''
      FROM unnest(CAST(:tenants AS text[]), CAST(:cases AS uuid[])) AS new (tenant, case_id)
     ORDER BY case_id, tenant
    ON CONFLICT DO NOTHING
    """
)
_CASES = text(
    """
    SELECT tenant, case_id, facts, counted
      FROM figure_case
      JOIN unnest(CAST(:tenants AS text[]), CAST(:cases AS uuid[])) AS wanted (tenant, case_id)
           USING (tenant, case_id)
     WHERE generation = :generation
     ORDER BY case_id, tenant FOR UPDATE OF figure_case
    """
)
_WRITE_CASES = text(
    """
    UPDATE figure_case AS known
       SET contact = now.contact, open = now.open, last_at = now.last_at, facts = now.facts,
           counted = now.counted, story = now.story
      FROM unnest(CAST(:tenants AS text[]), CAST(:cases AS uuid[]), CAST(:contacts AS text[]),
                  CAST(:open AS boolean[]), CAST(:last_at AS timestamptz[]),
                  CAST(:facts AS bytea[]), CAST(:counted AS bytea[]), CAST(:stories AS bytea[]))
           AS now (tenant, case_id, contact, open, last_at, facts, counted, story)
     WHERE known.case_id = now.case_id AND known.tenant = now.tenant
       AND known.generation = :generation
    """
)
_ADD_CASE_AGENTS = text(
    """
    INSERT INTO figure_case_agent (generation, tenant, agent, case_id)
    SELECT DISTINCT CAST(:generation AS smallint), tenant, agent, case_id
      FROM unnest(CAST(:tenants AS text[]), CAST(:agents AS text[]), CAST(:cases AS uuid[]))
           AS new (tenant, agent, case_id)
     ORDER BY agent, tenant, case_id
    ON CONFLICT DO NOTHING
    """
)
_CASES_OF_AGENTS = text(
    """
    SELECT tenant, case_id
      FROM unnest(CAST(:tenants AS text[]), CAST(:agents AS text[]), CAST(:since AS timestamptz[]))
           AS moved (tenant, agent, since)
      JOIN figure_case_agent USING (tenant, agent)
      JOIN figure_case USING (generation, tenant, case_id)
     WHERE generation = :generation AND last_at >= moved.since
    """
)
_NEW_MESSAGES = text(
    """
    INSERT INTO figure_message (generation, tenant, event_id, measure, quarter, channel)
    SELECT :generation, tenant, event_id, measure, quarter, channel
      FROM unnest(CAST(:tenants AS text[]), CAST(:events AS uuid[]), CAST(:measures AS text[]),
                  CAST(:quarters AS int[]), CAST(:channels AS text[]))
           AS new (tenant, event_id, measure, quarter, channel)
     ORDER BY event_id, tenant
    ON CONFLICT DO NOTHING RETURNING tenant, event_id
    """
)
_MESSAGES = text(
    """
    SELECT tenant, event_id, measure, quarter, channel
      FROM figure_message
      JOIN unnest(CAST(:tenants AS text[]), CAST(:events AS uuid[])) AS wanted (tenant, event_id)
           USING (tenant, event_id)
     WHERE generation = :generation
     ORDER BY event_id, tenant FOR UPDATE OF figure_message
    """
)
_CORRECT_MESSAGES = text(
    """
    UPDATE figure_message AS known
       SET measure = now.measure, quarter = now.quarter, channel = now.channel
      FROM unnest(CAST(:tenants AS text[]), CAST(:events AS uuid[]), CAST(:measures AS text[]),
                  CAST(:quarters AS int[]), CAST(:channels AS text[]))
           AS now (tenant, event_id, measure, quarter, channel)
     WHERE known.event_id = now.event_id AND known.tenant = now.tenant
       AND known.generation = :generation
    """
)
_KEY = "measure, tenant, quarter, channel, queue, plan, team, agent, value"
_CELLS = """
    unnest(CAST(:tenant AS text[]), CAST(:measure AS text[]), CAST(:quarter AS int[]),
           CAST(:channel AS text[]), CAST(:queue AS text[]), CAST(:plan AS text[]),
           CAST(:team AS text[]), CAST(:agent AS text[]), CAST(:value AS bigint[]),
           CAST(:n AS bigint[]))
    AS told (tenant, measure, quarter, channel, queue, plan, team, agent, value, n)
"""
_COUNT = text(
    f"""
    INSERT INTO figure_count AS known (generation, {_KEY}, n)
    SELECT :generation, {_KEY}, n FROM {_CELLS} ORDER BY {_KEY}
    ON CONFLICT ({_KEY}, generation) DO UPDATE SET n = known.n + excluded.n
    """  # noqa: S608 - column names of our own
)
_FORGET_EMPTY = text(
    f"""
    DELETE FROM figure_count AS known USING {_CELLS}
     WHERE ({", ".join(f"known.{name}" for name in _KEY.split(", "))})
           = ({", ".join(f"told.{name}" for name in _KEY.split(", "))})
       AND known.generation = :generation AND known.n = 0
    """  # noqa: S608 - column names of our own
)
_encode = msgspec.msgpack.Encoder().encode
_encode_story = msgspec.json.Encoder().encode
_read_counted = msgspec.msgpack.Decoder(tuple[Observation, ...]).decode
_NOTHING = _encode(())


class KnownCase(Struct, frozen=True):
    """What is stored of a case: its facts, and what of it stands in the counts."""

    facts: tuple[Fact, ...]
    counted: tuple[Observation, ...]


class CountedCase(Struct, frozen=True):
    """What is to be stored of a case."""

    known: KnownCase
    story: CaseStory
    agents: frozenset[str]


async def lock_cases(
    connection: AsyncConnection, generation: int, keys: Collection[CaseKey]
) -> dict[CaseKey, KnownCase]:
    """Return what is known of these cases, new ones included; nobody else changes them meanwhile."""
    if not keys:
        return {}
    wanted = {**columns(("tenants", "cases"), keys), "generation": generation}
    await connection.execute(_NEW_CASES, wanted | {"nothing": _NOTHING})
    rows = await connection.execute(_CASES, wanted)
    return {
        (row.tenant, row.case_id): KnownCase(read(row.facts), _read_counted(row.counted))
        async for row in by_turns(rows)
    }


async def write_cases(
    connection: AsyncConnection, generation: int, cases: Mapping[CaseKey, CountedCase]
) -> None:
    """Store these cases, which the caller has locked."""
    if not cases:
        return
    rows = [
        (
            *key,
            case.story.contact,
            case.story.state is not CaseState.RESOLVED,
            case.story.last_at,
            written(case.known.facts),
            _encode(case.known.counted),
            _encode_story(case.story),
        )
        async for key, case in by_turns(cases.items())
    ]
    names = ("tenants", "cases", "contacts", "open", "last_at", "facts", "counted", "stories")
    target = {"generation": generation}
    await connection.execute(_WRITE_CASES, columns(names, rows) | target)
    agents = [(key[0], agent, key[1]) for key, case in cases.items() for agent in case.agents]
    if agents:
        named = columns(("tenants", "agents", "cases"), agents)
        await connection.execute(_ADD_CASE_AGENTS, named | target)


async def cases_of_agents(
    connection: AsyncConnection, generation: int, moved: Mapping[AgentKey, datetime]
) -> set[CaseKey]:
    """Return the cases in which something happened since these agents moved and that they worked on."""
    if not moved:
        return set()
    rows = [(*key, since) for key, since in moved.items()]
    named = columns(("tenants", "agents", "since"), rows)
    found = await connection.execute(_CASES_OF_AGENTS, {**named, "generation": generation})
    return {(row.tenant, row.case_id) for row in found}


MessageKey = tuple[str, UUID]  # tenant and event


async def write_messages(
    connection: AsyncConnection, generation: int, told: Mapping[MessageKey, Observation]
) -> Counts:
    """Store what messages count, each once; return by how much the counts change."""
    if not told:
        return Counter()
    target = {"generation": generation}
    fresh = await connection.execute(_NEW_MESSAGES, _message_columns(told) | target)
    new = {(row.tenant, row.event_id) for row in fresh}
    changes: Counts = Counter((key[0], told[key]) for key in new)
    again = [key for key in told if key not in new]
    if again:
        wanted = columns(("tenants", "events"), again)
        rows = await connection.execute(_MESSAGES, {**wanted, **target})
        known = {
            (row.tenant, row.event_id): Observation(row.measure, row.quarter, row.channel)
            for row in rows
        }
        better = {key: told[key] for key in again if told[key] < known[key]}
        if better:
            await connection.execute(_CORRECT_MESSAGES, _message_columns(better) | target)
            changes.update((key[0], now) for key, now in better.items())
            changes.subtract((key[0], known[key]) for key in better)
    return changes


async def write_counts(connection: AsyncConnection, generation: int, changes: Counts) -> None:
    """Add to the counts and take from them. What counts nothing any more is no row."""
    rows = [(tenant, *_cell(seen), n) for (tenant, seen), n in changes.items() if n]
    if not rows:
        return
    names = ("tenant", "measure", "quarter", "channel", "queue", "plan", "team", "agent", "value")
    arrays = {**columns((*names, "n"), rows), "generation": generation}
    await connection.execute(_COUNT, arrays)
    if min(n for *_, n in rows) < 0:
        await connection.execute(_FORGET_EMPTY, arrays)


def _message_columns(told: Mapping[MessageKey, Observation]) -> dict[str, Any]:
    rows = [(*key, str(one.measure), one.quarter, one.channel) for key, one in told.items()]
    return columns(("tenants", "events", "measures", "quarters", "channels"), rows)


def _cell(seen: Observation) -> tuple[Any, ...]:
    return (
        *(str(seen.measure), seen.quarter, seen.channel, seen.queue),
        *(seen.plan, seen.team, seen.agent, seen.value),
    )


def columns(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> dict[str, Any]:
    """Return rows as the arrays that a statement takes."""
    return dict(zip(names, (list(column) for column in zip(*rows, strict=True)), strict=True))
