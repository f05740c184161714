"""What is committed and waits in Postgres to be published, told or fetched, and who is at it."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from common.core.operations.queues import Waiting
from common.ops.schemas import in_every_schema

MOST_COUNTED = 100_000  # rows of a table; to count more takes longer than it tells

# By table: what the rows are called, what they are told apart by, since when, which, oldest first.
_TABLES = {
    "outbox": ("outbox", "topic", "created_at", "ORDER BY id"),
    "inbox": ("inbox", "provider || '/' || account", "received_at", "ORDER BY id"),
    "long_message": (
        "parts",
        "provider || '/' || account",
        "begun_at",
        "WHERE joined_at IS NULL ORDER BY begun_at",
    ),
    "media_fetch": (
        "files",
        "CASE WHEN attempts = 0 THEN 'not tried yet' ELSE 'tried before' END",
        "first_seen",
        "ORDER BY first_seen",
    ),
}
_WAITING = """
    SELECT what, count(*), min(since),
           CAST(extract(epoch FROM clock_timestamp() - min(since)) AS float8)
      FROM (SELECT {what} AS what, {since} AS since FROM {{schema}}.{table} {which} LIMIT {most}) AS rows
     GROUP BY what ORDER BY what
    """
_LEASES = """
    SELECT name, owner, ends_at,
           CAST(extract(epoch FROM ends_at - clock_timestamp()) AS float8)
      FROM {schema}.lease ORDER BY name
    """
# The relay that works holds a lock of its session, named after its schema; see common.edges.outbox.
_RELAYS = """
    SELECT held.pid, host(client_addr), client_port, backend_start
      FROM pg_locks AS held LEFT JOIN pg_stat_activity AS session ON session.pid = held.pid
     WHERE held.locktype = 'advisory' AND held.granted
       AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND ((CAST(held.classid AS bigint) << 32) | CAST(held.objid AS bigint))
           = hashtext(CAST(:schema AS text) || '.outbox')
    """


class Lease(Struct, frozen=True):
    """Work that one process at a time does; negative seconds: its holder died or lost it."""

    schema: str
    name: str
    owner: str
    ends_at: datetime
    seconds_left: float


class Relay(Struct, frozen=True):
    """The session that publishes a schema's outbox; None for what we may not know of it."""

    schema: str
    pid: int
    address: str | None
    port: int | None
    since: datetime | None


async def waiting(database: str, tables: Sequence[str]) -> list[Waiting]:
    """Return what waits in these tables of every schema. Raises TransientError."""
    return [
        Waiting(schema, _TABLES[table][0], *row)
        for table in tables
        for schema, row in await in_every_schema(database, table, _query(table))
    ]


async def leases(database: str) -> list[Lease]:
    """Return who does what alone. Raises TransientError."""
    return [
        Lease(schema, *row) for schema, row in await in_every_schema(database, "lease", _LEASES)
    ]


async def relays(database: str) -> list[Relay]:
    """Return who publishes the outbox of each schema. Raises TransientError."""
    return [
        Relay(schema, *row) for schema, row in await in_every_schema(database, "outbox", _RELAYS)
    ]


def _query(table: str) -> str:
    _, what, since, which = _TABLES[table]
    return _WAITING.format(what=what, since=since, table=table, which=which, most=MOST_COUNTED)
