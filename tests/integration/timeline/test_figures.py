"""Counts are exactly what the set of events says, whatever came when and how often."""

from collections.abc import Awaitable, Callable
from itertools import count

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.timeline.conftest import on_the_bus
from tests.unit.timeline.figures_telling import Case
from tests.unit.timeline.telling import HANAKO_LINE, TENANT

from common.core.cloudevents import Event
from common.edges.database import reading
from timeline.core.figures_steps import CaseState
from timeline.edges.case_story import latest_cases, open_cases
from timeline.edges.figures_follow import FiguresFollower

Learn = Callable[..., Awaitable[None]]


@pytest.fixture
def learn(writer: AsyncEngine) -> Learn:
    """Have a batch counted, as the figures' own consumer does."""
    offsets = count()

    async def learn(*events: Event) -> None:
        async with writer.begin() as connection:
            await FiguresFollower("JP")(connection, on_the_bus(events, offsets))

    return learn


async def test_a_desk_reads_what_is_open_and_who_knows_the_customer(
    learn: Learn, reader: AsyncEngine
) -> None:
    done = Case("1").opened(0).taken(1).answered(2, first=True, in_time=True).resolved(5)
    waiting = Case("2").opened(10, queue="billing").taken(12, "tanaka")
    await learn(*done.told, *waiting.told)
    async with reading(reader, TENANT) as connection:
        [story] = await open_cases(connection, TENANT, [HANAKO_LINE])
        latest = await latest_cases(connection, TENANT, [HANAKO_LINE])
    assert (story.case_id, story.queue, story.agent) == (waiting.id, "billing", "tanaka")
    assert [one.case_id for one in latest] == [waiting.id, done.id]
    assert latest[1].state is CaseState.RESOLVED
    assert latest[1].first_response.kept
