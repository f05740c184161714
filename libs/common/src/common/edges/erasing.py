"""Erased names in Postgres, read by every consumer before it takes anything in.

A batch holds a shared lock until it is committed. Whoever deletes waits for the exclusive one once,
after the names are committed: from then on no batch is under way that does not know them.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from common.core.erasure import CustomerErased, Erased, Marker

_SHARE = text("SELECT pg_advisory_xact_lock_shared(hashtext(current_schema() || '.erasing'))")
_ALONE = text("SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.erasing'))")
# Numbers are given under a lock that is held until the commit: no lower one ever turns up later.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.erased_name'))")
_NEW = text("SELECT number, mark, erased_at FROM erased_name WHERE number > :last ORDER BY number")
_ADD = text(
    """
    INSERT INTO erased_name (tenant, mark, erasure, erased_at)
    SELECT :tenant, mark, :erasure, :erased_at FROM unnest(CAST(:marks AS bytea[])) AS mark
    ON CONFLICT DO NOTHING
    """
)


class ErasedNames:
    """The names of a schema, kept in memory and brought up to date by each batch."""

    def __init__(self, marker: Marker) -> None:
        self.erased = Erased(marker)
        self._last = 0

    async def load(self, connection: AsyncConnection) -> Erased:
        """Return who is erased, and keep deletions waiting until this transaction ends."""
        await connection.execute(_SHARE)
        return await self.reload(connection)

    async def reload(self, connection: AsyncConnection) -> Erased:
        """Return who is erased now."""
        rows = (await connection.execute(_NEW, {"last": self._last})).all()
        for row in rows:
            self.erased.add({row.mark: row.erased_at})
            self._last = row.number
        return self.erased


async def add_names(connection: AsyncConnection, tenant: str, event: CustomerErased) -> None:
    """Remember what an erasure names."""
    await connection.execute(_ONE_AT_A_TIME)
    await connection.execute(
        _ADD,
        {
            "tenant": tenant,
            "marks": [bytes.fromhex(mark) for mark in (*event.contacts, *event.profiles)],
            "erasure": event.erasure,
            "erased_at": event.erased_at,
        },
    )


async def batches_ended(engine: AsyncEngine) -> None:
    """Return when no transaction is under way that began before now and takes events in."""
    async with engine.begin() as connection:
        await connection.execute(_ALONE)
