"""A customer at a glance: the same from any order of events and after any rebuild, over HTTP in its shape."""

import json
from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from random import Random

import httpx
import jsonschema
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.timeline.conftest import Rows, Tell, on_the_bus
from tests.unit.timeline.figures_telling import Case
from tests.unit.timeline.telling import (
    HANAKO_LINE,
    HANAKO_MAIL,
    TENANT,
    after,
    message,
    profile,
)

from common.core.cloudevents import Event
from common.core.events import Direction
from common.core.ids import customer_id
from common.core.surveys import Question
from timeline.core.head import Head, head_of
from timeline.edges.figures_follow import FiguresFollower
from timeline.edges.head import known_of
from timeline.edges.head_examples import HEAD
from timeline.edges.readers import Readers

HANAKO = customer_id(TENANT, HANAKO_LINE)
Learn = Callable[..., Awaitable[None]]


@pytest.fixture
def learn(writer: AsyncEngine) -> Learn:
    """Have events counted in batches of a few, as the figures' own consumer does."""

    async def run(events: Sequence[Event], size: int = 5) -> None:
        for start in range(0, len(events), size):
            async with writer.begin() as connection:
                batch = on_the_bus(events[start : start + size], count())
                await FiguresFollower("JP")(connection, batch)

    return run


@pytest.fixture
def seen(readers: Readers) -> Callable[[], Awaitable[Head]]:
    """Return the head of 鈴木花子, two hours after the start."""

    async def run() -> Head:
        known = await known_of(readers.questions, TENANT, HANAKO)
        assert known is not None
        return head_of(known, after(120))

    return run


@pytest.fixture
def history() -> list[Event]:
    """Four cases of one person over two channels, with what was asked and answered."""
    cases = [
        Case("1", HANAKO_MAIL).opened(0).taken(1).resolved(5).surveyed(6).rated(7, 5),
        Case("2", HANAKO_MAIL)
        .opened(10)
        .taken(11, "ito")
        .resolved(15, "ito")
        .surveyed(16)
        .rated(17, 1),
        Case("3").opened(20).taken(21, "tanaka").answered(22, "tanaka", first=True, in_time=True),
        Case("4").opened(30).resolved(31, "abe").rated(32, 9, Question.NPS).reopened(33),
    ]
    return [event for case in cases for event in case.told]


@pytest.fixture
def written() -> list[Event]:
    """What she wrote meanwhile, and what we wrote."""
    return [
        message(HANAKO_MAIL, 0, "請求書をください。", channel="email", message_id="a"),
        message(minutes=20, text="電源が入りません。", message_id="b"),
        message(minutes=21, text="確認します。", message_id="c", direction=Direction.OUTBOUND),
        message(minutes=40, text="最悪です。", message_id="d"),
        message(minutes=41, text="まだですか。", message_id="e"),
        message(minutes=42, text="もう解約します。", message_id="f"),
        profile((HANAKO_LINE, HANAKO_MAIL), minutes=43, name="鈴木 花子"),
    ]


async def test_a_head_tells_of_all_contacts_with_the_events_behind_it(
    tell: Tell,
    learn: Learn,
    seen: Callable[[], Awaitable[Head]],
    history: list[Event],
    written: list[Event],
) -> None:
    await tell(*written)
    await learn(history)

    head = await seen()

    told = {event.attributes.id for event in (*history, *written)}
    assert {case.queue for case in head.open_cases} == {"returns"}
    assert len(head.open_cases) == 2
    assert [one.agent for one in head.last_agents] == ["abe", "tanaka", "ito"]
    assert head.csat is not None
    assert (head.csat.answers, head.csat.direction) == (2, "down")
    assert head.nps is not None
    assert head.nps.score == 9
    assert head.channel is not None
    assert (head.channel.value, head.channel.share) == ("line", 0.8)
    assert {sign.kind for sign in head.signals} == {"falling_satisfaction", "negative_run"}
    behind = [
        *(event for case in head.open_cases for event in case.events),
        *(one.event for one in head.last_agents),
        *(event for sign in head.signals for event in sign.events),
        *head.csat.events,
        *head.channel.events,
    ]
    assert set(behind) <= told


@pytest.mark.parametrize("seed", range(4))
async def test_any_order_and_repetition_gives_the_same_head(
    tell: Tell,
    learn: Learn,
    seen: Callable[[], Awaitable[Head]],
    rows: Rows,
    history: list[Event],
    written: list[Event],
    writer: AsyncEngine,
    seed: int,
) -> None:
    await tell(*written)
    await learn(history)
    expected = await seen()
    async with writer.begin() as connection:
        for table in ("figure_case", "figure_case_agent", "figure_count", "figure_message"):
            await connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - a constant
    assert (await seen()).open_cases == ()

    shuffled = [*history, *history[::3]]
    Random(seed).shuffle(shuffled)  # noqa: S311 - a test's disorder
    await learn(shuffled, size=3)

    assert await seen() == expected
    assert await rows("SELECT count(*) FROM figure_case") == [(4,)]


async def test_an_open_case_is_found_behind_any_number_of_resolved_ones(
    tell: Tell, learn: Learn, seen: Callable[[], Awaitable[Head]]
) -> None:
    await tell(message())
    old = Case("old").opened(0)
    done = [Case(str(number)).opened(number).resolved(number + 1) for number in range(1, 60)]
    await learn([event for case in (old, *done) for event in case.told], size=100)

    assert [case.case_id for case in (await seen()).open_cases] == [old.id]


async def test_a_tool_gets_a_head_in_the_documented_shape(
    client: httpx.AsyncClient,
    tell: Tell,
    learn: Learn,
    history: list[Event],
    written: list[Event],
) -> None:
    await tell(*written)
    await learn(history)

    answer = await client.get(f"/v1/customers/{HANAKO}/head")

    document = (await client.get("/openapi.json")).json()
    schema = {"$ref": "#/components/schemas/Head", "components": document["components"]}
    assert answer.status_code == 200
    jsonschema.validate(answer.json(), schema)
    jsonschema.validate(json.loads(json.dumps(HEAD)), schema)
    assert answer.json()["customer"]["name"] == "鈴木 花子"
    assert set(answer.json()["definitions"]) >= {"csat", "open_cases"}


async def test_nobody_has_no_head(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"/v1/customers/{HANAKO}/head")).status_code == 404
