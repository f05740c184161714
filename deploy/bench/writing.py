"""What the timeline's writer makes of decoded events, beside the bare insert of the same rows.

Both add each event once, store the offset in the same transaction, and begin with contacts that are
known. What lies before, reading Kafka and decoding, is measured by `make bench`.
"""

import asyncio
import time
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Any

import asyncpg
from aiokafka import TopicPartition
from sqlalchemy.ext.asyncio import AsyncEngine

from bench.figures import Figure
from bench.history import History
from bench.history_rows import entry_in
from common.edges.database import create_writer_engine
from common.edges.offsets import Claim, advance, claim
from timeline.core.entry import Entry
from timeline.edges.contacts import ContactKey, contact_ids, known_contacts
from timeline.edges.writer import write_entries

BATCH = 1000  # as consumers take at most by default
# The machine is faster in one second than in the next: both write a batch in turn, and of the
# rounds the one in the middle counts.
BATCHES = 16
ROUNDS = 9
SCHEMA = "timeline"
GROUP, BARE_GROUP = "bench", "bare"
PLACE = TopicPartition("messages.v1", 0)

_BARE = """
    WITH fresh AS (
      INSERT INTO seen (tenant, event_id, contact_id, occurred_at)
      SELECT * FROM unnest($1::text[], $7::uuid[], $2::bigint[], $3::timestamptz[])
      ON CONFLICT DO NOTHING RETURNING tenant, event_id
    )
    INSERT INTO entry (tenant, contact_id, occurred_at, topic, partition, "offset", event_id,
                       learned_at, type, kind, channel, direction, message, about, conversation,
                       case_id, body)
    SELECT row.* FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::smallint[],
                  $5::smallint[], $6::bigint[], $7::uuid[], $8::timestamptz[], $9::text[],
                  $10::text[], $11::text[], $12::text[], $13::uuid[], $14::uuid[], $15::uuid[],
                  $16::uuid[], $17::json[])
           AS row (tenant, contact_id, occurred_at, topic, partition, "offset", event_id,
                   learned_at, type, kind, channel, direction, message, about, conversation,
                   case_id, body)
      JOIN fresh USING (tenant, event_id)
"""
_OFFSET = """
    UPDATE partition_offset SET next_offset = $1
     WHERE consumer_group = 'bare' AND topic = 'messages.v1' AND partition = 0
"""


def measure(database: str, history: History, name: str) -> Figure:
    """Write the later half of a history, which the database does not hold, in turns."""
    return asyncio.run(_measure(database, history, name))


async def _measure(database: str, history: History, name: str) -> Figure:
    engine = create_writer_engine(database, SCHEMA)
    bare = await asyncpg.connect(
        database, server_settings={"search_path": SCHEMA, "madoguchi.tenant": "*", "jit": "off"}
    )
    async with engine.begin() as connection:
        claims = await claim(connection, GROUP, [PLACE])
        await claim(connection, BARE_GROUP, [PLACE])
    rounds: list[tuple[float, float]] = []
    batches = _batches(history)
    for _ in range(ROUNDS):
        ours, theirs = list(islice(batches, BATCHES)), list(islice(batches, BATCHES))
        ids = await _introduce(engine, [*ours, *theirs])
        columns = [_columns(batch, ids) for batch in theirs]
        written = limit = 0.0
        for mine, other, its in zip(ours, theirs, columns, strict=True):
            limit += await _seconds(_bare(bare, its, other[-1].position.offset + 1))
            written += await _seconds(_written(engine, mine, claims))
        rounds.append((BATCHES * BATCH / written, BATCHES * BATCH / limit))
    await bare.close()
    await engine.dispose()
    note = "bare unnest insert of such rows with dedupe and offset; the writer gets decoded entries"
    rounds.sort(key=lambda one: one[0] / one[1])
    ratios = ", ".join(f"{written / limit:.2f}" for written, limit in rounds)
    written, limit = rounds[len(rounds) // 2]
    return Figure(name, written, "entries/s", limit, f"{note}; {ratios}")


def _batches(history: History) -> Iterator[list[Entry]]:
    """Return batches of entries that stand on pages: no statuses, which the bare insert has not."""
    batch: list[Entry] = []
    for number in range(history.entries // 2, history.entries):
        entry = entry_in(next(history.told(number)))
        batch.append(entry)
        if len(batch) == BATCH:
            yield batch
            batch = []


async def _introduce(
    engine: AsyncEngine, batches: Sequence[Sequence[Entry]]
) -> Mapping[ContactKey, int]:
    """Add the contacts of all these, as first seen with the earliest of them: before most."""
    async with engine.begin() as connection:
        since = min(one.learned_at for batch in batches for one in batch)
        seen = dict.fromkeys(_seen(chain(*batches)), since)
        return await contact_ids(connection, seen, await known_contacts(connection, seen))


async def _seconds(work: Awaitable[None]) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


async def _written(
    engine: AsyncEngine, batch: Sequence[Entry], claims: Mapping[TopicPartition, Claim]
) -> None:
    async with engine.begin() as connection:
        seen = _seen(batch)
        ids = await contact_ids(connection, seen, await known_contacts(connection, seen))
        await write_entries(connection, batch, ids)
        await advance(connection, GROUP, claims, {PLACE: batch[-1].position.offset + 1})


def _seen(entries: Iterable[Entry]) -> dict[ContactKey, datetime]:
    return {(one.tenant, one.contact): one.learned_at for one in entries}


async def _bare(
    connection: asyncpg.Connection, columns: Sequence[Sequence[Any]], next_offset: int
) -> None:
    async with connection.transaction():
        await connection.execute(_BARE, *columns)
        await connection.execute(_OFFSET, next_offset)


def _columns(batch: Sequence[Entry], ids: Mapping[ContactKey, int]) -> list[Sequence[Any]]:
    return [
        [one.tenant for one in batch],
        [ids[one.tenant, one.contact] for one in batch],
        [one.occurred_at for one in batch],
        [one.position.topic for one in batch],
        [one.position.partition for one in batch],
        [one.position.offset for one in batch],
        [one.event_id for one in batch],
        [one.learned_at for one in batch],
        *(
            [getattr(one, name) for one in batch]
            for name in ("type", "kind", "channel", "direction")
        ),
        *(
            [getattr(one, name) for one in batch]
            for name in ("message", "about", "conversation", "case")
        ),
        [one.body.decode() for one in batch],
    ]
