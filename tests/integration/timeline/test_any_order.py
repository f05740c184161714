"""Whatever the order, the batches and the repetitions, the same events make the same timeline."""

import asyncio
import secrets
from collections.abc import Collection, Sequence

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.timeline.conftest import NOW
from tests.integration.timeline.test_rebuilding import HISTORY, topic

from common.edges.batches import Received
from common.edges.database import create_writer_engine
from common.edges.migrations import migrate
from timeline.core.recording import entry_of, position_of
from timeline.edges.consume import Historian
from timeline.edges.search_index import touch
from timeline.wiring import MIGRATIONS

# On the bus each event has its place; how it reaches us is what differs.
BUS = [
    Received(topic(event), 0, offset, NOW, event)
    for offset, event in enumerate({event.attributes.id: event for event in HISTORY}.values())
]
# What each question may see: whose contacts are whose, what stands on pages, what searches find.
QUESTIONS = {
    "contacts": "SELECT tenant, address, customer_id, first_seen, shared, popular FROM contact",
    "customers": "SELECT id, tenant, created_at, merged_into FROM customer",
    "entries": """SELECT address, event_id, occurred_at, learned_at, topic, partition, "offset",
                         kind, channel, direction, message, about, conversation, body::text
                    FROM entry JOIN contact ON contact.id = contact_id""",
    "amendments": """SELECT address, event_id, about, kind, body::text
                       FROM amendment JOIN contact ON contact.id = contact_id""",
    "profiles": "SELECT customer_ref, event_id, changed_at, body::text FROM profile",
    "evidence": """SELECT customer_ref, address, cause, changed_at, refused
                     FROM link JOIN contact ON contact.id = contact_id""",
    "documents": """SELECT address, event_id, kind, plain, terms::text
                      FROM search_document JOIN contact ON contact.id = contact_id""",
}

Answers = dict[str, list[str]]


@st.composite
def deliveries(draw: st.DrawFn) -> list[list[Received]]:
    """Return the events in any order, some of them again, cut into batches anywhere."""
    order = draw(st.permutations(BUS))
    again = draw(st.lists(st.sampled_from(BUS), max_size=6))
    told = [*order, *again]
    cuts = sorted(draw(st.sets(st.integers(1, len(told) - 1), max_size=6)))
    return [told[start:end] for start, end in zip([0, *cuts], [*cuts, len(told)], strict=True)]


async def timeline_of(database: str, batches: Sequence[Sequence[Received]]) -> Answers:
    """Tell a new timeline these batches, and ask it everything."""
    schema = f"order_{secrets.token_hex(4)}"
    await asyncio.to_thread(migrate, MIGRATIONS, database, schema)
    engine = create_writer_engine(database, schema)
    try:
        for batch in batches:
            await _write(engine, batch)
        return await answers_of(engine, QUESTIONS)
    finally:
        async with engine.begin() as connection:
            await connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
        await engine.dispose()


async def answers_of(engine: AsyncEngine, names: Collection[str]) -> Answers:
    async with engine.connect() as connection:
        return {
            name: sorted(str(tuple(row)) for row in await connection.execute(text(QUESTIONS[name])))
            for name in names
        }


async def _write(engine: AsyncEngine, batch: Sequence[Received]) -> None:
    entries = [
        entry
        for one in batch
        if (
            entry := entry_of(
                one.event, position_of(one.topic, one.partition, one.offset), one.published_at, "JP"
            )
        )
    ]
    async with engine.begin() as connection:
        await Historian(lambda: NOW, "JP")(connection, batch)
    async with engine.begin() as connection:
        await touch(connection, entries)


@pytest.fixture
def in_order(database_url: str) -> Answers:
    """Return what the timeline is after one batch in the order of the bus."""
    answers = asyncio.run(timeline_of(database_url, [BUS]))
    assert all(answers.values()), "no answer is empty, or it would prove nothing"
    return answers


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=deliveries())
def test_any_order_and_repetition_gives_the_same_customers_timelines_and_search_results(
    database_url: str, in_order: Answers, batches: list[list[Received]]
) -> None:
    found = asyncio.run(timeline_of(database_url, batches))
    for name, answer in in_order.items():
        assert found[name] == answer, name
