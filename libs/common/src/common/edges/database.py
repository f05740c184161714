"""Postgres: engines, tenants, and which of its errors pass by themselves."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, NewType

import asyncpg
import msgspec
import structlog
from asyncpg import InternalClientError
from msgspec import Struct
from sqlalchemy import TextClause, event, text
from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.exc import (
    DBAPIError,
    DisconnectionError,
    InterfaceError,
    TimeoutError as PoolTimeoutError,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import PoolProxiedConnection

from common.core.errors import TransientError
from common.edges.postgres import read_url

logger = structlog.get_logger()

# A connection that sees one tenant and cannot write; a distinct type, so that a function taking it
# cannot be handed the writer's.
ReadConnection = NewType("ReadConnection", AsyncConnection)

EVERY_TENANT = "*"
CONNECT_SECONDS = 3
COMMAND_SECONDS = 30

# connection exceptions · transaction rollback (deadlock, serialization) · no resources ·
# operator intervention (shutdown) · object in use · system error
_PASSING_CLASSES = ("08", "40", "53", "57", "55", "58")
_DATA_CLASSES = ("22", "23")


def create_writer_engine(
    url: str, schema: str, pool_size: int = 5, *, keeps_plans: bool = False
) -> AsyncEngine:
    """Return an engine whose connections see every tenant: for consumers, relays and migrations.

    Each statement is planned for the tables as they are. A plan that is kept (`keeps_plans`, for
    whoever asks a hundred times a second) was perhaps made while a table was empty, and reads all of
    it until Postgres counts its rows anew.
    """
    settings = {
        "search_path": schema,
        "madoguchi.tenant": EVERY_TENANT,
        "plan_cache_mode": "auto" if keeps_plans else "force_custom_plan",
    }
    return _engine(url, pool_size, settings)


def create_reader_engine(url: str, schema: str, pool_size: int = 10) -> AsyncEngine:
    """Return an engine for `reading` and `asking`: a connection that names no tenant sees no row."""
    settings = {"search_path": schema, "default_transaction_read_only": "on"}
    engine = _engine(url, pool_size, settings)
    event.listen(engine.sync_engine, "checkout", _discard_what_shows_rows)
    return engine


@asynccontextmanager
async def reading(
    engine: AsyncEngine, tenant: str, **settings: str
) -> AsyncIterator[ReadConnection]:
    """Yield a read-only transaction in which row-level security shows only `tenant`.

    `settings` are Postgres's, for this transaction. Raises TransientError where the database is
    away.
    """
    if tenant == EVERY_TENANT:
        raise ValueError("a reader has one tenant")
    begin = _beginning({_TENANT: tenant, **settings})
    async with passing_errors(), _of_one_tenant(engine) as connection:
        # The transaction is begun and ended beside SQLAlchemy, in one message each: by its own way
        # these took as long as the questions of a page.
        plain = await connection.execution_options(isolation_level="AUTOCOMMIT")
        driver = _driver(await plain.get_raw_connection())
        async with _transaction(plain, driver, begin):
            yield ReadConnection(plain)


@asynccontextmanager
async def _transaction(
    connection: AsyncConnection, driver: asyncpg.Connection, begin: str
) -> AsyncIterator[None]:
    """Nobody is handed a connection on which a transaction was begun and perhaps not ended."""
    try:
        await driver.execute(begin)
        try:
            yield
        finally:
            await driver.execute("ROLLBACK")
    except BaseException:
        if driver.is_closed() or driver.is_in_transaction():
            await connection.invalidate()
        raise


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


@asynccontextmanager
async def asking(
    engine: AsyncEngine, tenant: str, **settings: str
) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection on which each statement is a transaction that sees only `tenant`.

    It cannot write. Unlike `reading` it spares single questions two of three messages: what was set
    stays for whoever asks with the same. Raises TransientError where the database is away.
    """
    if tenant == EVERY_TENANT:
        raise ValueError("who asks has one tenant")
    async with passing_errors(), _of_one_tenant(engine) as connection:
        raw = await connection.get_raw_connection()
        driver = _driver(raw)
        if raw.info.get(_STAYS) != (wanted := {_TENANT: tenant, **settings}):
            try:
                await driver.execute(_setting(raw.info.get(_STAYS, {}), wanted))
            except BaseException:
                await connection.invalidate()  # nobody knows what it shows
                raise
            raw.info[_STAYS] = wanted
        yield driver


_TENANT = "madoguchi.tenant"
_STAYS = "set for"  # in a connection's info: what `asking` has set
_is_of_one_tenant: ContextVar[bool] = ContextVar("_is_of_one_tenant", default=False)


@asynccontextmanager
async def _of_one_tenant(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Take a connection to set a tenant before anything is asked."""
    token = _is_of_one_tenant.set(True)
    try:
        connection = await engine.connect().start()
    finally:
        _is_of_one_tenant.reset(token)
    try:
        yield connection
    finally:
        # Whoever is cancelled gives it back all the same, as SQLAlchemy's own `async with` does.
        await asyncio.shield(asyncio.create_task(connection.close()))


def _discard_what_shows_rows(
    _: object, record: PoolProxiedConnection, __: PoolProxiedConnection
) -> None:
    if _STAYS in record.info and not _is_of_one_tenant.get():
        raise DisconnectionError("it shows the rows of whoever asked last")  # a new one is opened


def _setting(known: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    resets = "".join(f"RESET {name}; " for name in known.keys() - wanted.keys())
    return f"{resets}SELECT {_set(wanted, local=False)}"


def _set(settings: Mapping[str, str], *, local: bool) -> str:
    each = (
        f"set_config({_literal(name)}, {_literal(to)}, {local})" for name, to in settings.items()
    )
    return ", ".join(each)


def _driver(raw: PoolProxiedConnection) -> asyncpg.Connection:
    driver = raw.driver_connection
    if not isinstance(driver, asyncpg.Connection):
        raise TypeError("the engines here are asyncpg's")
    return driver


def _beginning(settings: Mapping[str, str]) -> str:
    return f"BEGIN READ ONLY; SELECT {_set(settings, local=True)}"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"  # standard_conforming_strings is on


@asynccontextmanager
async def acting(engine: AsyncEngine, tenant: str) -> AsyncIterator[AsyncConnection]:
    """Yield a writing transaction in which row-level security shows only `tenant`.

    It is committed at the end. Raises TransientError where the database is away.
    """
    if tenant == EVERY_TENANT:
        raise ValueError("who acts has one tenant")
    async with passing_errors(), engine.begin() as connection:
        await connection.execute(
            text("SELECT set_config('madoguchi.tenant', :tenant, true)"), {"tenant": tenant}
        )
        yield connection


@asynccontextmanager
async def passing_errors() -> AsyncIterator[None]:
    """Turn the database's passing errors into TransientError; let all others through."""
    try:
        yield
    except Exception as error:
        if is_passing(error) and not isinstance(error, TransientError):
            raise TransientError(f"database: {type(error).__name__}") from error
        raise


async def done_unless_passing(what: str, work: Awaitable[object]) -> bool:
    """Do the work. Return False, with a warning, where a passing error of the database ended it.

    `what` waits for the database, as the log says. Raises every other error.
    """
    try:
        await work
    except Exception as error:
        if not is_passing(error):
            raise
        logger.warning("waits for the database", what=what, error=repr(error))
        return False
    return True


def is_passing(error: BaseException) -> bool:
    """Whether trying again later may succeed."""
    if isinstance(error, TransientError | OSError | PoolTimeoutError | InterfaceError):
        return True
    if isinstance(error, InternalClientError):  # of a connection whose server went away meanwhile
        return True
    if isinstance(error, asyncpg.InterfaceError):  # its connection is closed
        return True
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate).startswith(_PASSING_CLASSES)
    if not isinstance(error, DBAPIError):
        return False
    return error.connection_invalidated or _sqlstate(error).startswith(_PASSING_CLASSES)


def is_data_error(error: BaseException) -> bool:
    """Whether the values themselves were refused: the same batch will never succeed."""
    return isinstance(error, DBAPIError) and _sqlstate(error).startswith(_DATA_CLASSES)


def _sqlstate(error: DBAPIError) -> str:
    # asyncpg's client-side checks of values carry no SQLSTATE of the server's; they are data errors
    cause = getattr(error.orig, "__cause__", None)
    state = getattr(error.orig, "sqlstate", None) or getattr(cause, "sqlstate", None)
    if state is None and isinstance(cause, ValueError | TypeError | OverflowError):
        return "22000"
    return str(state or "")


def _engine(url: str, pool_size: int, server_settings: dict[str, str]) -> AsyncEngine:
    postgres = read_url(url)

    async def connect() -> asyncpg.Connection:
        return await postgres.connect(
            timeout=CONNECT_SECONDS,
            command_timeout=COMMAND_SECONDS,
            server_settings={
                "jit": "off",
                "standard_conforming_strings": "on",
                **server_settings,
            },
        )

    return create_async_engine(
        "postgresql+asyncpg://",  # where that is, is for `connect` to know
        async_creator=connect,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=CONNECT_SECONDS,
        pool_recycle=1800,
        json_deserializer=msgspec.json.decode,  # a third of the time that the standard one takes
    )
