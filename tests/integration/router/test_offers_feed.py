"""The live feed of offers, over a real connection: what stands, what changes, and where it was."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from common.core.work import Presence
from common.edges.clock import system_clock
from common.edges.consuming import ConsumingService
from common.edges.streaming import MOST_PARTS
from common.testing.working import streaming
from router.edges.agents_store import touch
from router.edges.offers_feed import Feed, OffersHub

Handle = Callable[..., Awaitable[None]]
Rows = Callable[..., Awaitable[list[Any]]]
Write = Callable[..., Any]
Offer = Callable[..., Awaitable[list[str]]]

TANAKA = {"skills": {"network": 3, "japanese": 5}, "queues": ["technical"], "capacity": 5}
FEED = "/v1/agents/tanaka/offers"
PATIENCE = 20


class Events:
    """Server-sent events as they come: (id, data); what only sets the id has no data."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()

    async def next(self) -> tuple[int, dict[str, Any] | None]:
        fields: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE):
            async for line in self._lines:
                name, _, value = line.partition(": ")
                if line and name:
                    fields[name] = value
                elif "id" in fields:
                    data = json.loads(fields["data"]) if "data" in fields else None
                    return int(fields["id"]), data
                else:
                    fields = {}
        raise AssertionError("the feed ended")


@pytest.fixture
async def live(service: ConsumingService) -> AsyncIterator[str]:
    """The service's HTTP surface and its feeds, running; no consumer, no ticker."""
    async with streaming(service, OffersHub) as address:
        yield address


@pytest.fixture
def listening(live: str, tanaka: dict[str, str]) -> Callable[..., Any]:
    """Open the feed of 田中."""

    @asynccontextmanager
    async def run(after: int | None = None) -> AsyncIterator[Events]:
        headers = {**tanaka, "Accept": "text/event-stream"}
        if after is not None:
            headers["Last-Event-ID"] = str(after)
        async with (
            httpx.AsyncClient(base_url=live, timeout=PATIENCE) as client,
            client.stream("GET", FEED, headers=headers) as answer,
        ):
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield Events(answer)

    return run


async def test_a_feed_begins_with_what_stands_and_goes_on_with_what_changes(
    api: httpx.AsyncClient,
    listening: Callable[..., Any],
    signs_in: Any,
    handle: Handle,
    says: Write,
    offers: Offer,
    tanaka: dict[str, str],
) -> None:
    await signs_in("tanaka", TANAKA)
    await handle([says("障害です")])
    (first,) = await offers("tanaka")
    async with listening() as events:
        _, shown = await events.next()
        assert (shown["offer_id"], shown["state"]) == (first, "made")
        place, nothing = await events.next()
        assert nothing is None
        await api.post(f"/v1/offers/{first}/accept", headers=tanaka)
        version, accepted = await events.next()
        assert (accepted["state"], version > place) == ("accepted", True)
        await handle([says("障害です", contact="line:main:U2")])
        await offers("tanaka")
        _, second = await events.next()
        assert (second["state"], second["case"]["contact"]) == ("made", "line:main:U2")


async def test_who_comes_back_is_told_what_he_missed_and_nothing_twice(
    api: httpx.AsyncClient,
    listening: Callable[..., Any],
    signs_in: Any,
    handle: Handle,
    says: Write,
    offers: Offer,
    tanaka: dict[str, str],
) -> None:
    await signs_in("tanaka", TANAKA)
    async with listening() as events:
        place, _ = await events.next()
    await handle([says("障害です")])
    (made,) = await offers("tanaka")
    await api.post(f"/v1/offers/{made}/decline", headers=tanaka)
    async with listening(place) as events:
        place, missed = await events.next()
        assert (missed["offer_id"], missed["state"]) == (made, "declined")
    await handle([says("障害です", contact="line:main:U2")])
    (other,) = await offers("tanaka")
    async with listening(place) as events:
        assert (await events.next())[1]["offer_id"] == other


async def test_who_comes_with_an_id_that_was_never_given_begins_anew(
    listening: Callable[..., Any], signs_in: Any, handle: Handle, says: Write, offers: Offer
) -> None:
    await signs_in("tanaka", TANAKA)
    await handle([says("障害です")])
    (made,) = await offers("tanaka")
    async with listening(2_000_000) as events:
        assert (await events.next())[1]["offer_id"] == made


async def test_many_streams_of_one_process_each_get_everything(
    listening: Callable[..., Any], signs_in: Any, handle: Handle, says: Write, offers: Offer
) -> None:
    await signs_in("tanaka", TANAKA)

    async def told(ready: asyncio.Barrier) -> str:
        async with listening() as events:
            await events.next()
            await ready.wait()
            _, shown = await events.next()
            return str(shown["offer_id"])

    ready = asyncio.Barrier(41)
    streams = [asyncio.create_task(told(ready)) for _ in range(40)]
    await ready.wait()
    await handle([says("障害です")])
    (made,) = await offers("tanaka")
    assert await asyncio.gather(*streams) == [made] * 40


async def test_a_reader_who_is_too_slow_is_let_go() -> None:
    feed = Feed(("acme", "tanaka"), None)
    for _ in range(MOST_PARTS + 1):
        feed.tell(b"x")
    assert await feed.next(PATIENCE) is None


async def test_streams_keep_their_agents_signed_in_and_bring_nobody_back(
    writer: AsyncEngine,
    signs_in: Any,
    rows: Rows,
    api: httpx.AsyncClient,
    supervisor: dict[str, str],
) -> None:
    await signs_in("tanaka", TANAKA)
    await signs_in("mori", TANAKA)
    body = {"presence": Presence.OFFLINE}
    gone = await api.post("/v1/agents/mori/presence", headers=supervisor, json=body)
    later = system_clock() + timedelta(minutes=5)
    async with writer.begin() as connection:
        await touch(connection, [("acme", "mori"), ("acme", "tanaka")], later)
    seen = {row.agent: row.seen_at for row in await rows("SELECT agent, seen_at FROM agent")}
    assert seen["tanaka"] == later
    assert seen["mori"] < later
    assert gone.status_code == 200
