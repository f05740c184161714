"""An erased customer's entries, deleted some at a time, wherever they are told again in other words."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.erasure import Marker
from common.core.ids import customer_id
from timeline.core.entry import Entry
from timeline.core.erasure import is_old
from timeline.edges.erasure_guard import gone_among, remember_gone
from timeline.edges.erasure_tables import delete_where, tables_with
from timeline.edges.reader import COLUMNS, row_entry
from timeline.edges.search_index import lock_tenants

AT_ONCE = 500

_ENTRIES, _AMENDMENTS = (
    text(
        f"""
        SELECT {COLUMNS} FROM contact JOIN {table} ON {table}.contact_id = contact.id
         WHERE contact.id = :contact AND event_id > :after
         ORDER BY event_id LIMIT :most
        """  # noqa: S608 - names of our own
    )
    for table in ("entry", "amendment")
)
_DELETE_ENTRIES = text(
    """
    DELETE FROM entry WHERE contact_id = :contact AND tenant = :tenant
       AND occurred_at = ANY(CAST(:moments AS timestamptz[]))
       AND event_id = ANY(CAST(:events AS uuid[]))
    """
)
_LEFT = text(
    """
    SELECT min(learned_at) FROM (
      SELECT learned_at FROM entry WHERE contact_id = :contact
       UNION ALL SELECT learned_at FROM amendment WHERE contact_id = :contact) AS told
    """
)
_SEEN_FROM = text("UPDATE contact SET first_seen = :at WHERE id = :contact")
_LINKED = text(
    "SELECT count(*) FROM contact JOIN link ON contact_id = contact.id WHERE contact.id = :contact"
)
_ADDRESS = text("SELECT address FROM contact WHERE id = :contact FOR UPDATE")


class Rules(Struct, frozen=True):
    """What is deleted of a tenant: all up to a moment, and what speaks of something deleted."""

    tenant: str
    erasure: UUID
    erased_at: datetime
    marker: Marker


class Round(Struct, frozen=True):
    """Where a round ended (None: at the end), and what it deleted, by table."""

    after: UUID | None
    counts: dict[str, int]


async def delete_some(
    connection: AsyncConnection, table: str, contact: int, after: UUID, rules: Rules
) -> Round:
    """Delete some of a contact's rows in `entry` or `amendment`, and all that was made of them."""
    statement = _ENTRIES if table == "entry" else _AMENDMENTS
    asked = {"contact": contact, "after": after, "most": AT_ONCE}
    found = [row_entry(row) for row in await connection.execute(statement, asked)]
    late = [one for one in found if not is_old(one, rules.erased_at)]
    gone = await gone_among(connection, late, rules.marker)
    going = [one for one in found if is_old(one, rules.erased_at) or one.event_id in gone]
    counts = await delete_entries(connection, rules.tenant, {contact: going}) if going else {}
    await remember_gone(connection, going, rules.marker, rules.erasure)
    return Round(found[-1].event_id if len(found) == AT_ONCE else None, counts)


async def delete_entries(
    connection: AsyncConnection,
    tenant: str,
    going: Mapping[int, Sequence[Entry]],
    *,
    rows_too: bool = True,
) -> dict[str, int]:
    """Delete entries, by the row of their contact, from every table that tells of their events.

    Without `rows_too` the entries themselves stay: the whole partition is about to go.
    """
    counts: dict[str, int] = {}
    await lock_tenants(connection, [tenant])  # who indexes them now has read them already
    for contact, entries in going.items():
        events = [one.event_id for one in entries]
        given = {"contact": contact, "tenant": tenant, "events": events}
        moments = list({one.occurred_at for one in entries})
        if rows_too:
            done = await connection.execute(_DELETE_ENTRIES, given | {"moments": moments})
            counts["entry"] = counts.get("entry", 0) + done.rowcount
        for table, by_contact in await _telling(connection):
            if table != "entry":
                deleted = await _delete(connection, table, given, by_contact=by_contact)
                counts[table] = counts.get(table, 0) + deleted
    return {table: count for table, count in counts.items() if count}


async def end_contact(connection: AsyncConnection, contact: int, tenant: str) -> bool:
    """Delete an emptied contact; one that has written again stays, seen since then."""
    address = await connection.scalar(_ADDRESS, {"contact": contact})
    if address is None:
        return False
    first = await connection.scalar(_LEFT, {"contact": contact})
    if first is not None:
        await connection.execute(_SEEN_FROM, {"contact": contact, "at": first})
        return False
    if await connection.scalar(_LINKED, {"contact": contact}):
        return False  # a new profile names it already
    for table, column in await tables_with(connection, column="contact"):
        await delete_where(connection, table, column, tenant, [address])
    for table, column in await tables_with(connection, column="contact_id"):
        if table not in ("seen", "entry", "amendment"):
            await delete_where(connection, table, column, tenant, [contact])
    for table, column in await tables_with(connection, refers_to="contact"):
        await delete_where(connection, table, column, tenant, [contact])
    await delete_where(connection, "contact", "id", tenant, [contact])
    await _end_customer(connection, customer_id(tenant, address))
    return True


async def _telling(connection: AsyncConnection) -> list[tuple[str, bool]]:
    """Return the tables that tell of events, and whether they name the contact, too."""
    by_event = {table for table, _ in await tables_with(connection, column="event_id")}
    by_contact = {table for table, _ in await tables_with(connection, column="contact_id")}
    return [(table, table in by_contact) for table in sorted(by_event - {"profile"})]


async def _delete(
    connection: AsyncConnection, table: str, given: Mapping[str, object], *, by_contact: bool
) -> int:
    also = "AND contact_id = :contact" if by_contact and table != "seen" else ""
    names = ("contact", "tenant", "events") if also else ("tenant", "events")
    done = await connection.execute(
        text(
            f'DELETE FROM "{table}" WHERE tenant = :tenant AND '  # noqa: S608 - names from the catalogue
            f"event_id = ANY(CAST(:events AS uuid[])) {also}"
        ),
        {name: given[name] for name in names},
    )
    return done.rowcount


async def _end_customer(connection: AsyncConnection, customer: UUID) -> None:
    referring: Collection[tuple[str, str]] = await tables_with(connection, refers_to="customer")
    free = " AND ".join(
        f'NOT EXISTS (SELECT FROM "{table}" AS other WHERE other."{column}" = customer.id)'
        for table, column in referring
    )
    await connection.execute(
        text(f"DELETE FROM customer WHERE id = :id AND {free}"),  # noqa: S608 - the same
        {"id": customer},
    )
