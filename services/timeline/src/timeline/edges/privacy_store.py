"""Rules of retention and jobs of export in Postgres, in the caller's transaction."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.ids import derived_id
from timeline.core.retention import RetentionRule

_FORGET_RULES = text("DELETE FROM retention_rule WHERE tenant = :tenant")
_ADD_RULES = text(
    """
    INSERT INTO retention_rule (tenant, kind, channel, days, set_by, set_at)
    SELECT :tenant, kind, channel, min(days), :by, :at
      FROM unnest(CAST(:kinds AS text[]), CAST(:channels AS text[]), CAST(:days AS int[]))
           AS rule (kind, channel, days)
     GROUP BY kind, channel
    """
)
_RULES = text(
    "SELECT kind, channel, days FROM retention_rule WHERE tenant = :tenant ORDER BY kind, channel"
)
_ASK = text(
    """
    INSERT INTO export_job (id, tenant, customer_id, asked_by, asked_at, state)
    VALUES (:id, :tenant, :customer, :by, :at, 'asked') ON CONFLICT DO NOTHING
    """
)
_EXPORT = text(
    """
    SELECT id, customer_id, asked_by, asked_at, state, entries, bytes, sha256, ready_at, expires_at
      FROM export_job WHERE id = :id AND tenant = :tenant
    """
)


async def set_rules(
    connection: AsyncConnection,
    tenant: str,
    rules: Iterable[RetentionRule],
    by: str,
    now: datetime,
) -> tuple[RetentionRule, ...]:
    """Put these rules in the place of all there were; return them."""
    given = list(rules)
    await connection.execute(_FORGET_RULES, {"tenant": tenant})
    await connection.execute(
        _ADD_RULES,
        {
            "tenant": tenant,
            "by": by,
            "at": now,
            "kinds": [rule.kind for rule in given],
            "channels": [rule.channel for rule in given],
            "days": [rule.days for rule in given],
        },
    )
    return await rules_of(connection, tenant)


async def rules_of(connection: AsyncConnection, tenant: str) -> tuple[RetentionRule, ...]:
    """Return a tenant's rules of retention."""
    rows = await connection.execute(_RULES, {"tenant": tenant})
    return tuple(RetentionRule(row.kind, row.channel, row.days) for row in rows)


async def ask_export(
    connection: AsyncConnection, tenant: str, customer: UUID, by: str, now: datetime
) -> Row[Any] | None:
    """Ask for an export; return its row."""
    export = derived_id("export", tenant, str(customer), by, now.isoformat())
    asked = {"id": export, "tenant": tenant, "customer": customer, "by": by, "at": now}
    await connection.execute(_ASK, asked)
    return await export_row(connection, tenant, export)


async def export_row(connection: AsyncConnection, tenant: str, export: UUID) -> Row[Any] | None:
    """Return the row of an export."""
    found = await connection.execute(_EXPORT, {"id": export, "tenant": tenant})
    return found.one_or_none()
