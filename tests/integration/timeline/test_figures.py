"""Counts are exactly what the set of events says, whatever came when, how often, and beside what."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.timeline.conftest import Rows, Tell, on_the_bus
from tests.unit.timeline.figures_model import Counted, counted_by_hand, lives
from tests.unit.timeline.figures_telling import Case, agent_changed
from tests.unit.timeline.telling import HANAKO_LINE, HANAKO_MAIL, TENANT, message

from common.core.cloudevents import Event
from common.edges.database import create_writer_engine, is_passing, reading
from timeline.edges.figures_follow import FiguresFollower
from timeline.edges.figures_rebuild import (
    FiguresRebuildError,
    Progress,
    Rebuilding,
    rebuild_figures,
)
from timeline.wiring import SERVICE

Learn = Callable[..., Awaitable[None]]

TABLES = ("figure_case", "figure_case_agent", "figure_message", "figure_count")
REBUILDING = Rebuilding(counting="timeline-figures", writing="timeline", region="JP")
COUNTS = text(
    """
    SELECT tenant, measure, quarter, channel, queue, plan, team, agent, value, n
      FROM figure_count WHERE generation = (SELECT number FROM figure_generation WHERE live)
    """
)


@pytest.fixture
def learn(writer: AsyncEngine) -> Learn:
    """Have a batch counted, as the figures' own consumer does."""

    async def learn(*events: Event) -> None:
        await count_batch(writer, events)

    return learn


async def count_batch(engine: AsyncEngine, events: Sequence[Event]) -> None:
    async with engine.begin() as connection:
        await FiguresFollower("JP")(connection, on_the_bus(events, count()))


def parts(events: Sequence[Event], size: int) -> list[Sequence[Event]]:
    return [events[start : start + size] for start in range(0, len(events), size)]


async def counts(engine: AsyncEngine) -> Counted:
    async with engine.connect() as connection:
        rows = await connection.execute(COUNTS)
        return Counted({tuple(row[:-1]): row.n for row in rows})


async def everything(engine: AsyncEngine) -> list[list[str]]:
    """Return all rows of all tables, but for the number of their generation."""
    async with engine.connect() as connection:
        return [
            list(
                await connection.scalars(
                    text(f"SELECT (to_jsonb(t) - 'generation')::text FROM {table} AS t ORDER BY 1")  # noqa: S608 - ours
                )
            )
            for table in TABLES
        ]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=lives(), chance=st.randoms(use_true_random=False))
def test_any_order_and_repetition_in_any_batches_leaves_the_counts_of_the_plain_model(
    migrated: str, told: list[Event], chance: Random
) -> None:
    heard = told + chance.choices(told, k=len(told) // 2)
    chance.shuffle(heard)

    async def check() -> None:
        engine = create_writer_engine(migrated, SERVICE, pool_size=1)
        try:
            async with engine.begin() as connection:
                await connection.execute(text(f"TRUNCATE {', '.join(TABLES)}, figure_agent"))
            for batch in parts(heard, chance.randint(1, 9)):
                await count_batch(engine, batch)
            assert await counts(engine) == counted_by_hand(told)
        finally:
            await engine.dispose()

    asyncio.run(check())


def many_cases(chance: Random) -> list[Event]:
    told = [agent_changed("sato", team, 30 * n, n + 1) for n, team in enumerate(("一課", "二課"))]
    for number in range(40):
        case = Case(str(number), chance.choice([HANAKO_LINE, HANAKO_MAIL]))
        start = chance.randint(0, 60)
        case.opened(start).taken(start + 1).answered(start + 2, first=True, in_time=True)
        case.resolved(start + 5).surveyed(start + 5).rated(start + 9, chance.randint(1, 5))
        told += case.told
        told.append(message(case.contact, start, message_id=f"m{number}"))
    return told


async def test_workers_that_meet_the_same_cases_count_each_once(writer: AsyncEngine) -> None:
    chance = Random(1)  # noqa: S311 - a test's
    told = many_cases(chance)

    async def work() -> None:
        heard = chance.sample(told, k=len(told))
        for batch in parts(heard, 20):
            await again_while_passing(batch)

    async def again_while_passing(batch: Sequence[Event]) -> None:
        while True:
            try:
                return await count_batch(writer, batch)
            except Exception as error:
                if not is_passing(error):
                    raise

    await asyncio.gather(*(work() for _ in range(4)))
    assert await counts(writer) == counted_by_hand(told)


async def test_who_moves_to_another_team_takes_along_only_what_he_does_from_then_on(
    learn: Learn, writer: AsyncEngine
) -> None:
    early = Case("1").opened(0).taken(1).answered(2).resolved(5)
    late = Case("2").opened(50).taken(51).answered(52).resolved(55)
    profiles = [agent_changed("sato", "一課", 0, 1), agent_changed("sato", "二課", 30, 2)]
    await learn(*early.told, *late.told)
    for profile in reversed(profiles):
        await learn(profile)
    counted = await counts(writer)
    assert counted == counted_by_hand([*early.told, *late.told, *profiles])
    assert {key[6] for key in counted} == {"一課", "二課"}


async def test_a_rebuild_beside_what_goes_on_gives_the_very_same_rows(
    tell: Tell, learn: Learn, writer: AsyncEngine
) -> None:
    told = many_cases(Random(2))  # noqa: S311 - a test's
    meanwhile = Case("meanwhile").opened(3).taken(4)
    await tell(*told)
    await learn(*told)
    said: list[Progress] = []

    def report(progress: Progress) -> None:
        said.append(progress)

    async def during() -> None:
        await tell(*meanwhile.told)
        await learn(*meanwhile.told)

    before = await counts(writer)
    _, number = await asyncio.gather(during(), rebuild_figures(writer, REBUILDING, report))
    assert number == 2
    assert await counts(writer) == counted_by_hand([*told, *meanwhile.told])
    assert before == counted_by_hand(told)
    assert said[-1].done == said[-1].total
    rebuilt = await everything(writer)
    await rebuild_figures(writer, REBUILDING, report)
    assert await everything(writer) == rebuilt


async def test_what_was_counted_before_the_timeline_wrote_it_down_is_waited_for(
    learn: Learn, writer: AsyncEngine, monkeypatch: pytest.MonkeyPatch, rows: Rows
) -> None:
    monkeypatch.setattr("timeline.edges.figures_rebuild.LONGEST_WAIT_SECONDS", 0.0)
    await learn(*Case("1").opened(0).told)
    async with writer.begin() as connection:
        await connection.execute(
            text("INSERT INTO partition_offset VALUES ('timeline-figures', 'routing.v1', 0, 9, 1)")
        )
    before = await counts(writer)
    with pytest.raises(FiguresRebuildError, match="not written down yet"):
        await rebuild_figures(writer, REBUILDING, lambda _: None)
    assert await counts(writer) == before
    assert await rows("SELECT number FROM figure_generation WHERE live") == [(1,)]


async def test_while_one_counts_anew_nobody_else_does(writer: AsyncEngine) -> None:
    async with writer.connect() as other:
        await other.execute(text("SELECT pg_advisory_lock(hashtext('timeline.figures.rebuild'))"))
        with pytest.raises(FiguresRebuildError, match="already"):
            await rebuild_figures(writer, REBUILDING, lambda _: None)


async def test_tenants_are_apart_even_when_a_query_forgets_its_filter(
    learn: Learn, reader: AsyncEngine
) -> None:
    for tenant in (TENANT, "globex"):
        case = Case(f"1-{tenant}", tenant=tenant).opened(0).taken(1).resolved(3)
        await learn(*case.told, agent_changed("sato", "一課", 0, tenant=tenant))
        await learn(message(tenant=tenant))
    for table in (*TABLES, "figure_agent"):
        async with reading(reader, "globex") as connection:
            tenants = await connection.scalars(text(f"SELECT tenant FROM {table}"))  # noqa: S608 - ours
            assert set(tenants) == {"globex"}
    for table in TABLES:
        async with reading(reader, "globex") as connection:
            direct = await connection.scalars(text(f"SELECT 1 FROM {table}_1"))  # noqa: S608 - ours
            assert list(direct) == []
