"""Rules are activated one at a time, rolled back by one more activation, and told to everybody."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.core.cloudevents import Record, read
from common.core.work import RulesActivated
from common.edges.database import create_writer_engine
from router.core.loading import RulesError, load
from router.edges import rules_store
from router.edges.rules_file import RulesFile
from router.edges.rules_source import RulesSource
from router.edges.rules_store import Activation, OvertakenError

NOW = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)
SLOW = 600.0  # seconds between looks: what is taken over sooner was heard

Rows = Callable[..., Awaitable[list[Any]]]


@pytest.fixture
def rules(rules_path: Path) -> bytes:
    return rules_path.read_bytes()


@pytest.fixture
def quicker(rules: bytes) -> bytes:
    """The same rules with a better promise."""
    return rules.replace(b"first_response: 8h", b"first_response: 6h")


async def put(
    engine: AsyncEngine, content: bytes, expected: int | None, by: str = "鈴木"
) -> Activation:
    async with engine.begin() as connection:
        version = await rules_store.keep(connection, content, by, NOW, "約束を短く")
        return await rules_store.activate(connection, version, expected, by, "改善", NOW)


@pytest.fixture
async def source(router_url: str, rules_path: Path) -> AsyncIterator[Callable[..., RulesSource]]:
    """The rules of a router whose file is the local stack's."""
    engines: list[AsyncEngine] = []

    def build(
        truth: Any = "database", path: Path = rules_path, poll_seconds: float = SLOW
    ) -> RulesSource:
        engines.append(create_writer_engine(router_url, "router", pool_size=2))
        return RulesSource(RulesFile(path), engines[-1], truth, poll_seconds, lambda: NOW)

    yield build
    for engine in engines:
        await engine.dispose()


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - readiness has no event; only tests wait for it
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(*sources: RulesSource) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for source in sources:
            group.create_task(source.run(stopping))
        yield
        stopping.set()


async def test_what_was_activated_is_told_on_the_bus_with_who_and_why(
    writer: AsyncEngine, rules: bytes, quicker: bytes, rows: Rows
) -> None:
    first = await put(writer, rules, None)
    second = await put(writer, quicker, first.number, "高橋")
    records = [
        msgspec.msgpack.decode(row.record, type=Record)
        for row in await rows("SELECT record FROM outbox ORDER BY id")
    ]
    events = [read(record.headers, record.value) for record in records]
    assert [event.attributes.subject for event in events] == ["rules", "rules"]
    assert events[1].data == RulesActivated(
        activation=2,
        version=load(quicker).version,
        activated_at=NOW,
        by="高橋",
        previous_version=load(rules).version,
        reason="改善",
    )
    async with writer.connect() as connection:
        assert await rules_store.history(connection, 10) == [second, first]


async def test_of_two_who_activate_at_once_the_second_is_told_who_was_faster(
    writer: AsyncEngine, rules: bytes, quicker: bytes
) -> None:
    await put(writer, rules, None)
    async with writer.begin() as slow:
        version = await rules_store.keep(slow, quicker, "鈴木", NOW)
        await rules_store.activate(slow, version, 1, "鈴木", None, NOW)
        other = asyncio.create_task(put(writer, rules, 1, "高橋"))
        await _waits_for_the_lock(slow)
    with pytest.raises(OvertakenError) as refused:
        await other
    assert refused.value.newest is not None
    assert (refused.value.newest.number, refused.value.newest.by) == (2, "鈴木")


async def test_who_looked_before_anything_was_activated_is_overtaken_too(
    writer: AsyncEngine, rules: bytes
) -> None:
    await put(writer, rules, None)
    with pytest.raises(OvertakenError):
        await put(writer, rules, None, "高橋")


async def test_rules_that_are_none_cannot_be_kept(writer: AsyncEngine) -> None:
    with pytest.raises(RulesError, match="the section company is missing"):
        await put(writer, b"rules: []", None)


async def test_before_the_rules_in_force_came_the_last_other_ones(
    writer: AsyncEngine, rules: bytes, quicker: bytes
) -> None:
    async with writer.begin() as connection:
        assert await rules_store.before(connection) is None
    await put(writer, rules, None)
    await put(writer, quicker, 1)
    await put(writer, quicker, 2)
    async with writer.begin() as connection:
        previous = await rules_store.before(connection)
    assert previous is not None
    assert previous.rules.encode() == rules


async def test_a_version_is_found_by_how_it_begins_if_that_is_enough(
    writer: AsyncEngine, rules: bytes, quicker: bytes
) -> None:
    await put(writer, rules, None)
    await put(writer, quicker, 1)
    version = load(quicker).version
    async with writer.connect() as connection:
        found = await rules_store.stored(connection, version[:10])
        unknown = [await rules_store.stored(connection, name) for name in ("", "%", "0" * 64)]
    assert found is not None
    assert (found.version, found.by, found.note) == (version, "鈴木", "約束を短く")
    assert unknown == [None, None, None]


async def test_a_running_router_hears_of_an_activation_and_of_the_roll_back(
    writer: AsyncEngine, rules: bytes, quicker: bytes, source: Callable[..., RulesSource]
) -> None:
    router, other = source(), source()
    async with running(router, other):
        await until(lambda: not router.unknown() and not other.unknown())
        assert router.policy.version == load(rules).version
        assert router.note() is None

        await put(writer, quicker, None)
        await until(lambda: router.policy.version == load(quicker).version)
        await until(lambda: other.policy.version == load(quicker).version)
        assert "activation 1 by 鈴木" in (router.note() or "")
        assert "the rules file says otherwise" in (router.note() or "")

        async with writer.connect() as connection:
            before = await rules_store.before(connection)
        assert before is not None  # what the routers read from their file
        await put(writer, before.rules.encode(), 1)
        await until(lambda: router.policy.version == load(rules).version)
    assert router.complaint() is None


async def test_an_activation_that_nobody_heard_is_found_by_looking(
    writer: AsyncEngine, quicker: bytes, source: Callable[..., RulesSource]
) -> None:
    router = source()
    await router.look()
    await put(writer, quicker, None)
    await router.look()
    assert router.policy.version == load(quicker).version


async def test_the_first_batch_is_decided_by_what_is_in_force(
    writer: AsyncEngine, quicker: bytes, source: Callable[..., RulesSource]
) -> None:
    await put(writer, quicker, None)
    router = source()
    assert router.unknown() == "nobody knows yet which rules are in force"
    async with writer.connect() as connection:
        await router.settle(connection)
    assert router.policy.version == load(quicker).version
    assert router.unknown() is None


async def test_where_the_file_is_the_only_truth_activations_change_nothing(
    writer: AsyncEngine, rules: bytes, quicker: bytes, source: Callable[..., RulesSource]
) -> None:
    await put(writer, quicker, None)
    router = source("file")
    await router.look()
    assert router.policy.version == load(rules).version
    assert router.unknown() is None


async def test_what_this_release_cannot_read_is_refused_and_the_old_rules_stay(
    writer: AsyncEngine, rules: bytes, source: Callable[..., RulesSource]
) -> None:
    router = source()
    await put(writer, rules, None)
    await router.look()
    async with writer.begin() as connection:
        await connection.exec_driver_sql("UPDATE rules_version SET rules = 'company: アクメ'")
        await rules_store.activate(connection, load(rules).version, 1, "鈴木", None, NOW)
    await router.look()
    await router.look()
    assert router.policy.version == load(rules).version
    assert "activation 2 cannot be used here" in (router.complaint() or "")


async def test_what_a_file_says_while_it_is_in_force_is_kept_for_later_questions(
    tmp_path: Path, rules: bytes, quicker: bytes, rows: Rows, source: Callable[..., RulesSource]
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_bytes(rules)
    router = source("file", path, 0.01)
    await router.look()
    async with running(router):
        path.write_bytes(quicker)
        await until(lambda: router.policy.version == load(quicker).version)
    await router.look()
    kept = {row.version for row in await rows("SELECT version FROM rules_version")}
    assert kept == {load(rules).version, load(quicker).version}


async def _waits_for_the_lock(connection: AsyncConnection) -> None:
    """Return once somebody waits for the lock that this transaction holds."""
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    async with asyncio.timeout(20):
        while not (await connection.exec_driver_sql(waiting)).scalar_one():  # noqa: ASYNC110 - told by the database alone
            await asyncio.sleep(0.01)
