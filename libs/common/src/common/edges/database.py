"""Postgres: engines, tenants, and which of its errors pass by themselves."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NewType

import asyncpg
import msgspec
import structlog
from asyncpg import InternalClientError
from sqlalchemy import TextClause, text
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    TimeoutError as PoolTimeoutError,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from common.core.errors import TransientError
from common.edges.postgres import read_url

logger = structlog.get_logger()

# A connection that sees one tenant and cannot write; a distinct type, so that a function taking it
# cannot be handed the writer's.
ReadConnection = NewType("ReadConnection", AsyncConnection)

TENANT = "madoguchi.tenant"  # the setting that row-level security looks at
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
        TENANT: EVERY_TENANT,
        "plan_cache_mode": "auto" if keeps_plans else "force_custom_plan",
    }
    return _engine(url, pool_size, settings)


def create_reader_engine(url: str, schema: str, pool_size: int = 10) -> AsyncEngine:
    """Return an engine for `reading`: a connection that names no tenant sees no row."""
    return _engine(url, pool_size, {"search_path": schema, "default_transaction_read_only": "on"})


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
    begin = _beginning({TENANT: tenant, **settings})
    async with passing_errors(), engine.connect() as connection:
        # The transaction is begun and ended beside SQLAlchemy, in one message each: by its own way
        # these took as long as the questions of a page.
        plain = await connection.execution_options(isolation_level="AUTOCOMMIT")
        driver = await driver_of(plain)
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


def setting(known: Mapping[str, str], wanted: Mapping[str, str]) -> str:
    """Return the statement that sets what is wanted on a connection where `known` is set."""
    resets = "".join(f"RESET {name}; " for name in known.keys() - wanted.keys())
    return f"{resets}SELECT {_set(wanted, local=False)}"


def _set(settings: Mapping[str, str], *, local: bool) -> str:
    each = (
        f"set_config({_literal(name)}, {_literal(to)}, {local})" for name, to in settings.items()
    )
    return ", ".join(each)


async def driver_of(connection: AsyncConnection) -> asyncpg.Connection:
    """Return what SQLAlchemy speaks to Postgres by, for what is asked so often that its way is too long."""
    driver = (await connection.get_raw_connection()).driver_connection
    if not isinstance(driver, asyncpg.Connection):
        raise TypeError("the engines here are asyncpg's")
    return driver


def _beginning(settings: Mapping[str, str]) -> str:
    return f"BEGIN READ ONLY; SELECT {_set(settings, local=True)}"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"  # standard_conforming_strings is on


async def alone(engine: AsyncEngine, statement: TextClause, values: Mapping[str, Any]) -> Any:
    """Return the one value of a statement that is a transaction of its own, asked in one message."""
    async with engine.connect() as connection:
        outside = await connection.execution_options(isolation_level="AUTOCOMMIT")
        return await outside.scalar(statement, values)


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


def connecting(
    url: str, server_settings: Mapping[str, str]
) -> Callable[..., Awaitable[asyncpg.Connection]]:
    """Return what opens a connection with these settings; it passes on what asyncpg is given."""
    postgres = read_url(url)

    async def connect(**given: Any) -> asyncpg.Connection:
        return await postgres.connect(
            timeout=CONNECT_SECONDS,
            command_timeout=COMMAND_SECONDS,
            server_settings={
                "jit": "off",
                "standard_conforming_strings": "on",
                **server_settings,
            },
            **given,
        )

    return connect


def _engine(url: str, pool_size: int, server_settings: Mapping[str, str]) -> AsyncEngine:
    return create_async_engine(
        "postgresql+asyncpg://",  # where that is, is for `connecting` to know
        async_creator=connecting(url, server_settings),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=CONNECT_SECONDS,
        pool_recycle=1800,
        json_deserializer=msgspec.json.decode,  # a third of the time that the standard one takes
    )
