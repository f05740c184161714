"""What Alembic needs from us: the tables every schema may want, and one way to run migrations."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from alembic import command, context, op
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from common.edges.database import create_writer_engine

# Who waits for a table keeps everybody waiting who comes after: so, not for long.
LOCK_SECONDS = 3
LOCK_ATTEMPTS = 20
LOCK_NOT_AVAILABLE = "55P03"
POLL_SECONDS = 0.1

TENANT_POLICY = (
    "current_setting('madoguchi.tenant', true) = '*' "
    "OR tenant = current_setting('madoguchi.tenant', true)"
)


def create_consumer_tables() -> None:
    """Create `partition_offset`: how far each partition is handled, and who may say so."""
    op.execute(
        """
        CREATE TABLE partition_offset (
          consumer_group text NOT NULL,
          topic text NOT NULL,
          partition int NOT NULL,
          next_offset bigint NOT NULL,
          epoch bigint NOT NULL,
          PRIMARY KEY (consumer_group, topic, partition)
        ) WITH (fillfactor = 50)
        """
    )


def create_outbox() -> None:
    """Create `outbox`: events committed with the state they tell of, waiting to be published."""
    op.execute(
        """
        CREATE TABLE outbox (
          id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          topic text NOT NULL,
          record bytea NOT NULL,
          created_at timestamptz NOT NULL DEFAULT now()
        ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000)
        """
    )
    compress_quickly("outbox", "record")


def compress_quickly(table: str, column: str) -> None:
    """Compress a column with lz4 where the server has it: a third less work than pglz.

    Partitions that come have it of their table; those that are there already have to be told.
    """
    op.execute(
        f"""
        DO $$ DECLARE part regclass; BEGIN
          IF (SELECT 'lz4' = ANY (enumvals) FROM pg_settings
               WHERE name = 'default_toast_compression') THEN
            FOR part IN SELECT regclass '{table}' UNION SELECT relid FROM pg_partition_tree('{table}')
            LOOP
              EXECUTE format('ALTER TABLE %s ALTER COLUMN {column} SET COMPRESSION lz4', part);
            END LOOP;
          END IF;
        END $$
        """  # noqa: S608 - names from a migration, never from outside
    )


def create_inbox() -> None:
    """Create `inbox`: requests acknowledged while Kafka was away, waiting to be published."""
    op.execute(
        """
        CREATE TABLE inbox (
          id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          provider text NOT NULL,
          account text NOT NULL,
          original bytea NOT NULL,
          received_at timestamptz NOT NULL
        )
        """
    )


def create_media_queue() -> None:
    """Create `media_fetch`: files that messages point to and that we do not hold yet."""
    op.execute(
        """
        CREATE TABLE media_fetch (
          message uuid NOT NULL,
          position int NOT NULL,
          pending bytea NOT NULL,
          first_seen timestamptz NOT NULL,
          due_at timestamptz NOT NULL,
          attempts int NOT NULL DEFAULT 0,
          PRIMARY KEY (message, position)
        ) WITH (fillfactor = 70)
        """
    )
    op.execute("CREATE INDEX media_fetch_due ON media_fetch (due_at)")


def create_leases() -> None:
    """Create `lease`: which replica does what only one may do, and until when."""
    op.execute(
        """
        CREATE TABLE lease (
          name text PRIMARY KEY,
          owner text NOT NULL,
          ends_at timestamptz NOT NULL
        ) WITH (fillfactor = 50)
        """
    )


def create_idempotency() -> None:
    """Create `idempotency`: requests that took effect, and what they were answered."""
    op.execute(
        """
        CREATE TABLE idempotency (
          tenant text NOT NULL,
          key text COLLATE "C" NOT NULL,
          route text NOT NULL,
          fingerprint bytea NOT NULL,
          status int NOT NULL,
          body bytea NOT NULL,
          at timestamptz NOT NULL,
          PRIMARY KEY (tenant, key)
        )
        """
    )
    op.execute("CREATE INDEX idempotency_at ON idempotency (at)")
    isolate_tenants("idempotency")


def create_erased_names() -> None:
    """Create `erased_name`: marks of who was erased and when; see common.edges.erasing."""
    op.execute(
        """
        CREATE TABLE erased_name (
          number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          tenant text NOT NULL,
          mark bytea NOT NULL,
          erasure uuid NOT NULL,
          erased_at timestamptz NOT NULL,
          UNIQUE (mark, tenant, erasure)
        )
        """
    )
    isolate_tenants("erased_name")


def isolate_tenants(*tables: str) -> None:
    """Make a forgotten filter harmless: rows of other tenants are not there."""
    for table in tables:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant_isolation ON {table} USING ({TENANT_POLICY})")


def migrate(scripts: Path, url: str, schema: str, revision: str = "head") -> None:
    """Bring `schema` to `revision`, creating it where it does not exist. Idempotent.

    Each revision is a transaction of its own; one may leave it (`autocommit_block`) for what cannot
    be done in any. Services may go on working meanwhile: a revision that does not get a table at
    once gives way, and tries again later. Raises DBAPIError where it never gets it.
    """
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["schema"] = schema
    asyncio.run(_upgrade(config, url, schema, revision))


async def _upgrade(config: Config, url: str, schema: str, revision: str) -> None:
    engine = create_writer_engine(url, schema, pool_size=1)

    def upgrade(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    try:
        async with engine.connect() as connection:
            await _be_the_only_one(connection)
            await connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
            await connection.execute(text(f"SET lock_timeout = '{LOCK_SECONDS}s'"))
            await connection.commit()
            await _patiently(lambda: connection.run_sync(upgrade))
    finally:
        await engine.dispose()


async def _be_the_only_one(connection: AsyncConnection) -> None:
    """Return once no other process migrates: five services may at once, and some steps race.

    Asked again and again: who waits inside a statement would keep CREATE INDEX CONCURRENTLY waiting.
    """
    lock = text("SELECT pg_try_advisory_lock(hashtext('madoguchi.migrate'))")
    while not (await connection.execute(lock)).scalar_one():
        await connection.rollback()
        await asyncio.sleep(POLL_SECONDS)


async def _patiently(upgrade: Callable[[], Awaitable[None]]) -> None:
    for _ in range(LOCK_ATTEMPTS - 1):
        try:
            return await upgrade()
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
        await asyncio.sleep(LOCK_SECONDS)
    return await upgrade()


def run_environment() -> None:
    """Be the whole of a service's migrations/env.py."""
    attributes = context.config.attributes
    context.configure(
        connection=attributes["connection"],
        version_table_schema=attributes["schema"],
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
