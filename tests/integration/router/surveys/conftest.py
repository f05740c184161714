"""A case that can be resolved, a clock to turn, and what the bus and the outbox were told."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.core.cloudevents import Attributes, Event, Record, event_type, read, record
from common.core.events import Activity, Channel, ConsentChanged, ConsentState
from common.core.ids import event_id
from common.core.topics import ACTIVITIES, CONSENT
from common.edges.batches import Received
from router.core.facts import Case
from router.core.loading import load
from router.core.policy import Policy, compiled
from router.edges.cases_actions import Actor, reopen_case, resolve_case
from router.edges.consume import Routing
from router.edges.surveys import ask_due

TUESDAY = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)  # 11:40 in Tokyo, a working day
TARO = "line:main:U4af4980629"
RULES = Path(__file__).parents[4] / "deploy" / "local" / "rules.yaml"
_numbers = count(1)


class Arranged(Struct, frozen=True):
    """An event as the consumer hands it over."""

    received: Received


class Stage:
    """The router's edges under a clock that a test turns."""

    def __init__(self, writer: AsyncEngine, policy: Policy) -> None:
        self.writer = writer
        self.policy = policy
        self.now = TUESDAY
        self._routing = Routing(lambda: self.policy, lambda: self.now)

    async def handle(self, *batch: Any) -> None:
        """Handle one batch in one transaction, as the consumer does."""
        async with self.writer.begin() as connection:
            await self._routing.handle(connection, [item.received for item in batch])

    async def resolve(self, case_id: UUID) -> Case:
        async with self.writer.begin() as connection:
            return await resolve_case(connection, self._actor(case_id))

    async def reopen(self, case_id: UUID) -> Case:
        async with self.writer.begin() as connection:
            return await reopen_case(connection, self._actor(case_id))

    async def ask(self, **later: float) -> int:
        """Let time pass and ask what is due."""
        self.now += timedelta(**later)
        async with self.writer.begin() as connection:
            return await ask_due(connection, self.policy, self.now)

    async def told(self, name: str) -> list[Event]:
        """Return the events of a type that the outbox holds, in order."""
        async with self.writer.connect() as connection:
            rows = await connection.execute(text("SELECT record FROM outbox ORDER BY id"))
            records = [msgspec.msgpack.decode(row.record, type=Record) for row in rows]
        events = [read(one.headers, one.value) for one in records]
        return [event for event in events if event.attributes.type == f"io.madoguchi.{name}"]

    def _actor(self, case_id: UUID) -> Actor:
        return Actor(
            tenant="acme",
            subject="sato",
            supervises=True,
            case_id=case_id,
            policy=self.policy,
            now=self.now,
        )


@pytest.fixture
def stage(writer: AsyncEngine, policy: Policy) -> Stage:
    return Stage(writer, policy)


@pytest.fixture(scope="session")
def changed() -> Callable[[str, str], Policy]:
    """The local stack's rules with something replaced."""

    def build(old: str, new: str) -> Policy:
        content = RULES.read_text("utf-8")
        assert old in content
        loaded = load(content.replace(old, new).encode())
        return compiled(loaded.rules, loaded.version)

    return build


@pytest.fixture
def resolved(
    stage: Stage, says: Callable[..., Any], rows: Callable[..., Awaitable[list[Any]]]
) -> Callable[..., Awaitable[UUID]]:
    """Have a customer write and his case resolved; return its id."""

    async def run(**fields: Any) -> UUID:
        said = says(**fields)
        await stage.handle(said)
        (found,) = await rows(
            "SELECT case_id FROM decision WHERE message_event = :event",
            event=said.received.event.attributes.id,
        )
        return (await stage.resolve(found.case_id)).case_id

    return run


@pytest.fixture
def told_elsewhere() -> Callable[..., Arranged]:
    """Another system tells of an answer."""

    def write(
        contact: str = TARO, minutes: float = 70, kind: str = "survey.answered", **said: Any
    ) -> Arranged:
        activity = Activity(
            kind=kind,
            contact=contact,
            occurred_at=TUESDAY + timedelta(minutes=minutes),
            summary="アンケートの回答",
            channel="web",
            attributes=said,
        )
        return _arranged(ACTIVITIES.name, contact, activity)

    return write


@pytest.fixture
def stops() -> Callable[..., Arranged]:
    """A contact says stop, or start again."""

    def write(state: ConsentState = ConsentState.OPTED_OUT, days: float = -1) -> Arranged:
        change = ConsentChanged(
            contact=TARO,
            address="line:main:bot",
            state=state,
            channel=Channel.LINE,
            provider="line",
            account="main",
            message=event_id("test", "stop", str(next(_numbers))),
            changed_at=TUESDAY + timedelta(days=days),
        )
        return _arranged(CONSENT.name, TARO, change)

    return write


def _arranged(topic: str, subject: str, data: Struct) -> Arranged:
    number = next(_numbers)
    attributes = Attributes(
        id=event_id("elsewhere", "acme", str(number)),
        source="/elsewhere",
        type=event_type(data),
        subject=subject,
        time=TUESDAY,
        tenant="acme",
    )
    made = record(topic, attributes, data)
    return Arranged(Received(topic, 0, number, TUESDAY, Event(attributes, data, made.value)))
