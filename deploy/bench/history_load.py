"""The history put straight into a migrated timeline, by COPY.

Indexes are taken down first and made again afterwards from what the database says they were.
"""

import asyncio
import multiprocessing
import os
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from datetime import date, timedelta
from functools import partial
from io import BytesIO
from multiprocessing.connection import Connection, wait
from typing import Any

import asyncpg
from msgspec.structs import asdict

from bench.history import BEGINNING, END, History
from bench.history_people import CONTACT_COLUMNS, CUSTOMER_COLUMNS, introduce, others
from bench.history_rows import COLUMNS, RowMaker, copied
from common.edges.database import create_writer_engine

AT_ONCE = 20_000  # entries, or customers, of one step
PROFILES_AT_ONCE = 1_000
OTHERS_FROM = 1_000_000_000  # far beyond the numbers that the database itself has given contacts
SCHEMA = "timeline"
# Those whose indexes cost more to keep up to date, row by row, than to make at the end.
LARGE = ("entry", "seen", "amendment", "search_document", "search_name")

_DEFINITIONS = """
    SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS drop,
           format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname,
                  pg_get_constraintdef(oid)) AS make
      FROM pg_constraint
     WHERE conrelid = ANY($1::text[]::regclass[]) AND contype IN ('p', 'u')
    UNION ALL
    SELECT format('DROP INDEX %s', indexrelid::regclass),
           replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ')
      FROM pg_index LEFT JOIN pg_constraint ON conindid = indexrelid
     WHERE indrelid = ANY($1::text[]::regclass[]) AND pg_constraint.oid IS NULL
"""
_NUMBERED = "SELECT setval(pg_get_serial_sequence('contact', 'id'), (SELECT max(id) FROM contact))"
_SIZES = """
    SELECT coalesce(pg_partition_root(oid), oid)::regclass AS name,
           sum(pg_total_relation_size(oid)) AS bytes, sum(greatest(reltuples, 0)) AS rows
      FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind = 'r'
     GROUP BY 1 HAVING sum(reltuples) > 0 ORDER BY 2 DESC
"""

# As if it had been asked for days. What is beyond shared_buffers displaces what was read before.
_READ_ALL = """
    SELECT sum(pg_prewarm(oid)) FROM pg_class
     WHERE relnamespace = $1::regnamespace AND relkind IN ('r', 'i')
"""

# What is thrown away if the machine fails meanwhile need not be safe, nor cleaned up beside.
_RELAXED = ("fsync", "full_page_writes", "autovacuum")
_HURRY = [*(f"ALTER SYSTEM SET {name} = off" for name in _RELAXED), "SELECT pg_reload_conf()"]
_NO_HURRY = [*(f"ALTER SYSTEM RESET {name}" for name in _RELAXED), "SELECT pg_reload_conf()"]
_CONTACTS = "SELECT address, id FROM contact WHERE id < $1"

Say = Callable[[str], None]
Share = tuple[int, int]  # the how many-th of how many workers
Tell = Callable[[int], None]
Work = Callable[[Share, Tell], Coroutine[None, None, None]]


def load(owner: str, superuser: str, history: History, say: Say) -> None:
    """Fill a migrated, empty timeline; raise RuntimeError if a worker fails.

    `owner` and `superuser` are addresses of the database by these roles: row-level security lets
    only the second one COPY, and only what the first one makes is the timeline's own.
    """
    asyncio.run(_execute(superuser, _HURRY))
    asyncio.run(_make_months(owner))
    say(f"{history.linked:,} profiles")
    _in_workers(partial(_introduce, owner, history), history.linked, say)
    indexes = asyncio.run(_take_indexes(superuser))
    say(f"{history.customers:,} customers, {history.entries:,} entries")
    _in_workers(partial(_fill, superuser, history), history.entries, say)
    asyncio.run(_make_indexes(superuser, indexes, say))
    asyncio.run(_finish(superuser, say))
    asyncio.run(_execute(superuser, _NO_HURRY))
    began = time.perf_counter()
    os.sync()  # or the first commits that are measured would wait for it
    say(f"written to disk in {_since(began):.0f} s")


async def _make_months(owner: str) -> None:
    month, months = BEGINNING.date(), list[date]()
    while month <= END.date():
        months.append(month)
        month = (month + timedelta(days=32)).replace(day=1)
    connection = await _connect(owner)
    await connection.execute("SELECT ensure_entry_month(unnest($1::date[]))", months)
    await connection.close()


async def _take_indexes(superuser: str) -> list[str]:
    """Drop the indexes of the large tables; return what makes them again."""
    connection = await _connect(superuser)
    definitions = await connection.fetch(_DEFINITIONS, list(LARGE))
    for row in definitions:
        await connection.execute(row["drop"])
    await connection.close()
    return [row["make"] for row in definitions]


async def _make_indexes(superuser: str, indexes: Sequence[str], say: Say) -> None:
    """Make them, several at a time."""
    began = time.perf_counter()
    left = list(indexes)

    async def work() -> None:
        connection = await _connect(superuser, maintenance_work_mem="1GB")
        while left:
            await connection.execute(left.pop(0), timeout=None)
        await connection.close()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(os.cpu_count() or 1):
            tasks.create_task(work())
    say(f"{len(indexes)} indexes made in {_since(began):.0f} s")


async def _finish(superuser: str, say: Say) -> None:
    connection = await _connect(superuser, maintenance_work_mem="1GB")
    await connection.execute(_NUMBERED)
    began = time.perf_counter()
    for last in ("TRUNCATE outbox", "VACUUM (ANALYZE)", "CHECKPOINT"):  # all was sent long ago
        await connection.execute(last, timeout=None)
    say(f"vacuumed and analysed in {_since(began):.0f} s")
    began = time.perf_counter()
    await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_prewarm")
    read = await connection.fetchval(_READ_ALL, SCHEMA, timeout=None)
    say(f"{read * 8 / 1024:,.0f} MiB read into shared_buffers in {_since(began):.0f} s")
    for row in await connection.fetch(_SIZES, SCHEMA):
        say(f"{row['name']}: {row['rows']:,.0f} rows, {row['bytes'] / 2**20:,.0f} MiB with indexes")
    await connection.close()


async def _execute(superuser: str, statements: Sequence[str]) -> None:
    connection = await _connect(superuser)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


def _in_workers(work: Work, total: int, say: Say) -> None:
    """Give each processor its share of the work, and tell how far they are."""
    fork = multiprocessing.get_context("fork")
    workers, ends = [], []
    many = os.cpu_count() or 1
    for number in range(many):
        here, there = fork.Pipe(duplex=False)
        worker = fork.Process(target=_run, args=(work, (number, many), there), daemon=True)
        worker.start()
        there.close()
        workers.append(worker)
        ends.append(here)
    _follow(ends, total, say)
    for worker in workers:
        worker.join()
        if worker.exitcode:
            raise RuntimeError("a worker has failed")


def _run(work: Work, share: Share, told: Connection) -> None:
    asyncio.run(work(share, told.send))
    told.close()


def _follow(ends: list[Connection], total: int, say: Say) -> None:
    began = time.perf_counter()
    done = tenths = 0
    while ends:
        for end in wait(ends):
            assert isinstance(end, Connection)  # noqa: S101 - what was waited for
            try:
                done += end.recv()
            except EOFError:
                ends.remove(end)
        if done * 10 // total > tenths:
            tenths = done * 10 // total
            say(f"{tenths * 10:3}%  {done:,} of {total:,}, {done / _since(began):,.0f}/s")


def _since(began: float) -> float:
    return time.perf_counter() - began


async def _introduce(owner: str, history: History, share: Share, told: Tell) -> None:
    """Write every so many-th profile."""
    engine = create_writer_engine(owner, SCHEMA)
    number, many = share
    customers = range(number, history.linked, many)
    for start in range(0, len(customers), PROFILES_AT_ONCE):
        some = customers[start : start + PROFILES_AT_ONCE]
        await introduce(engine, history, some)
        told(len(some))
    await engine.dispose()


async def _fill(superuser: str, history: History, share: Share, told: Tell) -> None:
    """Write every so many-th step. That foreign keys hold is not looked at."""
    connection = await _connect(superuser, session_replication_role="replica")
    rows = {row["address"]: row["id"] for row in await connection.fetch(_CONTACTS, OTHERS_FROM)}
    number, many = share
    for start in range(history.linked + number * AT_ONCE, history.customers, many * AT_ONCE):
        some = range(start, min(start + AT_ONCE, history.customers))
        await _copy_people(connection, history, some)
    maker = RowMaker(rows, OTHERS_FROM)
    for start in range(number * AT_ONCE, history.entries, many * AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, history.entries))
        await _copy_rows(connection, maker, history, numbers)
        told(len(numbers))
    await connection.close()


async def _copy_people(
    connection: asyncpg.Connection, history: History, customers: Iterable[int]
) -> None:
    new, contacts = others(history, customers, OTHERS_FROM)
    for table, columns, rows in (
        ("customer", CUSTOMER_COLUMNS, new),
        ("contact", CONTACT_COLUMNS, contacts),
    ):
        await connection.copy_records_to_table(table, records=rows, columns=columns, timeout=None)


async def _copy_rows(
    connection: asyncpg.Connection, maker: RowMaker, history: History, numbers: Iterable[int]
) -> None:
    made = asdict(maker.rows(history, numbers))
    for table, columns in COLUMNS.items():
        if made[table]:
            await _copy(connection, table, columns, copied(made[table]))


async def _copy(connection: asyncpg.Connection, table: str, columns: str, content: bytes) -> None:
    names = [name.strip(' "') for name in columns.split(",")]
    source: Any = BytesIO(content)
    await connection.copy_to_table(
        table, source=source, columns=names, format="binary", timeout=None
    )


async def _connect(url: str, **settings: str) -> asyncpg.Connection:
    own = {"search_path": SCHEMA, "madoguchi.tenant": "*"}
    return await asyncpg.connect(url, server_settings=own | settings)
