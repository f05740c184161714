"""What waits in a service's database, and whether it waits too long."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct


class Waiting(Struct, frozen=True):
    """Rows of one kind in one schema. `kind` is `outbox`, `inbox`, `parts` or `files`."""

    schema: str
    kind: str
    what: str
    rows: int
    since: datetime
    oldest_seconds: float


def beyond(
    waiting: Iterable[Waiting], kind: str, most: int | None, oldest: float | None
) -> list[str]:
    """Return which schemas have more rows of a kind waiting, or longer, than they may: a line each."""
    lines: list[str] = []
    ours = [row for row in waiting if row.kind == kind]
    for schema in sorted({row.schema for row in ours}):
        depth = sum(row.rows for row in ours if row.schema == schema)
        age = max(row.oldest_seconds for row in ours if row.schema == schema)
        if most is not None and depth > most:
            lines.append(f"{schema}: {depth} rows wait, {most} may")
        if oldest is not None and age > oldest:
            lines.append(f"{schema}: oldest {age:.0f} s old, {oldest:g} s may be")
    return lines
