"""Asking every schema of a database that has a table, whichever services keep theirs there."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.edges.database import create_writer_engine, passing_errors

_SCHEMAS = text(
    """
    SELECT nspname AS schema, quote_ident(nspname) AS quoted
      FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
     WHERE relname = :name AND relkind IN ('r', 'p')
       AND has_schema_privilege(pg_namespace.oid, 'USAGE')
       AND has_table_privilege(pg_class.oid, 'SELECT')
     ORDER BY nspname
    """
)


async def in_every_schema(
    database: str, table: str, query: str, **values: object
) -> list[tuple[str, tuple[Any, ...]]]:
    """Return (schema, row) of a query over each schema with a table that may be read.

    `{schema}` in the query stands for the schema as an identifier, `:schema` for it as a value.
    Raises TransientError where Postgres is away, and what common.edges.postgres raises.
    """
    engine = create_writer_engine(database, "public", pool_size=1)
    try:
        async with passing_errors(), engine.connect() as connection:
            return [
                (schema, row)
                for schema, quoted in await _schemas(connection, table)
                for row in await _rows(connection, query.format(schema=quoted), schema, values)
            ]
    finally:
        await engine.dispose()


async def _schemas(connection: AsyncConnection, table: str) -> list[tuple[str, str]]:
    rows = await connection.execute(_SCHEMAS, {"name": table})
    return [(row.schema, row.quoted) for row in rows]


async def _rows(
    connection: AsyncConnection, query: str, schema: str, values: Mapping[str, object]
) -> list[tuple[Any, ...]]:
    told = {"schema": schema} if ":schema" in query else {}
    return [tuple(row) for row in await connection.execute(text(query), {**told, **values})]
