"""The durable inbox: what was acknowledged while Kafka was away, in the order it came."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.core.adapters import Original
from common.edges.database import passing_errors

_INSERT = text(
    "INSERT INTO inbox (provider, account, original, received_at) "
    "VALUES (:provider, :account, :original, :received_at)"
)
_NEXT = text("SELECT id, original FROM inbox ORDER BY id LIMIT :most")
_DELETE = text("DELETE FROM inbox WHERE id = ANY(CAST(:ids AS bigint[]))")
_COUNT = text("SELECT count(*) FROM (SELECT FROM inbox LIMIT 100000) AS rows")
_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtext(current_schema() || '.inbox'))")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Original).decode


class Inbox:
    """One schema's inbox. Every method raises TransientError where Postgres is away."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def store(self, original: Original) -> None:
        """Return once the original is committed."""
        async with passing_errors(), self._engine.begin() as connection:
            await connection.execute(
                _INSERT,
                {
                    "provider": original.provider,
                    "account": original.account,
                    "original": _encode(original),
                    "received_at": original.received_at,
                },
            )

    async def rows(self) -> int:
        """Return how many requests wait, counting no further than 100,000."""
        async with passing_errors(), self._engine.connect() as connection:
            return int((await connection.execute(_COUNT)).scalar_one())

    @asynccontextmanager
    async def next_batch(self, most: int) -> AsyncIterator[Sequence[Original]]:
        """Yield the oldest originals; they are deleted when the block ends without an error.

        Of several replicas one drains; the others get an empty batch.
        """
        async with passing_errors(), self._engine.begin() as connection:
            rows = await self._oldest(connection, most)
            yield [_decode(row.original) for row in rows]
            if rows:
                await connection.execute(_DELETE, {"ids": [row.id for row in rows]})

    async def _oldest(
        self, connection: AsyncConnection, most: int
    ) -> Sequence[Row[tuple[int, bytes]]]:
        if not (await connection.execute(_LOCK)).scalar_one():
            return ()
        return (await connection.execute(_NEXT, {"most": most})).all()
