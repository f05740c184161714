"""Live streams of customers over real connections: what is new, what changes, and where it was."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.integration.timeline.conftest import Rows, Tell
from tests.unit.timeline.telling import (
    HANAKO_LINE,
    HANAKO_MAIL,
    HANAKO_TEL,
    TENANT,
    change,
    mail,
    message,
    profile,
    report,
    status,
)

from common.core.delivery import DeliveryStatus
from common.core.events import Direction, MessageKind
from common.core.ids import customer_id
from common.edges.clock import system_clock
from common.edges.consuming import ConsumingService
from common.edges.streaming import MOST_PARTS, Stream
from common.testing.working import streaming
from local_stack.tokens import SigningKey
from timeline.edges.live_feed import CustomersHub
from timeline.settings import Settings
from timeline.wiring import build

PATIENCE = 20
HANAKO = customer_id(TENANT, HANAKO_LINE)

Event = tuple[str, dict[str, Any]]


class Events:
    """Server-sent events as they come: (name, data). `last` is the last id that was given."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()
        self.last = ""

    async def next(self) -> Event:
        fields: dict[str, str] = {}
        async with asyncio.timeout(PATIENCE):
            async for line in self._lines:
                name, _, value = line.partition(": ")
                if line and name:
                    fields[name] = value
                    continue
                self.last = fields.get("id", self.last)
                if "data" in fields:
                    return fields["event"], json.loads(fields["data"])
                fields = {}
        raise EndedError

    async def some(self, count: int) -> list[Event]:
        return [await self.next() for _ in range(count)]


class EndedError(Exception):
    """The server ended the stream."""


Follow = Callable[..., AbstractAsyncContextManager[Events]]


@pytest.fixture
def service(migrated: str, signing_key: SigningKey) -> ConsumingService:
    return build(Settings(database=migrated, jwks=str(signing_key.jwks), live_streams=60))


@pytest.fixture
async def live(service: ConsumingService) -> AsyncIterator[str]:
    """The service's HTTP surface and its streams, running; no consumer."""
    async with streaming(service, CustomersHub) as address:
        yield address


@pytest.fixture
def token(signing_key: SigningKey) -> Callable[..., str]:
    def token(tenant: str = TENANT, lives: timedelta = timedelta(hours=12)) -> str:
        issued = system_clock() + lives - timedelta(hours=12)
        return signing_key.token(
            tenant=tenant, scopes=["timeline:read"], subject="desk", now=issued
        )

    return token


@pytest.fixture
def following(live: str, token: Callable[..., str]) -> Follow:
    """Follow a customer; the first event, whom the stream follows, is taken off."""

    @asynccontextmanager
    async def run(
        customer: UUID = HANAKO, after: str | None = None, **of: Any
    ) -> AsyncIterator[Events]:
        headers = {"Authorization": f"Bearer {token(**of)}"}
        if after is not None:
            headers["Last-Event-ID"] = after
        async with (
            httpx.AsyncClient(base_url=live, timeout=PATIENCE) as client,
            client.stream("GET", f"/v1/customers/{customer}/events", headers=headers) as answer,
        ):
            assert answer.status_code == 200, await answer.aread()
            assert answer.headers["content-type"].startswith("text/event-stream")
            events = Events(answer)
            name, data = await events.next()
            assert (name, list(data)) == ("following", ["customer"])
            yield events

    return run


def sent(number: int, **fields: Any) -> Any:
    return message(
        minutes=number,
        text=f"ご返信です。{number}",
        message_id=f"s{number}",
        direction=Direction.OUTBOUND,
        **fields,
    )


async def test_a_new_message_comes_as_pages_show_it_and_a_change_of_it_as_the_whole_item(
    following: Follow, tell: Tell
) -> None:
    await tell(message(text="こんにちは。"))
    async with following() as events:
        await tell(message(minutes=1, text="電源が入りません。", message_id="m2"))
        name, item = await events.next()
        assert (name, item["data"]["text"]) == ("entry", "電源が入りません。")
        await tell(change(MessageKind.EDIT, "m2", 2, "電源が入らなくなりました。"))
        told = dict(await events.some(2))
        assert told["entry"]["kind"] == "edit"
        assert [one["text"] for one in told["changed"]["versions"]] == [
            "電源が入りません。",
            "電源が入らなくなりました。",
        ]
        assert told["changed"]["id"] == item["id"]


async def test_a_delivery_status_changes_the_item_and_one_that_says_nothing_new_does_not(
    following: Follow, tell: Tell
) -> None:
    await tell(message())
    async with following() as events:
        await tell(sent(1))
        assert (await events.next())[1]["delivery"] is None
        await tell(status(DeliveryStatus.READ, 3, message_id="s1"))
        name, item = await events.next()
        assert (name, item["delivery"]["status"]) == ("changed", "read")
        await tell(status(DeliveryStatus.DELIVERED, 4, message_id="s1"))  # came late
        await tell(sent(5))
        assert (await events.next())[1]["data"]["message_id"] == "s5"


async def test_a_bounce_that_a_machine_wrote_changes_the_mail_of_the_customer(
    following: Follow, tell: Tell
) -> None:
    await tell(mail())
    async with following(customer_id(TENANT, HANAKO_MAIL)) as events:
        labels = {"report": "bounce", "bounce_recipient": "hanako.suzuki@example.jp"}
        daemon = "email:mailer-daemon@mx.example.jp"
        await tell(report(MessageKind.BOUNCE, 2, daemon, **labels))
        name, item = await events.next()
        assert (name, item["delivery"]["status"]) == ("changed", "failed")


async def test_a_status_of_a_message_that_is_not_recent_is_told_by_reference(
    following: Follow, tell: Tell
) -> None:
    await tell(sent(0), *(message(minutes=n, message_id=f"m{n}") for n in range(1, 60)))
    async with following() as events:
        await tell(status(DeliveryStatus.READ, 70, message_id="s0"))
        name, told = await events.next()
        assert (name, list(told)) == ("amended", ["message"])


async def test_who_comes_back_is_told_what_he_missed_and_nothing_twice(
    following: Follow, tell: Tell
) -> None:
    await tell(message())
    async with following() as events:
        await tell(message(minutes=1, message_id="m2"))
        await events.next()
    await tell(message(minutes=2, text="見えますか。", message_id="m3"), sent(3))
    await tell(message("line:1657000000:Uother", minutes=5, message_id="x"))
    async with following(after=events.last) as again:
        first, second = await again.some(2)
        assert (first[0], first[1]["data"]["text"]) == ("entry", "見えますか。")
        assert (second[0], second[1]["data"]["message_id"]) == ("entry", "s3")
    async with following(after=again.last) as last:
        await tell(message(minutes=9, message_id="m9"))
        assert (await last.next())[1]["data"]["message_id"] == "m9"


async def test_any_cut_in_a_stream_loses_nothing(following: Follow, tell: Tell) -> None:
    """Whoever leaves after any event and comes back sees every item at its latest in the end."""
    await tell(sent(0), message(minutes=2, message_id="m2"))
    async with following() as events:
        start = events.last
    await tell(change(MessageKind.EDIT, "m2", 3, "訂正します。"))
    await tell(status(DeliveryStatus.READ, 4, message_id="s0"))
    await tell(sent(5))
    async with following(after=start) as events:
        whole = await events.some(4)
    assert [name for name, _ in whole] == ["entry", "changed", "changed", "entry"]
    latest = {item["id"]: item for _, item in whole}
    for cut in range(1, 5):
        async with following(after=start) as events:
            seen = {item["id"]: item for _, item in await events.some(cut)}
        async with following(after=events.last) as events:
            while seen != latest:
                _, item = await events.next()
                seen[item["id"]] = item


@pytest.mark.parametrize("after", ["0", "9000000000000000000"])
async def test_who_comes_with_an_id_that_the_log_does_not_have_is_told_to_reload(
    following: Follow, tell: Tell, after: str
) -> None:
    await tell(message())
    async with following(after=after) as events:
        assert await events.next() == ("reload", {})
        await tell(message(minutes=1, message_id="m2"))
        assert (await events.next())[0] == "entry"


async def test_a_stream_follows_the_customer_into_whom_his_was_merged(
    following: Follow, tell: Tell
) -> None:
    await tell(message(HANAKO_TEL), message(HANAKO_LINE, minutes=1))
    older, younger = customer_id(TENANT, HANAKO_TEL), HANAKO
    async with following(older) as one, following(younger) as other:
        await tell(profile([HANAKO_TEL, HANAKO_LINE], minutes=2))
        for events in (one, other):
            name, told = await events.next()
            assert (name, told["customer"]) == ("customer.merged", str(older))
            assert (told["from"], told["to"]) == (str(younger), str(older))
        await tell(
            message(HANAKO_LINE, minutes=3, text="ラインからも失礼します。", message_id="m3")
        )
        for events in (one, other):
            assert (await events.next())[1]["data"]["text"] == "ラインからも失礼します。"


async def test_who_was_away_during_a_merge_is_told_of_it(following: Follow, tell: Tell) -> None:
    await tell(message(HANAKO_TEL), message(HANAKO_LINE, minutes=1))
    async with following() as events:
        pass
    await tell(profile([HANAKO_TEL, HANAKO_LINE], minutes=2))
    await tell(message(HANAKO_TEL, minutes=3, message_id="m3"))
    async with following(after=events.last) as events:
        assert [name for name, _ in await events.some(2)] == ["customer.merged", "entry"]


async def test_other_tenants_see_nothing_and_hear_nothing(
    live: str, following: Follow, token: Callable[..., str], tell: Tell
) -> None:
    await tell(message())
    await tell(message(tenant="globex"))
    async with httpx.AsyncClient(base_url=live) as client:
        headers = {"Authorization": f"Bearer {token(tenant='globex')}"}
        answer = await client.get(f"/v1/customers/{HANAKO}/events", headers=headers)
        assert answer.status_code == 404
    theirs = customer_id("globex", HANAKO_LINE)
    async with following(theirs, tenant="globex") as events:
        await tell(message(minutes=1, message_id="m2"))
        await tell(status(DeliveryStatus.READ, 2))
        await tell(message(minutes=3, message_id="m3", tenant="globex"))
        assert (await events.next())[1]["data"]["message_id"] == "m3"


async def test_a_stream_ends_when_its_token_does(following: Follow, tell: Tell) -> None:
    await tell(message())
    async with following(lives=timedelta(seconds=2)) as events:
        with pytest.raises(EndedError):
            await events.next()


async def test_a_server_that_drains_ends_its_streams(
    following: Follow, tell: Tell, service: ConsumingService
) -> None:
    await tell(message())
    async with following() as events:
        service.health.draining = True
        with pytest.raises(EndedError):
            await events.next()


async def test_there_is_a_limit_on_open_streams(
    live: str, following: Follow, token: Callable[..., str], tell: Tell
) -> None:
    await tell(message())
    headers = {"Authorization": f"Bearer {token()}"}

    async def held(ready: asyncio.Barrier, over: asyncio.Event) -> dict[str, Any]:
        async with following() as events:
            await ready.wait()
            item = (await events.next())[1]
            await over.wait()
            return item

    ready, over = asyncio.Barrier(61), asyncio.Event()
    streams = [asyncio.create_task(held(ready, over)) for _ in range(60)]
    await ready.wait()
    async with httpx.AsyncClient(base_url=live) as client:
        answer = await client.get(f"/v1/customers/{HANAKO}/events", headers=headers)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    await tell(message(minutes=1, message_id="m2"))
    over.set()
    assert {item["data"]["message_id"] for item in await asyncio.gather(*streams)} == {"m2"}


async def test_a_burst_that_no_reader_could_take_ends_in_a_reload(
    following: Follow, tell: Tell
) -> None:
    await tell(message())
    async with following() as events:
        await tell(*(message(minutes=n, message_id=f"b{n}") for n in range(MOST_PARTS + 5)))
        assert (await events.next())[0] == "reload"
        await tell(message(minutes=900, message_id="later"))
        assert (await events.next())[1]["data"]["message_id"] == "later"


async def test_numbers_have_no_gap_and_follow_the_commits(tell: Tell, rows: Rows) -> None:
    await tell(message(), message())  # the second is the first again
    await tell(message(minutes=1, message_id="m2"), sent(2))
    (start,), (total,) = (
        await rows("SELECT min(last) FROM change"),
        await rows("SELECT total FROM change_count"),
    )
    assert total[0] - start[0] == 2


async def test_a_silent_stream_says_now_and_then_that_it_is_there() -> None:
    stream = Stream()
    assert (await stream.next(0.001) or b"").startswith(b":")
