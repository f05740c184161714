"""Where the parts of long messages wait in Postgres: across restarts, and for several replicas."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import msgspec
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.core.adapters import Original
from common.edges.database import passing_errors
from ingest_sms.core.joining import Place, Waiting, home

# Parts of one message may reach two replicas at once; one after another decides where its part belongs.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:provider || :account || :series, 0))")
# A message that is being joined takes no more parts: whoever is first, the other sees what he did.
_HOLD = text(
    "SELECT id FROM long_message WHERE provider = :provider AND account = :account "
    "AND series = :series ORDER BY id FOR UPDATE"
)
_CANDIDATES = text(
    "SELECT id, total, begun_at, joined_at, array_agg(number) AS numbers, "
    "array_agg(fingerprint) AS fingerprints FROM long_message JOIN part ON message = id "
    "WHERE provider = :provider AND account = :account AND series = :series "
    "GROUP BY id ORDER BY id"
)
_BEGIN = text(
    "INSERT INTO long_message (provider, account, series, total, begun_at) "
    "VALUES (:provider, :account, :series, :total, :begun_at) RETURNING id"
)
_ADD = text(
    "INSERT INTO part (message, number, fingerprint, original) "
    "VALUES (:message, :number, :fingerprint, :original)"
)
_DUE = text(
    "SELECT id FROM long_message WHERE joined_at IS NULL AND (begun_at <= :begun_by "
    "OR total = (SELECT count(*) FROM part WHERE message = id)) ORDER BY id LIMIT :most"
)
_CLAIM = text("SELECT id FROM long_message WHERE id = :id AND joined_at IS NULL FOR UPDATE")
_PARTS = text("SELECT original FROM part WHERE message = :id ORDER BY arrival")
_JOINED = text("UPDATE long_message SET joined_at = :now WHERE id = :id")
_FORGET = text("DELETE FROM long_message WHERE joined_at < :before")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Original).decode


class Kept(Struct, frozen=True):
    """The message that a part was kept for; `ready` when it is whole and has not gone on."""

    message: int
    ready: bool


class PartStore:
    """Every method raises TransientError where Postgres is away."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def keep(self, place: Place, original: Original) -> Kept:
        """Return once the part is committed; one that is there already changes nothing."""
        key = {
            "provider": original.provider,
            "account": original.account,
            "series": place.series,
        }
        async with passing_errors(), self._engine.begin() as connection:
            await connection.execute(_LOCK, key)
            await connection.execute(_HOLD, key)
            waiting = home(place, await _candidates(connection, key))
            if waiting is None:
                waiting = await _begun(connection, key, place, original.received_at)
            if place.number not in waiting.fingerprints:
                waiting = await _with_part(connection, waiting, place, original)
        return Kept(waiting.key, waiting.whole and waiting.joined_at is None)

    async def due(self, begun_by: datetime, most: int) -> Sequence[int]:
        """Return messages that are whole, or began at `begun_by` or before; the oldest first."""
        async with passing_errors(), self._engine.connect() as connection:
            found = await connection.execute(_DUE, {"begun_by": begun_by, "most": most})
            return found.scalars().all()

    @asynccontextmanager
    async def joining(self, message: int, now: datetime) -> AsyncIterator[Sequence[Original]]:
        """Yield the parts in the order of their arrival; the message is joined when the block ends well.

        Of several replicas one gets the parts; the others wait for it and get none.
        """
        async with passing_errors(), self._engine.begin() as connection:
            claimed = (await connection.execute(_CLAIM, {"id": message})).first()
            if claimed is None:
                yield ()
                return
            rows = (await connection.execute(_PARTS, {"id": message})).scalars().all()
            yield [_decode(row) for row in rows]
            await connection.execute(_JOINED, {"id": message, "now": now})

    async def forget(self, before: datetime) -> None:
        """Delete what was joined before a moment: its parts will not come again."""
        async with passing_errors(), self._engine.begin() as connection:
            await connection.execute(_FORGET, {"before": before})


async def _candidates(connection: AsyncConnection, key: dict[str, str]) -> list[Waiting]:
    rows = await connection.execute(_CANDIDATES, key)
    return [
        Waiting(
            key=row.id,
            total=row.total,
            begun_at=row.begun_at,
            fingerprints=dict(zip(row.numbers, row.fingerprints, strict=True)),
            joined_at=row.joined_at,
        )
        for row in rows
    ]


async def _begun(
    connection: AsyncConnection, key: dict[str, str], place: Place, now: datetime
) -> Waiting:
    values = {**key, "total": place.total, "begun_at": now}
    message = (await connection.execute(_BEGIN, values)).scalar_one()
    return Waiting(key=message, total=place.total, begun_at=now, fingerprints={})


async def _with_part(
    connection: AsyncConnection, waiting: Waiting, place: Place, original: Original
) -> Waiting:
    values = {
        "message": waiting.key,
        "number": place.number,
        "fingerprint": place.fingerprint,
        "original": _encode(original),
    }
    await connection.execute(_ADD, values)
    there = {**waiting.fingerprints, place.number: place.fingerprint}
    return msgspec.structs.replace(waiting, fingerprints=there)
