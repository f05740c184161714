"""Single statements that are executed hundreds of times a second, on asyncpg's connections.

By way of SQLAlchemy's connections such a statement takes twice as long as by itself.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
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
    """At most `size` sessions of a schema, opened as they are needed, for single statements.

    asyncpg's own pool hands each out and back by a task, which takes as long as to ask.
    """

    def __init__(self, url: str, schema: str, size: int, **settings: str) -> None:
        """Open nothing yet. `settings` are Postgres's own, and hold for all of them."""
        self._connect = connecting(url, {"search_path": schema, **settings})
        self._size = size
        # A place without a session is None. Who gave back last is asked first.
        self._places: asyncio.LifoQueue[_Session | None] = asyncio.LifoQueue()
        for _ in range(size):
            self._places.put_nowait(None)

    async def ask(self, question: Question, values: Mapping[str, Any]) -> list[asyncpg.Record]:
        """Return what a statement gives, which is a transaction of its own.

        Raises what asyncpg raises; TimeoutError where no session is to be had within seconds.
        """
        return await self._answer(question, values, {})

    async def _answer(
        self, question: Question, values: Mapping[str, Any], shown: Mapping[str, str]
    ) -> list[asyncpg.Record]:
        """Ask on a session that is set for this. It ends with whoever is cut off while asking."""
        session = await self._taken()
        try:
            await session.set_for(shown)
            return await question.ask(session, values)
        except asyncpg.PostgresError:
            raise  # an answer: the session is as it was
        except BaseException:
            with suppress(Exception):
                await session.close(timeout=CONNECT_SECONDS)  # and the server ends the statement
            raise
        finally:
            self._places.put_nowait(session)

    async def _taken(self) -> _Session:
        if self._places.empty():
            async with asyncio.timeout(CONNECT_SECONDS):
                session = await self._places.get()
        else:
            session = self._places.get_nowait()
        return await self._opened() if session is None or session.is_closed() else session

    async def _opened(self) -> _Session:
        try:
            # A plan may take longer than a hundred answers: it is kept as long as the session.
            opened: _Session = await self._connect(
                connection_class=_Session, max_cached_statement_lifetime=0
            )
        except BaseException:
            self._places.put_nowait(None)
            raise
        return opened

    async def close(self) -> None:
        """Close all of them, once nobody has one any more."""
        for _ in range(self._size):
            if (session := await self._places.get()) is not None:
                await session.close()


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
        async with passing_errors():
            return await self._answer(question, values, {TENANT: tenant, **settings})
