"""Many rows in one statement: a column is an array, and `unnest` makes rows of them again."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

_dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy left it so


def unnested(table: Table) -> str:
    """Return `unnest(…)` over one array parameter a column of the table, named like the column.

    JSON columns take JSON texts.
    """
    casts = (
        f"CAST(:{column.name} AS {column.type.compile(_dialect)}[])" for column in table.columns
    )
    return f"unnest({', '.join(casts)})"


def names(table: Table) -> str:
    """Return the columns' names, as `unnested` has them."""
    return ", ".join(column.name for column in table.columns)


def insertion(table: Table) -> str:
    """Return `INSERT INTO … SELECT … FROM unnest(…)`, to be ended by the caller."""
    columns = names(table)
    return f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM {unnested(table)} AS row ({columns})"  # noqa: S608 - names of our own tables


def columns_of(table: Table, rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return the parameters of `unnested` for these rows."""
    return {column.name: [row[column.name] for row in rows] for column in table.columns}


def row_of(value: Struct, as_json: Collection[str] = ()) -> dict[str, Any]:
    """Return a value as a row, with these columns as JSON texts."""
    row = asdict(value)
    return row | {name: msgspec.json.encode(row[name]).decode() for name in as_json}
