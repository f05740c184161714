"""Customers and their history out of Postgres, one tenant at a time."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import text

from common.core.events import CustomerChanged
from common.edges.database import ReadConnection
from timeline.core.amendments import edits_among, spoken_of
from timeline.core.customers import ContactLine, CustomerView, customer_view
from timeline.core.entry import Entry, Position

# Row-level security shows one tenant; naming it here too lets the indexes that end in it be used,
# and keeps the tenants apart where somebody connects as a superuser, whom no policy binds.
_HOLDER = text("SELECT customer_id FROM contact WHERE address = :address AND tenant = :tenant")
# From an id to whom it means today: the one that was not merged into another.
UP = """
    up AS (
      SELECT id, created_at, merged_into FROM customer WHERE id = :id AND tenant = :tenant
      UNION ALL
      SELECT above.id, above.created_at, above.merged_into
        FROM customer AS above JOIN up ON above.id = up.merged_into
    )
"""
CURRENT = text(f"WITH RECURSIVE {UP} SELECT id FROM up WHERE merged_into IS NULL")  # noqa: S608
# Who an id means today and all that makes a customer, as rows of one statement: a part each, whose
# columns mean what the part says. More parts may follow.
WHO = f"""
    WITH RECURSIVE {UP}, who AS MATERIALIZED (
      SELECT id, created_at FROM up WHERE merged_into IS NULL
    ), down AS (
      SELECT customer.id FROM customer WHERE merged_into = (SELECT id FROM who)
      UNION ALL
      SELECT below.id FROM customer AS below JOIN down ON below.merged_into = down.id
    ), theirs AS MATERIALIZED (
      SELECT id, address, first_seen, shared OR popular AS several
        FROM contact WHERE customer_id = (SELECT id FROM who)
    )
"""  # noqa: S608 - parts of our own
WHO_PARTS = """
    SELECT 'customer' AS part, id, created_at AS at, CAST(NULL AS text) AS word,
           CAST(NULL AS boolean) AS several, CAST(NULL AS bytea) AS body, CAST(NULL AS bytea) AS more
      FROM who
    UNION ALL
    SELECT 'contact', NULL, first_seen, address, several, NULL, NULL FROM theirs
    UNION ALL
    SELECT 'profile', NULL, NULL, NULL, NULL, convert_to(CAST(body AS text), 'UTF8'), NULL
      FROM profile WHERE (customer_ref, tenant) IN (
        SELECT link.customer_ref, link.tenant
          FROM theirs JOIN link ON link.contact_id = theirs.id WHERE link.refused IS NULL)
    UNION ALL
    SELECT 'merged', id, NULL, NULL, NULL, NULL, NULL FROM down
"""
_CUSTOMER = text(f"{WHO} {WHO_PARTS}")

# As bytes, as it stood: a driver that is handed json would decode it.
COLUMNS = """
    contact.tenant, contact.address, event_id, occurred_at, learned_at, topic, partition, "offset",
    type, kind, channel, direction, message, about, conversation, case_id,
    convert_to(CAST(body AS text), 'UTF8') AS body
"""
_AMENDMENTS = text(
    f"""
    SELECT {COLUMNS}
      FROM amendment JOIN contact ON contact.id = amendment.contact_id
     WHERE about = ANY(CAST(:about AS uuid[])) AND amendment.tenant = :tenant
       AND (CAST(:as_of AS timestamptz) IS NULL OR learned_at <= :as_of)
    """  # noqa: S608 - column names of our own
)

Parts = defaultdict[str, list[list[Any]]]

_read_profile = msgspec.json.Decoder(CustomerChanged).decode


async def holder_of(connection: ReadConnection, tenant: str, contact: str) -> UUID | None:
    """Return the customer whom a contact belongs to."""
    holder: UUID | None = await connection.scalar(_HOLDER, {"address": contact, "tenant": tenant})
    return holder


async def current_id(connection: ReadConnection, tenant: str, customer: UUID) -> UUID | None:
    """Return whom this id means today, after all merges; None where it never meant anybody."""
    current: UUID | None = await connection.scalar(CURRENT, {"id": customer, "tenant": tenant})
    return current


async def customer_of(
    connection: ReadConnection, tenant: str, customer: UUID
) -> CustomerView | None:
    """Return who this id means today."""
    rows = await connection.execute(_CUSTOMER, {"id": customer, "tenant": tenant})
    return customer_in(parts_of(rows))


def parts_of(rows: Iterable[Iterable[Any]]) -> Parts:
    """Return the rows of WHO_PARTS, and of what follows them, by their part."""
    parts: Parts = defaultdict(list)
    for part, *row in rows:
        parts[part].append(row)
    return parts


def customer_in(parts: Parts) -> CustomerView | None:
    """Return who is told of by these parts; None where the id never meant anybody."""
    if not parts["customer"]:
        return None
    [[customer, created_at, *_]] = parts["customer"]
    return customer_view(
        customer,
        created_at,
        [ContactLine(address, at, several) for _, at, address, several, *_ in parts["contact"]],
        [_read_profile(body) for *_, body, _ in parts["profile"]],
        [merged for merged, *_ in parts["merged"]],
    )


async def amendments_of(
    connection: ReadConnection,
    tenant: str,
    entries: Iterable[Entry],
    as_of: datetime | None = None,
) -> list[Entry]:
    """Return all that was said of the messages which these entries are or speak of.

    With `as_of` only what was learned by then.
    """
    return await amendments_about(connection, tenant, spoken_of(entries), as_of)


async def amendments_about(
    connection: ReadConnection,
    tenant: str,
    wanted: set[UUID],
    as_of: datetime | None = None,
) -> list[Entry]:
    """Return all that was said under these references and, of edits, under those that they bring."""
    found: list[Entry] = []
    asked: set[UUID] = set()
    while wanted := wanted - asked:
        asked |= wanted
        rows = await connection.execute(
            _AMENDMENTS, {"tenant": tenant, "about": list(wanted), "as_of": as_of}
        )
        heard = [row_entry(row) for row in rows]
        found += heard
        wanted = spoken_of(edits_among(heard))
    return found


def row_entry(row: Iterable[Any], message_case: UUID | None = None) -> Entry:
    """Return the entry in a row that begins with COLUMNS.

    `message_case` is the case that a message is known to belong to.
    """
    tenant, contact, event_id, occurred_at, learned_at, topic, partition, offset, *rest = tuple(row)
    type_, kind, channel, direction, message, about, conversation, case, body, *_ = rest
    return Entry(
        tenant=tenant,
        contact=contact,
        event_id=event_id,
        occurred_at=occurred_at,
        learned_at=learned_at,
        position=Position(topic, partition, offset),
        type=type_,
        kind=kind,
        channel=channel,
        direction=direction,
        message=message,
        about=about,
        body=body,
        conversation=conversation,
        case=message_case or case,
    )
