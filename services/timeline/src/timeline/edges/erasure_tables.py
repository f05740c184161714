"""Which tables hold something about a contact, an event or a profile: asked of the catalogue.

A table that is added later is found by what its columns are called, or refer to.
"""

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

Column = Literal["event_id", "contact_id", "contact", "customer_ref"]

# What an erasure itself writes about events and contacts.
_OWN = ("erasure", "erased_name", "erased_event", "erasure_object", "erasure_confirmation")
_WITH = text(
    """
    SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
     WHERE relnamespace = CAST(current_schema() AS regnamespace) AND NOT relispartition
       AND relkind IN ('r', 'p') AND attname = :column AND NOT attisdropped
       AND relname <> ALL(CAST(:own AS text[]))
     ORDER BY relname
    """
)
_REFERRING = text(
    """
    SELECT relname, attname FROM pg_constraint
      JOIN pg_class ON pg_class.oid = conrelid
      JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
     WHERE contype = 'f' AND confrelid = to_regclass(:table) AND NOT relispartition
       AND relnamespace = CAST(current_schema() AS regnamespace)
     ORDER BY relname, attname
    """
)


async def tables_with(
    connection: AsyncConnection, *, column: Column | None = None, refers_to: str | None = None
) -> Sequence[tuple[str, str]]:
    """Return tables and their columns of this name, or that refer to this table."""
    if refers_to:
        rows = await connection.execute(_REFERRING, {"table": refers_to})
    else:
        rows = await connection.execute(_WITH, {"column": column, "own": list(_OWN)})
    return [(row.relname, row.attname) for row in rows]


async def delete_where(
    connection: AsyncConnection, table: str, column: str, tenant: str, values: Sequence[object]
) -> int:
    """Delete a tenant's rows with one of these values; return how many there were."""
    if not values:
        return 0
    deleted = await connection.execute(
        text(f'DELETE FROM "{table}" WHERE tenant = :tenant AND "{column}" = ANY(:values)'),  # noqa: S608 - names from the catalogue
        {"tenant": tenant, "values": list(values)},
    )
    return deleted.rowcount
