"""The figures counted anew from the timeline's own entries, beside those that are asked.

Order and repetition change no count, so the entries are read in whatever order is cheap while what
the bus tells meanwhile is counted in both generations.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeVar

import msgspec
from msgspec import Struct
from sqlalchemy import Row, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.core.cloudevents import Attributes, Event
from common.core.event_types import EVENT_TYPES
from common.core.events import Message
from common.edges.database import is_passing
from common.edges.erasing import ErasedNames
from common.edges.leading import leading
from timeline.core.figures_facts import COUNTED
from timeline.edges.figures_follow import count, told_by

CONTACTS_AT_ONCE = 200
LONGEST_WAIT_SECONDS = 60.0
PAUSE_SECONDS = 0.2
ATTEMPTS = 10  # of two seconds each (timeline.migrations.versions.0007_figures)

Done = TypeVar("Done")

# Waits until no batch is being counted; the next ones see what was changed.
_ALONE = text("SELECT pg_advisory_xact_lock(hashtext('timeline.figures'))")
_GENERATIONS = text("SELECT number, live FROM figure_generation ORDER BY number")
_REGISTER = text("INSERT INTO figure_generation VALUES (:number, false)")
_REMOVE = text("DELETE FROM figure_generation WHERE number = :number")
_ADD = text("SELECT add_figure_generation(CAST(:number AS smallint))")
_DROP = text("SELECT drop_figure_generation(CAST(:number AS smallint))")
_RETIRE = text("UPDATE figure_generation SET live = false WHERE live")
_SWITCH = text("UPDATE figure_generation SET live = true WHERE number = :number")
# What the figures' group had counted before it knew of the new generation must be among the entries.
_COUNTED = text(
    "SELECT topic, partition, next_offset FROM partition_offset WHERE consumer_group = :counting"
)
_NOT_WRITTEN = text(
    """
    SELECT count(*)
      FROM unnest(CAST(:topics AS text[]), CAST(:partitions AS int[]), CAST(:offsets AS bigint[]))
           AS counted (topic, partition, next_offset)
      LEFT JOIN partition_offset AS written
        ON written.consumer_group = :writing AND written.topic = counted.topic
       AND written.partition = counted.partition AND written.next_offset >= counted.next_offset
     WHERE written.topic IS NULL
    """
)
_TOTAL = text("SELECT count(*) FROM contact")
_CONTACTS = text("SELECT id FROM contact WHERE id > :last ORDER BY id LIMIT :most")
_ENTRIES = text(
    """
    SELECT entry.tenant, event_id, type, address, occurred_at,
           convert_to(CAST(body AS text), 'UTF8') AS body
      FROM entry JOIN contact ON contact.id = contact_id
     WHERE contact_id = ANY(CAST(:contacts AS bigint[])) AND type = ANY(CAST(:types AS text[]))
    """
)
_TYPES = [name for name, cls in EVENT_TYPES.items() if cls in COUNTED or cls is Message]
_decoders = {name: msgspec.json.Decoder(EVENT_TYPES[name]) for name in _TYPES}


class Rebuilding(Struct, frozen=True):
    """Who counts and who writes, as consumer groups with their prefix; who was erased, if anybody can be."""

    counting: str
    writing: str
    region: str
    names: ErasedNames | None = None


class Progress(Struct, frozen=True):
    """How many contacts of how many were looked at, and how many events of theirs were counted."""

    done: int
    total: int
    counted: int


class FiguresRebuildError(RuntimeError):
    """The figures cannot be counted anew now; the message says why."""


async def rebuild_figures(
    engine: AsyncEngine, rebuilding: Rebuilding, report: Callable[[Progress], None]
) -> int:
    """Count a new generation, let questions ask it, drop the old one; return the new one's number.

    Where it is interrupted, the old one goes on answering, and the next rebuild removes what was
    left. Raises FiguresRebuildError.
    """
    async with leading(engine, "figures.rebuild") as session:
        if session is None:
            raise FiguresRebuildError("the figures are being counted anew already")
        old, new = await _patiently(lambda: _begin(engine))
        await _until_written(engine, rebuilding)
        await _fill(engine, new, rebuilding, report)
        await _switch(engine, new)
        await _patiently(lambda: _remove(engine, old))
    return new


async def _begin(engine: AsyncEngine) -> tuple[int, int]:
    async with engine.begin() as connection:
        await connection.execute(_ALONE)
        numbers = {row.number: row.live for row in await connection.execute(_GENERATIONS)}
        for left in (number for number, live in numbers.items() if not live):
            await _drop(connection, left)
        [live] = (number for number, is_live in numbers.items() if is_live)
        new = max(numbers) % 32_000 + 1
        await connection.execute(_ADD, {"number": new})
        await connection.execute(_REGISTER, {"number": new})
    return live, new


async def _until_written(engine: AsyncEngine, rebuilding: Rebuilding) -> None:
    async with engine.connect() as connection:
        rows = (await connection.execute(_COUNTED, {"counting": rebuilding.counting})).all()
    counted = {
        "writing": rebuilding.writing,
        "topics": [row.topic for row in rows],
        "partitions": [row.partition for row in rows],
        "offsets": [row.next_offset for row in rows],
    }
    waited = 0.0
    while await _behind(engine, counted):
        if waited >= LONGEST_WAIT_SECONDS:
            raise FiguresRebuildError("the timeline has not written down yet what was counted")
        await asyncio.sleep(PAUSE_SECONDS)
        waited += PAUSE_SECONDS


async def _behind(engine: AsyncEngine, counted: Mapping[str, object]) -> int:
    async with engine.connect() as connection:
        return await connection.scalar(_NOT_WRITTEN, counted) or 0


async def _fill(
    engine: AsyncEngine,
    number: int,
    rebuilding: Rebuilding,
    report: Callable[[Progress], None],
) -> None:
    async with engine.connect() as connection:
        total = await connection.scalar(_TOTAL) or 0
    last, progress = 0, Progress(0, total, 0)
    report(progress)
    while True:
        async with engine.begin() as connection:
            if rebuilding.names is not None:
                await rebuilding.names.load(connection)  # who is erased meanwhile waits for us
            contacts = list(
                await connection.scalars(_CONTACTS, {"last": last, "most": CONTACTS_AT_ONCE})
            )
            if not contacts:
                return
            events = await _events(connection, contacts)
            await count(connection, number, told_by(events, rebuilding.region))
        last, done = contacts[-1], progress.done + len(contacts)
        progress = Progress(done, max(total, done), progress.counted + len(events))
        report(progress)


async def _events(connection: AsyncConnection, contacts: list[int]) -> list[Event]:
    rows = await connection.execute(_ENTRIES, {"contacts": contacts, "types": _TYPES})
    return list(_read(rows))


def _read(rows: Iterable[Row[tuple[object, ...]]]) -> Iterable[Event]:
    for row in rows:
        attributes = Attributes(
            id=row.event_id,
            source="",
            type=row.type,
            subject=row.address,
            time=row.occurred_at,
            tenant=row.tenant,
        )
        yield Event(attributes, _decoders[row.type].decode(row.body), row.body)


async def _switch(engine: AsyncEngine, new: int) -> None:
    async with engine.begin() as connection:
        await connection.execute(_RETIRE)
        await connection.execute(_SWITCH, {"number": new})
    async with engine.connect() as connection:
        outside = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await outside.execute(text("ANALYZE figure_count, figure_case"))


async def _remove(engine: AsyncEngine, number: int) -> None:
    async with engine.begin() as connection:
        await connection.execute(_ALONE)
        await _drop(connection, number)


async def _drop(connection: AsyncConnection, number: int) -> None:
    await connection.execute(_REMOVE, {"number": number})
    await connection.execute(_DROP, {"number": number})


async def _patiently(work: Callable[[], Awaitable[Done]]) -> Done:
    """Do what needs the tables alone. Whoever asks something long holds them for seconds."""
    for _ in range(ATTEMPTS):
        try:
            return await work()
        except DBAPIError as error:
            if not is_passing(error):
                raise
            await asyncio.sleep(PAUSE_SECONDS)
    return await work()
