"""Single statements that are executed hundreds of times a second, through asyncpg's own pool.

By way of SQLAlchemy's connections such a statement takes twice as long as by itself.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any

import asyncpg
from msgspec import Struct
from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql.asyncpg import dialect

from common.edges.database import (
    CONNECT_SECONDS,
    EVERY_TENANT,
    TENANT,
    connecting,
    passing_errors,
    setting,
)


class Question(Struct, frozen=True):
    """A statement as asyncpg takes it: with numbers for the names of its parameters."""

    sql: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, statement: TextClause) -> "Question":
        """Return a statement with `:name` parameters so."""
        compiled = statement.compile(dialect=dialect())  # type: ignore[no-untyped-call]  # of SQLAlchemy
        return cls(str(compiled), tuple(compiled.positiontup or ()))

    async def ask(
        self, connection: asyncpg.Connection, values: Mapping[str, Any]
    ) -> list[asyncpg.Record]:
        """Return the answer."""
        answer: list[asyncpg.Record] = await connection.fetch(
            self.sql, *[values[name] for name in self.names]
        )
        return answer


class _Session(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """A connection that stays set for whoever asked last."""

    shows: Mapping[str, str] = MappingProxyType({})

    async def set_for(self, wanted: Mapping[str, str]) -> None:
        """Set this and nothing else, unless it is so. Where that fails, the session is closed."""
        if self.shows == wanted:
            return
        try:
            await self.execute(setting(self.shows, wanted))
        except BaseException:
            self.terminate()  # nobody knows what it shows
            raise
        self.shows = wanted


class Sessions:
    """At most `size` sessions of a schema, opened as they are needed, for single statements."""

    def __init__(self, url: str, schema: str, size: int, **settings: str) -> None:
        """Open nothing yet. `settings` are Postgres's own, and hold for all of them."""
        self._connect = connecting(url, {"search_path": schema, **settings})
        self._size = size
        self._pool: asyncpg.Pool | None = None

    async def ask(self, question: Question, values: Mapping[str, Any]) -> list[asyncpg.Record]:
        """Return what a statement gives, which is a transaction of its own.

        Raises what asyncpg raises; TimeoutError where no session is to be had within seconds.
        """
        async with self._taken() as session:
            return await question.ask(session, values)

    @asynccontextmanager
    async def _taken(self) -> AsyncIterator[_Session]:
        if self._pool is None:
            self._pool = await self._new_pool()
        pool = self._pool
        async with asyncio.timeout(CONNECT_SECONDS):
            session = await pool.acquire()
        try:
            yield session
        finally:
            await pool.release(session)

    async def _new_pool(self) -> asyncpg.Pool:
        async def opened(_: None, **given: Any) -> asyncpg.Connection:
            # A plan may take longer than a hundred answers: it is kept as long as the session.
            return await self._connect(max_cached_statement_lifetime=0, **given)

        async def left_as_it_is(_: asyncpg.Connection) -> None:
            """Reset nothing: whoever comes next sets it, and a question leaves nothing else."""

        return await asyncpg.create_pool(
            connect=opened,
            connection_class=_Session,
            min_size=0,
            max_size=self._size,
            reset=left_as_it_is,
        )

    async def close(self) -> None:
        """Close all of them, once nobody has one any more."""
        if self._pool is not None:
            await self._pool.close()


class Questions(Sessions):
    """Sessions that cannot write, each question seeing one tenant."""

    def __init__(self, url: str, schema: str, size: int = 5) -> None:
        """Open nothing yet. A session that names no tenant sees no row."""
        super().__init__(url, schema, size, default_transaction_read_only="on")

    async def ask_of(
        self,
        tenant: str,
        question: Question,
        values: Mapping[str, Any],
        settings: Mapping[str, str],
    ) -> list[asyncpg.Record]:
        """Return the answer, of what row-level security shows of `tenant`.

        `settings` are Postgres's, for this question. Raises TransientError where the database is
        away.
        """
        if tenant == EVERY_TENANT:
            raise ValueError("who asks has one tenant")
        async with passing_errors(), self._taken() as session:
            await session.set_for({TENANT: tenant, **settings})
            return await question.ask(session, values)
