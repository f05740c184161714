"""The router's schema in a database of its own, and a customer who writes in Japanese."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.core.cloudevents import Attributes, Event, Record, event_type, record
from common.core.events import (
    Channel,
    Conversation,
    CustomerChanged,
    CustomersMerged,
    Direction,
    Message,
    MessageKind,
    Party,
)
from common.core.ids import event_id
from common.core.topics import CUSTOMERS, MESSAGES
from common.edges.batches import Received
from common.edges.clock import system_clock
from common.edges.consuming import ConsumingService
from common.edges.database import create_reader_engine, create_writer_engine
from router.core.loading import load
from router.core.policy import Policy, compiled
from router.edges.consume import Routing
from router.edges.matcher import Matcher
from router.edges.signals import Listener, nothing
from router.settings import Settings
from router.wiring import MIGRATIONS, SERVICE, build

RULES = Path(__file__).parents[3] / "deploy" / "local" / "rules.yaml"
TUESDAY = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)  # 11:40 in Tokyo, a working day
TARO = "line:main:U4af4980629"
TENANT = "acme"
KEY = ECKey.generate_key("P-256", {"kid": "test"})
ISSUER = "https://id.test"

_numbers = count(1)


@pytest.fixture
def router_url(make_database: Callable[[Path, str], str]) -> str:
    return make_database(MIGRATIONS, SERVICE)


@pytest.fixture
async def writer(router_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_writer_engine(router_url, SERVICE)
    yield engine
    await engine.dispose()


@pytest.fixture
async def reader(router_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_reader_engine(router_url, SERVICE)
    yield engine
    await engine.dispose()


@pytest.fixture(scope="session")
def rules_path() -> Path:
    """The local stack's rules."""
    return RULES


@pytest.fixture(scope="session")
def policy() -> Policy:
    loaded = load(RULES.read_bytes())
    return compiled(loaded.rules, loaded.version)


class Written(Struct, frozen=True):
    """An event and where the bus keeps it."""

    record: Record
    received: Received


def _written(topic: str, subject: str, data: Any, name: str, tenant: str) -> Written:
    attributes = Attributes(
        id=event_id("test", tenant, name),
        source="/test",
        type=event_type(data),
        subject=subject,
        time=TUESDAY,
        tenant=tenant,
    )
    made = record(topic, attributes, data)
    return Written(
        made,
        Received(topic, 0, next(_numbers), attributes.time, Event(attributes, data, made.value)),
    )


@pytest.fixture
def says() -> Callable[..., Written]:
    """A customer writes on LINE."""

    def write(
        words: str = "ルーターがつながりません。",
        *,
        contact: str = TARO,
        name: str | None = None,
        tenant: str = TENANT,
        minutes: float = 0,
        kind: MessageKind = MessageKind.MESSAGE,
        conversation: str | None = None,
        channel: Channel = Channel.LINE,
    ) -> Written:
        name = name or f"{contact}-{next(_numbers)}"
        message = Message(
            message_id=name,
            kind=kind,
            direction=Direction.INBOUND,
            channel=channel,
            provider=channel,
            account="main",
            sender=Party(contact, "山田 太郎"),
            conversation=Conversation(conversation or contact),
            received_at=TUESDAY + timedelta(minutes=minutes),
            text=words,
        )
        return _written(MESSAGES.name, contact, message, name, tenant)

    return write


@pytest.fixture
def tells() -> Callable[..., Written]:
    """A CRM tells about a customer, or the timeline about a merge."""

    def write(data: CustomerChanged | CustomersMerged | Any, tenant: str = TENANT) -> Written:
        return _written(CUSTOMERS.name, "crm", data, f"said-{next(_numbers)}", tenant)

    return write


@pytest.fixture
def handle(writer: AsyncEngine, policy: Policy) -> Callable[..., Awaitable[None]]:
    """Handle one batch in one transaction, as the consumer does."""
    routing = Routing(lambda: policy, lambda: TUESDAY)

    async def run(batch: Sequence[Written]) -> None:
        async with writer.begin() as connection:
            await routing.handle(connection, [item.received for item in batch])

    return run


@pytest.fixture
def rows(writer: AsyncEngine) -> Callable[..., Awaitable[list[Any]]]:
    """Return what a query finds."""

    async def run(query: str, **parameters: Any) -> list[Any]:
        async with writer.connect() as connection:
            return list((await connection.execute(text(query), parameters)).all())

    return run


@pytest.fixture(scope="session")
def bearer() -> Callable[..., dict[str, str]]:
    """The header of somebody who may do something."""

    def make(
        tenant: str = TENANT, scope: str = "routing:read", subject: str = "sato"
    ) -> dict[str, str]:
        claims = {
            "iss": ISSUER,
            "aud": "madoguchi",
            "exp": int((system_clock() + timedelta(hours=1)).timestamp()),
            "sub": subject,
            "tenant": tenant,
            "scope": scope,
        }
        token = jwt.encode({"alg": "ES256", "kid": "test"}, claims, KEY)
        return {"Authorization": f"Bearer {token}"}

    return make


@pytest.fixture(scope="session")
def supervisor(bearer: Callable[..., dict[str, str]]) -> dict[str, str]:
    return bearer(scope="routing:supervise")


@pytest.fixture(scope="session")
def tanaka(bearer: Callable[..., dict[str, str]]) -> dict[str, str]:
    """An agent's token: its subject is his id."""
    return bearer(scope="routing:agent", subject="tanaka")


@pytest.fixture
def service(router_url: str, tmp_path: Path) -> ConsumingService:
    """The service, not started: its routes can be asked."""
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(KeySet([KEY]).as_dict(private=False)))
    return build(Settings(database=router_url, jwks=str(keys), issuer=ISSUER, rules=RULES))


@pytest.fixture
async def api(service: ConsumingService) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=service.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://router") as client:
        yield client


@pytest.fixture
def signs_in(
    api: httpx.AsyncClient, bearer: Callable[..., dict[str, str]], supervisor: dict[str, str]
) -> Callable[..., Awaitable[dict[str, Any]]]:
    """Register an agent and let him come; return him."""

    async def run(agent: str, profile: dict[str, Any]) -> dict[str, Any]:
        path = f"/v1/agents/{agent}"
        made = await api.put(path, json=profile, headers=supervisor)
        assert made.status_code == 200, made.text
        own = bearer(scope="routing:agent", subject=agent)
        came = await api.post(f"{path}/presence", json={"presence": "online"}, headers=own)
        assert came.status_code == 200, came.text
        shown: dict[str, Any] = came.json()
        return shown

    return run


@pytest.fixture
def offers(
    writer: AsyncEngine, policy: Policy, rows: Callable[..., Awaitable[list[Any]]]
) -> Callable[[str], Awaitable[list[str]]]:
    """Match once; return the ids of what an agent is offered then."""
    news = Listener(writer)

    async def settle(_: AsyncConnection) -> None:
        return

    matcher = Matcher(writer, news, settle, lambda: policy, system_clock, lambda: None, 60)

    async def run(agent: str) -> list[str]:
        dirty = nothing()
        dirty.everything = True
        await matcher.round(dirty)
        found = await rows(
            "SELECT offer_id FROM offer WHERE agent = :agent AND state = 'made'", agent=agent
        )
        return [str(row.offer_id) for row in found]

    return run
