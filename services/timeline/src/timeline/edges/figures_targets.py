"""Targets as rows."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.edges.database import ReadConnection
from timeline.core.figures import Figure, Statistic
from timeline.core.figures_periods import Period
from timeline.core.figures_targets import StoredTarget, Target, target_id

_COLUMNS = "id, figure, statistic, period, dimension, member, since, target, set_by, set_at"
_ALL = text(
    f"""
    SELECT {_COLUMNS} FROM figure_target WHERE tenant = :tenant
     ORDER BY figure, period, dimension NULLS FIRST, member, statistic, since, id
    """  # noqa: S608 - column names of our own
)
_OF_FIGURE = text(
    f"""
    SELECT {_COLUMNS} FROM figure_target
     WHERE tenant = :tenant AND figure = :figure AND period = :period
    """  # noqa: S608 - column names of our own
)
_COUNT = text("SELECT count(*) FROM figure_target WHERE tenant = :tenant AND id <> :id")
_PUT = text(
    f"""
    INSERT INTO figure_target AS known (tenant, {_COLUMNS})
    VALUES (:tenant, :id, :figure, :statistic, :period, :dimension, :member, :since, :target,
            :set_by, :set_at)
    ON CONFLICT (id, tenant) DO UPDATE
       SET target = excluded.target, set_by = excluded.set_by, set_at = excluded.set_at
    """  # noqa: S608 - column names of our own
)
_DELETE = text("DELETE FROM figure_target WHERE tenant = :tenant AND id = :id")

MOST_TARGETS = 10_000


class TooManyTargetsError(ValueError):
    """A tenant has more targets than are read at once."""


async def targets_of(connection: ReadConnection, tenant: str) -> list[StoredTarget]:
    """Return all targets of a tenant."""
    return [_stored(row) for row in await connection.execute(_ALL, {"tenant": tenant})]


async def targets_for(
    connection: ReadConnection, tenant: str, figure: Figure, period: Period
) -> list[StoredTarget]:
    """Return the targets that rows of this figure and period may have."""
    asked = {"tenant": tenant, "figure": figure, "period": period}
    return [_stored(row) for row in await connection.execute(_OF_FIGURE, asked)]


async def put_target(
    connection: AsyncConnection, tenant: str, target: Target, by: str, now: datetime
) -> StoredTarget:
    """Set a target, or set it anew. Raises TooManyTargetsError."""
    stored = StoredTarget(target_id(tenant, target), target, by, now)
    key = {"tenant": tenant, "id": stored.id}
    if (await connection.scalar(_COUNT, key) or 0) >= MOST_TARGETS:
        raise TooManyTargetsError(f"more than {MOST_TARGETS} targets: delete some")
    row = {
        **key,
        "figure": target.figure,
        "statistic": target.statistic,
        "period": target.period,
        "dimension": target.dimension,
        "member": target.member,
        "since": target.since,
        "target": target.target,
        "set_by": by,
        "set_at": now,
    }
    await connection.execute(_PUT, row)
    return stored


async def delete_target(connection: AsyncConnection, tenant: str, target: UUID) -> bool:
    """Forget a target. Return whether there was one."""
    done = await connection.execute(_DELETE, {"tenant": tenant, "id": target})
    return done.rowcount == 1


def _stored(row: Row[Any]) -> StoredTarget:
    target = Target(
        figure=Figure(row.figure),
        statistic=Statistic(row.statistic),
        period=Period(row.period),
        since=row.since,
        target=row.target,
        dimension=row.dimension,
        member=row.member,
    )
    return StoredTarget(row.id, target, row.set_by, row.set_at)
