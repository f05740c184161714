"""Mentions are asked for over real HTTP, from servers that behave as Mastodon and Bluesky do."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import uvicorn
from msgspec.structs import replace
from prometheus_client import REGISTRY
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.errors import TransientError
from common.core.events import Message
from common.edges.database import create_writer_engine
from common.edges.ingest import MIGRATIONS
from common.edges.leases import LeaseOptions, Leases
from common.edges.migrations import migrate
from ingest_social.core.news import News
from ingest_social.core.registry import ADAPTERS
from ingest_social.edges.asking import Asking, BusyError, CredentialError, asking
from ingest_social.edges.cursors import Cursors
from ingest_social.edges.mentions import Listener, Mentions
from ingest_social.edges.streaming import Stream

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
RIGHT = "right"
QUICK = LeaseOptions(term=1.5, beat=0.2)


class Network:
    """One server that is a Mastodon instance and a Bluesky PDS."""

    def __init__(self) -> None:
        self.toots: list[dict[str, Any]] = []  # oldest first
        self.posts: list[dict[str, Any]] = []
        self.token = RIGHT
        self.sessions = 0
        self.tooted = asyncio.Event()
        self.failing: Response | None = None
        self.asked = 0
        self.url = ""

    @property
    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/api/v1/notifications", self.mastodon),
                Route("/api/v1/streaming/user/notification", self.stream),
                Route("/xrpc/com.atproto.server.createSession", self.session, methods=["POST"]),
                Route("/xrpc/app.bsky.notification.listNotifications", self.bluesky),
            ]
        )

    def toot(self, text: str) -> None:
        name = str(100 + len(self.toots))
        self.toots.append(
            {
                "id": name,
                "type": "mention",
                "created_at": "2026-01-15T09:00:00.000Z",
                "account": {"acct": "hanako@example.jp", "url": "https://example.jp/@hanako"},
                "status": {
                    "id": f"s{name}",
                    "account": {"acct": "hanako@example.jp", "url": "https://example.jp/@hanako"},
                    "content": f"<p>{text}</p>",
                },
            }
        )

    def post(self, text: str) -> None:
        count = len(self.posts)
        self.posts.append(
            {
                "uri": f"at://did:plc:hanako/app.bsky.feed.post/{count}",
                "author": {"did": "did:plc:hanako"},
                "reason": "mention",
                "record": {"text": text},
                "indexedAt": f"2026-01-15T09:{count // 60:02}:{count % 60:02}.000Z",
            }
        )

    async def mastodon(self, request: Request) -> Response:
        self.asked += 1
        if self.failing:
            return self.failing
        if request.headers["authorization"] != f"Bearer {self.token}":
            return JSONResponse({"error": "The access token was revoked"}, 401)
        after, limit = request.query_params.get("min_id"), int(request.query_params["limit"])
        if after is None:
            return JSONResponse(self.toots[::-1][:limit])
        newer = [toot for toot in self.toots if int(toot["id"]) > int(after)][:limit]
        return JSONResponse(newer[::-1])

    async def stream(self, request: Request) -> Response:
        if request.headers["authorization"] != f"Bearer {self.token}":
            return Response(status_code=401)

        async def events() -> AsyncIterator[bytes]:
            yield b":thump\n"
            await self.tooted.wait()
            yield b"eve"
            yield b"nt: notification\ndata: {}\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    async def session(self, request: Request) -> Response:
        if (await request.json())["password"] != RIGHT:
            return JSONResponse({"error": "AuthenticationRequired"}, 401)
        self.sessions += 1
        return JSONResponse({"accessJwt": f"jwt-{self.sessions}", "refreshJwt": "r"})

    async def bluesky(self, request: Request) -> Response:
        if request.headers["authorization"] != f"Bearer jwt-{self.sessions}":
            return JSONResponse({"error": "ExpiredToken"}, 400)
        start, limit = (
            int(request.query_params.get("cursor", 0)),
            int(request.query_params["limit"]),
        )
        items = self.posts[::-1][start : start + limit]
        following = {"cursor": str(start + limit)} if start + limit < len(self.posts) else {}
        return JSONResponse({"notifications": items, **following})


@pytest.fixture
async def network() -> AsyncIterator[Network]:
    network = Network()
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    network.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    config = uvicorn.Config(network.app, log_config=None, lifespan="off", ws="none", loop="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    yield network
    server.should_exit = True
    await serving


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    await asyncio.to_thread(migrate, MIGRATIONS, database_url, "ingest_social")
    engine = create_writer_engine(database_url, "ingest_social")
    yield engine
    await engine.dispose()


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=20) as client:
        yield client


class Taken:
    """An intake that keeps what the adapters read."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self.away = False
        self.heard = asyncio.Event()

    async def accept(self, original: Original, account: ChannelAccount) -> None:
        if self.away:
            raise TransientError("kafka: away")
        self.drafts += ADAPTERS[original.provider].parse(original, account)
        self.heard.set()

    @property
    def texts(self) -> list[str]:
        return [d.data.text or "" for d in self.drafts if isinstance(d.data, Message)]


@pytest.fixture
def taken() -> Taken:
    return Taken()


def mastodon(url: str, name: str = "main", token: str = RIGHT) -> ChannelAccount:
    return ChannelAccount(
        tenant="acme",
        provider="mastodon",
        account=name,
        team="広報",
        options={"server": url, "access_token": token, "handle": "madoguchi@social.example.jp"},
    )


def bluesky(url: str, password: str = RIGHT) -> ChannelAccount:
    return ChannelAccount(
        tenant="acme",
        provider="bluesky",
        account="main",
        team="広報",
        options={"server": url, "app_password": password, "did": "did:plc:madoguchi"},
    )


class Desk:
    """Listens to accounts, each when a test says so or all by themselves."""

    def __init__(self, engine: AsyncEngine, client: httpx.AsyncClient, taken: Taken) -> None:
        self._engine, self._client, self._taken = engine, client, taken

    def listener(self, account: ChannelAccount) -> Listener:
        how = asking(account, self._client)
        assert how is not None
        return Listener(account, how)

    def mentions(self, *listeners: Listener, every_seconds: float = 0.02) -> Mentions:
        cursors = Cursors(self._engine)
        leases = Leases(self._engine, "replica", QUICK)
        return Mentions(listeners, self._taken, cursors, leases, lambda: NOW, every_seconds)


@pytest.fixture
def desk(engine: AsyncEngine, client: httpx.AsyncClient, taken: Taken) -> Desk:
    return Desk(engine, client, taken)


async def listen(mentions: Mentions, listener: Listener) -> None:
    while await mentions.listen_once(listener):
        pass


async def run(mentions: Mentions, stopping: asyncio.Event) -> None:
    await asyncio.gather(mentions.run(stopping), mentions._leases.run(stopping))


async def test_every_mention_is_heard_once_in_order_also_by_the_next_process(
    desk: Desk, network: Network, taken: Taken
) -> None:
    network.toot("最初の問い合わせ")
    listener = desk.listener(mastodon(network.url))
    await listen(desk.mentions(listener), listener)
    for number in range(100):  # more than two pages while we were away
        network.toot(f"返品したい {number}")
    await listen(desk.mentions(listener), listener)
    await listen(desk.mentions(listener), listener)
    assert taken.texts == ["最初の問い合わせ", *(f"返品したい {n}" for n in range(100))]
    assert {draft.contact for draft in taken.drafts} == {"mastodon:hanako@example.jp"}


async def test_bluesky_is_read_back_over_pages_and_a_session_that_expired_is_renewed(
    desk: Desk, network: Network, taken: Taken
) -> None:
    network.post("はじめまして")
    listener = desk.listener(bluesky(network.url))
    mentions = desk.mentions(listener)
    await listen(mentions, listener)
    network.sessions += 1  # the old token is worth nothing now
    for number in range(250):
        network.post(f"届きません {number}")
    await listen(mentions, listener)
    await listen(mentions, listener)
    assert taken.texts == ["はじめまして", *(f"届きません {n}" for n in range(250))]
    assert network.sessions == 3


async def test_what_could_not_be_kept_is_asked_for_again(
    desk: Desk, network: Network, taken: Taken
) -> None:
    network.toot("届いていますか")
    listener = desk.listener(mastodon(network.url))
    mentions = desk.mentions(listener)
    taken.away = True
    with pytest.raises(TransientError):
        await mentions.listen_once(listener)
    taken.away = False
    await mentions.listen_once(listener)
    assert taken.texts == ["届いていますか"]


@pytest.mark.parametrize("wrong", ["mastodon", "mastodon, typed wrong", "bluesky"])
async def test_a_wrong_credential_is_told_as_such(desk: Desk, network: Network, wrong: str) -> None:
    accounts = {
        "mastodon": mastodon(network.url, token="revoked"),
        "mastodon, typed wrong": mastodon(network.url, token="ｒｉｇｈｔ"),
        "bluesky": bluesky(network.url, "revoked"),
    }
    account = accounts[wrong]
    listener = desk.listener(account)
    with pytest.raises(CredentialError):
        await desk.mentions(listener).listen_once(listener)


@pytest.mark.parametrize("provider", ["mastodon", "bluesky"])
async def test_while_credentials_change_each_is_tried_and_the_refused_one_shows(
    desk: Desk, network: Network, taken: Taken, provider: str
) -> None:
    network.toot("届きません")
    network.post("届きません")
    made = {
        "mastodon": mastodon(network.url, token=f"revoked {RIGHT}"),
        "bluesky": bluesky(network.url, f"revoked {RIGHT}"),
    }
    listener = desk.listener(made[provider])
    mentions = desk.mentions(listener)
    await listen(mentions, listener)
    assert taken.texts == ["届きません"]
    assert mentions.complaint() == f"{provider}/main: refused: credential 1 of 2"
    labels = {"provider": provider, "account": "main", "use": "mentions"}
    shown = [
        REGISTRY.get_sample_value("madoguchi_credential_ready", {**labels, "place": place})
        for place in ("1", "2")
    ]
    assert shown == [0, 1]


async def test_a_stream_is_asked_for_with_the_next_token_after_a_refusal(
    network: Network, client: httpx.AsyncClient
) -> None:
    account = mastodon(network.url, token=f"revoked {RIGHT}")
    stream = Stream(replace(account, options={**account.options, "streaming": network.url}), client)
    nudge = asyncio.Event()
    with pytest.raises(TransientError):
        await stream.watch(nudge)
    network.tooted.set()
    await stream.watch(nudge)
    assert nudge.is_set()


async def test_a_provider_that_is_busy_says_for_how_long(desk: Desk, network: Network) -> None:
    network.failing = Response(status_code=429, headers={"retry-after": "120"})
    listener = desk.listener(mastodon(network.url))
    with pytest.raises(BusyError) as busy:
        await desk.mentions(listener).listen_once(listener)
    assert busy.value.seconds == 120


@pytest.mark.parametrize("url", ["https://", "http://[", "nowhere", "http://127.0.0.1:9"])
async def test_an_address_that_leads_nowhere_is_a_trouble_of_that_account_alone(
    desk: Desk, url: str
) -> None:
    for account in (mastodon(url), bluesky(url)):
        listener = desk.listener(account)
        assert isinstance(await desk.mentions(listener)._trouble(listener), TransientError)


async def test_an_account_without_a_credential_is_not_asked_for(client: httpx.AsyncClient) -> None:
    for provider in ("mastodon", "bluesky", "line"):
        account = ChannelAccount(tenant="acme", provider=provider, account="main")
        assert asking(account, client) is None


async def test_one_accounts_trouble_shows_and_holds_up_no_other(
    desk: Desk, network: Network, taken: Taken
) -> None:
    closed = mastodon("http://127.0.0.1:9", "closed")
    revoked = mastodon(network.url, "revoked", token="revoked")
    listeners = [desk.listener(item) for item in (closed, revoked, mastodon(network.url, "good"))]
    mentions = desk.mentions(*listeners)
    stopping = asyncio.Event()
    running = asyncio.create_task(run(mentions, stopping))
    for text in ("一", "二"):
        network.toot(text)
        taken.heard.clear()
        await taken.heard.wait()
    while not (  # noqa: ASYNC110 - a gauge has no event to wait for
        ready("good") == 1 and ready("revoked") == 0 and "closed" in str(mentions.complaint())
    ):
        await asyncio.sleep(0.01)  # each account has its own pace
    complaint = mentions.complaint() or ""
    stopping.set()
    await running
    assert taken.texts == ["一", "二"]
    assert "mastodon/revoked: the provider refuses our credential: 401" in complaint
    assert "mastodon/good" not in complaint


async def test_a_stream_tells_when_to_ask_and_the_question_brings_the_mention(
    desk: Desk, network: Network, taken: Taken, client: httpx.AsyncClient
) -> None:
    account = mastodon(network.url)
    account = replace(account, options={**account.options, "streaming": network.url})
    listener = replace(desk.listener(account), stream=Stream(account, client))
    mentions = desk.mentions(listener, every_seconds=3600)
    network.toot("一")
    stopping = asyncio.Event()
    running = asyncio.create_task(run(mentions, stopping))
    await taken.heard.wait()
    taken.heard.clear()
    network.toot("二")
    network.tooted.set()
    await taken.heard.wait()
    stopping.set()
    await running
    assert taken.texts == ["一", "二"]


async def test_a_refused_stream_is_a_passing_trouble(
    network: Network, client: httpx.AsyncClient
) -> None:
    account = mastodon(network.url, token="revoked")
    for server in (network.url, "http://127.0.0.1:9"):
        options = {**account.options, "streaming": server}
        with pytest.raises(TransientError):
            await Stream(replace(account, options=options), client).watch(asyncio.Event())


async def test_an_account_that_works_again_is_ready_again(
    desk: Desk, network: Network, taken: Taken
) -> None:
    listener = desk.listener(mastodon(network.url, "renewed"))
    mentions = desk.mentions(listener)
    network.token = "another"
    await mentions._trouble(listener)
    assert (ready("renewed"), mentions.complaint() is None) == (0, False)
    network.token = "right"
    await mentions._trouble(listener)
    assert (ready("renewed"), mentions.complaint() is None) == (1, True)
    assert taken.texts == []


async def test_of_two_replicas_one_asks_for_an_account_and_the_other_when_the_first_is_dead(
    database_url: str, engine: AsyncEngine, client: httpx.AsyncClient, network: Network
) -> None:
    asked: list[str] = []

    class Counted:
        """Asks, and notes which replica did."""

        def __init__(self, replica: str, behind: Asking) -> None:
            self.replica, self.behind = replica, behind

        async def news(self, position: str | None) -> News:
            asked.append(self.replica)
            return await self.behind.news(position)

        def complaint(self) -> str | None:
            return self.behind.complaint()

    def replica(name: str, engine: AsyncEngine, taken: Taken) -> Mentions:
        desk = Desk(engine, client, taken)
        listener = desk.listener(mastodon(network.url, "shared"))
        return desk.mentions(replace(listener, asking=Counted(name, listener.asking)))

    other_engine = create_writer_engine(database_url, "ingest_social")
    first_taken, second_taken = Taken(), Taken()
    first = replica("first", engine, first_taken)
    second = replica("second", other_engine, second_taken)
    stopping = asyncio.Event()
    network.toot("一")
    renewing = asyncio.create_task(first._leases.run(stopping))
    working = [asyncio.create_task(first.run(stopping))]
    await first_taken.heard.wait()
    working.append(asyncio.create_task(run(second, stopping)))
    while len(asked) < 20:  # noqa: ASYNC110 - some rounds, with both there
        await asyncio.sleep(0.01)
    assert set(asked) == {"first"}
    renewing.cancel()  # as good as dead: it neither renews nor gives back, and takes nothing in
    first_taken.away = True
    network.toot("二")
    async with asyncio.timeout(30):
        await second_taken.heard.wait()
    stopping.set()
    await asyncio.gather(*working)
    await other_engine.dispose()
    assert (first_taken.texts, second_taken.texts) == (["一"], ["二"])


def ready(account: str) -> float | None:
    labels = {"provider": "mastodon", "account": account, "team": "広報"}
    return REGISTRY.get_sample_value("madoguchi_account_ready", labels)
