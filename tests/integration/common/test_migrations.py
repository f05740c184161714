"""Migrations beside a service that works: they give way, and build indexes without locking."""

import threading
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.exc import ProgrammingError

from common.edges import migrations
from common.edges.migrations import migrate

ENVIRONMENT = "from common.edges.migrations import run_environment\n\nrun_environment()\n"
HEAD = "from alembic import op\nrevision = {0!r}\ndown_revision = {1!r}\n\ndef upgrade():\n"
WORK = "    op.execute('CREATE TABLE work (id int PRIMARY KEY, channel text)')\n"
INDEX = (
    "    with op.get_context().autocommit_block():\n"
    "        op.execute('CREATE INDEX CONCURRENTLY work_channel ON work (channel)')\n"
)
COLUMN = "    op.execute('ALTER TABLE work ADD COLUMN queue text')\n"
PARTS = "".join(
    f"    op.execute('CREATE TABLE {told}')\n"
    for told in (
        "told (id int, body text) PARTITION BY LIST (id)",
        "told_1 PARTITION OF told FOR VALUES IN (1)",
        "told_2 PARTITION OF told FOR VALUES IN (2)",
    )
)
QUICKLY = (
    "    from common.edges.migrations import compress_quickly\n"
    "    compress_quickly('told', 'body')\n"
    "    compress_quickly('work', 'channel')\n"
)
MISTAKE = "    op.execute('ALTER TABLE nothing ADD COLUMN queue text')\n"


@pytest.fixture
def scripts(tmp_path: Path) -> Callable[..., Path]:
    def write(*steps: str) -> Path:
        (tmp_path / "versions").mkdir(exist_ok=True)
        (tmp_path / "env.py").write_text(ENVIRONMENT)
        for number, step in enumerate(steps, 1):
            before = f"{number - 1:04}" if number > 1 else None
            file = tmp_path / "versions" / f"{number:04}_step.py"
            file.write_text(HEAD.format(f"{number:04}", before) + step)
        return tmp_path

    return write


async def columns(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        sql = "SELECT column_name FROM information_schema.columns WHERE table_schema = 'desk'"
        return {row[0] for row in await connection.fetch(sql)}
    finally:
        await connection.close()


def in_a_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


async def test_an_index_is_built_while_others_migrate_too(
    database_url: str, scripts: Callable[..., Path]
) -> None:
    folder = scripts(WORK, INDEX)
    threads = [in_a_thread(lambda: migrate(folder, database_url, "desk")) for _ in range(3)]
    for thread in threads:
        thread.join()
    connection = await asyncpg.connect(database_url)
    valid = await connection.fetchval(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = 'desk.work_channel'::regclass"
    )
    await connection.close()
    assert valid is True


async def test_a_column_is_compressed_quickly_in_a_table_and_in_each_partition(
    database_url: str, scripts: Callable[..., Path]
) -> None:
    folder = scripts(WORK, PARTS, QUICKLY)
    in_a_thread(lambda: migrate(folder, database_url, "desk")).join()
    connection = await asyncpg.connect(database_url)
    found = await connection.fetch(
        "SELECT attrelid::regclass::text FROM pg_attribute WHERE attcompression = 'l'"
    )
    await connection.close()
    assert {row[0] for row in found} == {"desk.work", "desk.told", "desk.told_1", "desk.told_2"}


async def test_what_came_before_a_mistake_stays(
    database_url: str, scripts: Callable[..., Path]
) -> None:
    folder = scripts(WORK, MISTAKE)
    failed: list[Exception] = []

    def attempt() -> None:
        try:
            migrate(folder, database_url, "desk")
        except ProgrammingError as error:
            failed.append(error)

    in_a_thread(attempt).join()
    assert len(failed) == 1
    assert "channel" in await columns(database_url)
    in_a_thread(lambda: migrate(scripts(WORK, COLUMN), database_url, "desk")).join()
    assert "queue" in await columns(database_url)


async def test_a_migration_gives_way_to_who_holds_the_table_and_tries_again(
    database_url: str, scripts: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "LOCK_SECONDS", 0.2)
    in_a_thread(lambda: migrate(scripts(WORK), database_url, "desk")).join()
    holder = await asyncpg.connect(database_url)
    transaction = holder.transaction()
    await transaction.start()
    await holder.execute("INSERT INTO desk.work VALUES (1)")
    waiting = in_a_thread(lambda: migrate(scripts(WORK, COLUMN), database_url, "desk"))
    reader = await asyncpg.connect(database_url)
    # Waits behind the migration, and no longer than that waits for the table.
    assert await reader.fetchval("SELECT count(*) FROM desk.work", timeout=10) == 0
    assert waiting.is_alive()
    await transaction.commit()
    waiting.join()
    assert "queue" in await columns(database_url)
    await reader.close()
    await holder.close()
