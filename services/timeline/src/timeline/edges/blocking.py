"""The blocklist: contacts that are nobody's own."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.identity_events import DecisionKind
from timeline.core.identity import Decision
from timeline.edges.evidence import BLOCKED

_KEEP = text(
    """
    INSERT INTO blocked AS known (tenant, pattern, note, person, decided_at, blocked)
    SELECT :tenant, pattern, :note, :person, :at, :blocked
      FROM unnest(CAST(:patterns AS text[])) AS pattern
    ON CONFLICT (pattern, tenant) DO UPDATE
       SET note = excluded.note, person = excluded.person, decided_at = excluded.decided_at,
           blocked = excluded.blocked
     WHERE excluded.decided_at >= known.decided_at
    """
)
_MATCHED = text(
    f"""
    SELECT {BLOCKED} AS shared, array_agg(address ORDER BY address)
      FROM unnest(CAST(:patterns AS text[])) AS asked (wanted)
      JOIN contact ON contact.tenant = :tenant AND (
           address = wanted OR right(wanted, 1) = '@' AND address ^@ wanted)
     GROUP BY 1
    """  # noqa: S608 - a condition of our own
)
_FLAG = text(
    """
    UPDATE contact SET shared = :shared
     WHERE tenant = :tenant AND address = ANY(CAST(:contacts AS text[]))
    """
)
_LISTED = text(
    """
    SELECT pattern, note, person, decided_at FROM blocked
     WHERE tenant = :tenant AND blocked.blocked AND pattern > :after ORDER BY pattern LIMIT :most
    """
)


class Blocked(Struct, frozen=True):
    """What is nobody's own, since when, and who said so."""

    contact: str
    note: str | None
    person: str
    since: datetime


async def keep_blocks(connection: AsyncConnection, decision: Decision) -> None:
    """Put contacts on the blocklist or take them off; the last word on each counts."""
    data = decision.data
    await connection.execute(
        _KEEP,
        {
            "tenant": decision.tenant,
            "patterns": sorted(set(data.contacts)),
            "note": data.note,
            "person": data.person,
            "at": data.decided_at,
            "blocked": data.kind is DecisionKind.BLOCK,
        },
    )


async def matched(
    connection: AsyncConnection, decision: Decision
) -> Sequence[tuple[bool, list[str]]]:
    """Return the contacts that a decision is about: those that are blocked now, and those that are not."""
    asked = {"tenant": decision.tenant, "patterns": sorted(set(decision.data.contacts))}
    return [(shared, contacts) for shared, contacts in await connection.execute(_MATCHED, asked)]


async def flag(
    connection: AsyncConnection, tenant: str, contacts: Iterable[str], *, shared: bool
) -> None:
    """Note of each contact whether it is shared."""
    flagged = {"tenant": tenant, "contacts": list(contacts), "shared": shared}
    await connection.execute(_FLAG, flagged)


async def blocked_after(
    connection: AsyncConnection, tenant: str, after: str, most: int
) -> list[Blocked]:
    """Return a part of the blocklist, in its order."""
    asked = {"tenant": tenant, "after": after, "most": most}
    return [Blocked(*row) for row in await connection.execute(_LISTED, asked)]
