"""Who read whom stands in a log that nobody changes unseen."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.integration.timeline.conftest import Rows
from tests.unit.timeline.telling import TENANT, after

from common.core.errors import TransientError
from common.edges.database import EVERY_TENANT, TENANT as TENANT_SETTING, create_writer_engine
from common.edges.sessions import Sessions
from timeline.core.access import Access, first_broken
from timeline.edges.access_log import AccessLog, whole
from timeline.wiring import SERVICE

HANAKO = UUID("a240f8fe-5360-5a76-92d5-ce10ac1fab1c")


def reading_of(number: int, tenant: str = TENANT) -> Access:
    return Access(
        tenant=tenant,
        at=after(number),
        subject="tanaka",
        route=f"GET /v1/customers/{HANAKO}/timeline",
        customer=HANAKO,
        request_id=str(number),
    )


def sessions_at(url: str) -> Sessions:
    return Sessions(url, SERVICE, size=1, **{TENANT_SETTING: EVERY_TENANT})


@pytest.fixture
async def logs(writer: AsyncEngine, migrated: str) -> AsyncIterator[list[AccessLog]]:
    """Those of two processes."""
    sessions = [sessions_at(migrated) for _ in range(2)]
    logs = [AccessLog(writer, one) for one in sessions]
    yield logs
    ended = asyncio.Event()
    ended.set()
    for log, one in zip(logs, sessions, strict=True):
        await log.run(ended)
        await one.close()


@pytest.fixture
def log(logs: list[AccessLog]) -> AccessLog:
    return logs[0]


async def test_records_of_many_requests_and_two_processes_make_one_chain_without_a_gap(
    writer: AsyncEngine, logs: list[AccessLog]
) -> None:
    for number in range(60):
        await asyncio.sleep(0)
        one = logs[number // 3 % 2]  # each writes several in a row, and then after the other
        await one.committed([one.add(reading_of(number)), one.add(reading_of(number, "globex"))])
    for tenant in (TENANT, "globex"):
        found = [one async for some in whole(writer, tenant) for one in some]
        assert [one.sequence for one in found] == list(range(1, 61))
        assert first_broken(found) is None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE access_log SET subject = 'nobody'",
        "DELETE FROM access_log",
        "TRUNCATE access_log",
        "DELETE FROM access_log WHERE false",
    ],
)
async def test_the_services_own_role_can_neither_change_nor_delete_a_record(
    writer: AsyncEngine, log: AccessLog, rows: Rows, statement: str
) -> None:
    await log.committed([log.add(reading_of(1))])
    with pytest.raises(DBAPIError, match=r"permission denied|only ever added"):
        async with writer.begin() as connection:
            await connection.execute(text(statement))
    assert await rows("SELECT count(*) FROM access_log") == [(1,)]


async def test_whoever_owns_the_table_and_changes_it_all_the_same_is_seen(
    writer: AsyncEngine, log: AccessLog
) -> None:
    await log.committed([log.add(reading_of(number)) for number in range(5)])
    async with writer.begin() as connection:
        await connection.execute(text("GRANT UPDATE ON access_log TO CURRENT_USER"))
        await connection.execute(text("ALTER TABLE access_log DISABLE TRIGGER ALL"))
        await connection.execute(text("UPDATE access_log SET subject = 'sato' WHERE sequence = 3"))
    found = [one async for some in whole(writer, TENANT) for one in some]
    assert first_broken(found) == 3
    assert first_broken([*found[:1], *found[3:]]) == 2


async def test_where_no_record_can_be_written_nobody_is_told_that_it_was() -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/nowhere"
    engine = create_writer_engine(nowhere, SERVICE, pool_size=1)
    log = AccessLog(engine, sessions_at(nowhere))
    with pytest.raises(TransientError, match="access log"):
        await log.committed([log.add(reading_of(1))])
    task = log._writing
    assert task is not None
    task.cancel()
    await asyncio.wait({task})
    await engine.dispose()
