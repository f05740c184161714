"""What live streams ask of the database: the change log, and who is followed."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.edges.database import ReadConnection
from timeline.core.entry import Entry
from timeline.core.live import RECENT, Followed, Line, Place, Recent, Recents
from timeline.edges.reader import COLUMNS, row_entry

KEPT_LINES = 500_000
MOST_LINES = 20_000  # read at once

_SPAN = text(
    """
    SELECT total, coalesce((SELECT last - cardinality(contact_ids)
                              FROM change ORDER BY last LIMIT 1), total)
      FROM change_count
    """
)
_LINES = text(
    """
    SELECT change.last - cardinality(contact_ids) + place AS number, tenant,
           line.contact_id AS contact, event_id, line.occurred_at, about,
           moved_from, moved_to, coalesce(merged, false) AS merged
      FROM change
     CROSS JOIN LATERAL unnest(contact_ids, event_ids, change.occurred_at, abouts) WITH ORDINALITY
                        AS line (contact_id, event_id, occurred_at, about, place)
     WHERE last > :after AND last <= :until
       AND last - cardinality(contact_ids) + place > :after
       AND (moved_to IS NOT NULL
            OR line.contact_id IN (SELECT unnest(CAST(:contacts AS bigint[])))
            OR (about IS NOT NULL AND CAST(:names AS uuid[]) IS NULL)
            OR about IN (SELECT unnest(CAST(:names AS uuid[]))))
     ORDER BY number LIMIT :most
    """
)
_FORGET = text(
    "DELETE FROM change WHERE last <= (SELECT total FROM change_count) - CAST(:kept AS bigint)"
)
_CONTACTS = text(
    "SELECT customer_id, id FROM contact WHERE customer_id = ANY(CAST(:customers AS uuid[]))"
)
_RECENT = text(
    """
    SELECT contact.customer_id, newest.*
      FROM contact CROSS JOIN LATERAL (
        SELECT contact_id, occurred_at, event_id, message, about FROM entry
         WHERE entry.contact_id = contact.id
         ORDER BY occurred_at DESC, topic DESC, partition DESC, "offset" DESC LIMIT :most
      ) AS newest
     WHERE contact.customer_id = ANY(CAST(:customers AS uuid[])) AND message IS NOT NULL
    """
)
_ENTRIES = text(
    f"""
    SELECT {COLUMNS}, contact.id AS contact_id
      FROM unnest(CAST(:contacts AS bigint[]), CAST(:moments AS timestamptz[]),
                  CAST(:events AS uuid[])) AS wanted (contact, moment, event)
      JOIN contact ON contact.id = wanted.contact
     CROSS JOIN LATERAL (
       SELECT * FROM entry
        WHERE entry.contact_id = wanted.contact AND entry.occurred_at = wanted.moment
          AND entry.event_id = wanted.event
     ) AS entry
    """  # noqa: S608 - column names of our own
)


class Span(Struct, frozen=True):
    """The lines that the log holds: after `floor`, up to `total`."""

    total: int
    floor: int

    def resumes(self, after: int) -> bool:
        """Whether the log has everything after this line."""
        return self.floor <= after <= self.total


async def span(connection: AsyncConnection) -> Span:
    """Return what the log holds."""
    return Span(*(await connection.execute(_SPAN)).one())


async def lines_between(
    connection: AsyncConnection,
    after: int,
    until: int,
    contacts: Collection[int],
    names: Collection[UUID] | None,
) -> list[Line]:
    """Return the lines of these contacts and of messages by these names, and all moves.

    Without `names`, of every message that something was said of. At most MOST_LINES.
    """
    rows = await connection.execute(
        _LINES,
        {
            "after": after,
            "until": until,
            "contacts": list(contacts),
            "names": None if names is None else list(names),
            "most": MOST_LINES,
        },
    )
    return [_line(row) for row in rows]


async def forget_lines(connection: AsyncConnection) -> None:
    """Drop what nobody can resume from any more."""
    await connection.execute(_FORGET, {"kept": KEPT_LINES})


async def followed_of(
    connection: ReadConnection, customers: Sequence[UUID]
) -> dict[UUID, Followed]:
    """Return what customers are followed by."""
    contacts: defaultdict[UUID, set[int]] = defaultdict(set)
    recents: defaultdict[UUID, list[Recent]] = defaultdict(list)
    asked = {"customers": list(customers)}
    for row in await connection.execute(_CONTACTS, asked):
        contacts[row.customer_id].add(row.id)
    for row in await connection.execute(_RECENT, asked | {"most": RECENT}):
        names = frozenset(name for name in (row.event_id, row.message, row.about) if name)
        place = Place(row.contact_id, row.occurred_at, row.event_id)
        recents[row.customer_id].append(Recent(place, names))
    return {one: Followed(frozenset(contacts[one]), Recents(recents[one])) for one in customers}


async def entries_at(
    connection: ReadConnection, places: Iterable[Place]
) -> list[tuple[int, Entry]]:
    """Return the entries that lie in these places, each with its contact's row id."""
    wanted = list(places)
    rows = await connection.execute(
        _ENTRIES,
        {
            "contacts": [place.contact for place in wanted],
            "moments": [place.occurred_at for place in wanted],
            "events": [place.event_id for place in wanted],
        },
    )
    return [(row.contact_id, row_entry(row)) for row in rows]


def _line(row: Row[Any]) -> Line:
    place = Place(row.contact, row.occurred_at, row.event_id) if row.event_id else None
    return Line(
        number=row.number,
        tenant=row.tenant,
        contact=row.contact,
        place=place,
        about=row.about,
        moved_from=row.moved_from,
        moved_to=row.moved_to,
        merged=row.merged,
    )
