"""Whether PostgreSQL is there, a schema is as its code wants it, and tenants are kept apart."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

from alembic.script import ScriptDirectory
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.errors import MadoguchiError
from common.core.operations.findings import Area, Finding, error, fine, warning
from common.edges.clock import Clock
from common.edges.database import create_writer_engine, is_passing
from common.ops.doctor.clock import skew
from common.ops.doctor.installed import History, Installed

NEARLY_ALL = 0.9

_SERVER = text(
    """
    SELECT current_setting('server_version') AS version,
           current_setting('server_encoding') AS encoding,
           current_user AS role, rolsuper OR rolbypassrls AS boundless,
           pg_is_in_recovery() AS standby,
           (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS sessions,
           CAST(current_setting('max_connections') AS int) AS most_sessions,
           clock_timestamp() AS now
      FROM pg_roles WHERE rolname = current_user
    """
)
_SCHEMA = text("SELECT to_regnamespace(quote_ident(:schema))")
_VERSION_TABLE = text("SELECT to_regclass(quote_ident(:schema) || '.' || quote_ident(:name))")
_OPEN_TABLES = text(
    """
    SELECT relname FROM pg_class
     WHERE relnamespace = to_regnamespace(quote_ident(:schema)) AND relkind IN ('r', 'p')
       AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'tenant'
                     AND NOT attisdropped)
       AND NOT (relrowsecurity AND relforcerowsecurity AND (relispartition OR EXISTS (
             SELECT FROM pg_policy WHERE polrelid = pg_class.oid AND polpermissive)))
     ORDER BY relname
    """
)


async def server_findings(database: str, clock: Clock) -> list[Finding]:
    """Look at the server and at who we are there."""

    async def look(connection: AsyncConnection) -> AsyncIterator[Finding]:
        asked_at = clock()
        server = (await connection.execute(_SERVER)).one()
        yield skew("PostgreSQL's", server.now, asked_at, clock())
        for found in _of_server(server):
            yield found

    return await _looked(database, "public", look)


async def schema_findings(service: Installed, database: str) -> list[Finding]:
    """Look at a service's schema."""

    async def look(connection: AsyncConnection) -> AsyncIterator[Finding]:
        names = {"schema": service.name}
        if (await connection.execute(_SCHEMA, names)).scalar_one() is None:
            yield _behind(service, "never migrated")
            return
        for history in service.histories:
            yield await _of_history(connection, service, history)
        tables = (await connection.execute(_OPEN_TABLES, names)).scalars().all()
        yield _of_tenants(service, tables)

    return await _looked(database, service.name, look)


async def _looked(
    database: str, schema: str, look: Callable[[AsyncConnection], AsyncIterator[Finding]]
) -> list[Finding]:
    engine = create_writer_engine(database, schema, pool_size=1)
    try:
        async with engine.connect() as connection:
            return [one async for one in look(connection)]
    except Exception as fault:
        if not (is_passing(fault) or isinstance(fault, MadoguchiError)):
            raise
        do = "see that it runs, and what MADOGUCHI_DATABASE says of address, user and TLS"
        return [error(Area.POSTGRES, f"cannot be reached: {_said(fault)}", do)]
    finally:
        await engine.dispose()


def _of_tenants(service: Installed, tables: Sequence[str]) -> Finding:
    if not tables:
        return fine(Area.POSTGRES, "row-level security binds every tenant's table", service.name)
    what = f"row-level security does not keep tenants apart in {', '.join(tables)}"
    do = "ALTER TABLE … ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; find out who took it away"
    return error(Area.POSTGRES, what, do, service.name)


def _of_server(server: Row[Any]) -> Iterator[Finding]:
    yield fine(Area.POSTGRES, f"reachable: PostgreSQL {server.version} as {server.role}")
    if server.encoding != "UTF8":
        do = "make a database with ENCODING 'UTF8' and move the data there: Japanese needs it"
        yield error(Area.POSTGRES, f"the database's encoding is {server.encoding}", do)
    if server.boundless:
        what = f"{server.role} is a superuser or has BYPASSRLS: row-level security does not bind it"
        do = f"ALTER ROLE {server.role} NOSUPERUSER NOBYPASSRLS, or use an ordinary role"
        yield error(Area.POSTGRES, what, do)
    if server.sessions >= server.most_sessions * NEARLY_ALL:
        what = f"{server.sessions} of {server.most_sessions} connections are taken"
        do = "raise max_connections, put a pooling proxy in front, or run fewer replicas"
        yield warning(Area.POSTGRES, what, do)
    if server.standby:
        do = "name the primary in MADOGUCHI_DATABASE (target_session_attrs=read-write)"
        yield error(Area.POSTGRES, "this server is a standby and takes no writes", do)


async def _of_history(connection: AsyncConnection, service: Installed, history: History) -> Finding:
    names = {"schema": service.name, "name": history.version_table}
    table = (await connection.execute(_VERSION_TABLE, names)).scalar_one()
    if table is None:
        return _behind(service, f"never migrated ({history.version_table})")
    query = text(f"SELECT version_num FROM {table}")  # noqa: S608 - as Postgres itself quotes it
    current = (await connection.execute(query)).scalar_one_or_none()
    scripts = ScriptDirectory(str(history.scripts))
    head = scripts.get_current_head()
    if current == head:
        return fine(Area.POSTGRES, f"schema at {current}, the newest revision", service.name)
    if current not in {one.revision for one in scripts.walk_revisions()}:
        return warning(
            Area.POSTGRES,
            f"schema at {current}, which this version does not know (its newest is {head})",
            "fine during a roll-back, see docs/upgrading.md; otherwise run the newer version",
            service.name,
        )
    return _behind(service, f"schema at {current}, this version wants {head}")


def _behind(service: Installed, what: str) -> Finding:
    return error(Area.POSTGRES, what, f"run `python -m {service.name} migrate`", service.name)


def _said(fault: BaseException) -> str:
    return str(fault) or type(fault).__name__
