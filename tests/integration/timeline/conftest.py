"""A migrated timeline of its own for each test, and ways to tell it events and to ask it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.unit.timeline.telling import TENANT, after

from common.core.cloudevents import Event
from common.core.events import CustomerChanged
from common.edges.batches import Received
from common.edges.clock import system_clock
from common.edges.database import create_reader_engine, create_writer_engine, reading
from common.edges.service import Health
from common.edges.sessions import Questions
from local_stack.tokens import SigningKey
from timeline.core.cursor import read_cursor
from timeline.core.pages import Page, page as as_page
from timeline.core.selection import STARTS, WHOLE, Selection
from timeline.edges.consume import Historian
from timeline.edges.histories import entries, holder
from timeline.edges.reader import amendments_of, holder_of
from timeline.edges.readers import Readers
from timeline.settings import Settings
from timeline.wiring import MIGRATIONS, SERVICE, surface

Tell = Callable[..., Coroutine[Any, Any, None]]
Rows = Callable[..., Awaitable[list[tuple[Any, ...]]]]
Pages = Callable[..., Awaitable[Page]]
Headers = dict[str, str]
Bearer = Callable[..., Headers]

NOW = after(60)


@pytest.fixture
def migrated(make_database: Callable[[Path, str], str]) -> str:
    """Return the URL of a database that holds the timeline's schema, owned by an ordinary role."""
    return make_database(MIGRATIONS, SERVICE)


@pytest.fixture
async def writer(migrated: str) -> AsyncIterator[AsyncEngine]:
    engine = create_writer_engine(migrated, SERVICE)
    yield engine
    await engine.dispose()


@pytest.fixture
async def reader(migrated: str) -> AsyncIterator[AsyncEngine]:
    engine = create_reader_engine(migrated, SERVICE)
    yield engine
    await engine.dispose()


@pytest.fixture
async def readers(migrated: str, reader: AsyncEngine) -> AsyncIterator[Readers]:
    """All who read, the searches on the same connections as most."""
    questions = Questions(migrated, SERVICE)
    yield Readers(reader, questions, reader)
    await questions.close()


def on_the_bus(events: Iterable[Event], offsets: Iterable[int]) -> list[Received]:
    return [
        Received(
            "customers.v1" if isinstance(event.data, CustomerChanged) else "messages.v1",
            0,
            offset,
            NOW,
            event,
        )
        for event, offset in zip(events, offsets, strict=False)
    ]


@pytest.fixture
def tell(writer: AsyncEngine) -> Tell:
    """Have a batch of events handled in one transaction, as the consumer does."""
    offsets = count()
    historian = Historian(lambda: NOW, "JP")

    async def tell(*events: Event) -> None:
        async with writer.begin() as connection, connection.begin_nested():
            await historian(connection, on_the_bus(events, offsets))

    return tell


@pytest.fixture
def rows(writer: AsyncEngine) -> Rows:
    async def rows(query: str, **parameters: object) -> list[tuple[Any, ...]]:
        async with writer.connect() as connection:
            return [tuple(row) for row in await connection.execute(text(query), parameters)]

    return rows


@pytest.fixture
def pages(reader: AsyncEngine) -> Pages:
    """Read a page of whoever holds a contact, or whom an id means, as the API does."""

    async def page(
        contact: str,
        limit: int = 200,
        before: str | None = None,
        tenant: str = TENANT,
        wanted: Selection = WHOLE,
        customer: UUID | None = None,
    ) -> Page:
        start = read_cursor(before, wanted.mark) if before else STARTS[wanted.order]
        async with reading(reader, tenant) as connection:
            customer = customer or await holder_of(connection, tenant, contact)
            if customer is None:
                return Page((), None)
            held = await holder(connection, tenant, customer, wanted.as_of)
            if held is None:
                return Page((), None)
            found = await entries(connection, tenant, held, wanted, start, limit)
            amendments = await amendments_of(connection, tenant, found.entries, wanted.as_of)
        return as_page(found, amendments, wanted.order)

    return page


@pytest.fixture
def signing_key(tmp_path: Path) -> SigningKey:
    key = SigningKey(tmp_path)
    key.ensure()
    return key


@pytest.fixture
def scope() -> str:
    """What whoever asks may do, unless a test says otherwise; some ask for more."""
    return "timeline:read"


@pytest.fixture
def bearer(signing_key: SigningKey, scope: str) -> Bearer:
    def bearer(tenant: str = TENANT, scope: str = scope) -> Headers:
        token = signing_key.token(
            tenant=tenant, scopes=scope.split(), subject="agent-7", now=system_clock()
        )
        return {"authorization": f"Bearer {token}"}

    return bearer


@pytest.fixture
def app(readers: Readers, signing_key: SigningKey) -> FastAPI:
    """What the tests of a surface ask; some put one of their own together."""
    return surface(readers, Settings(jwks=str(signing_key.jwks)), Health())


@pytest.fixture
async def client(app: FastAPI, bearer: Bearer) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://timeline", headers=bearer()
    ) as client:
        yield client
