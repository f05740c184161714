"""Pages of a customer's history out of Postgres: all of it, or what fits a selection."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Row, TextClause, text

from common.edges.database import ReadConnection, reading
from common.edges.sessions import Question
from timeline.core.amendments import edits_among, spoken_of
from timeline.core.cursor import Cursor
from timeline.core.entry import Entry
from timeline.core.pages import Found, Looked, found_among, found_before
from timeline.core.selection import Order, Selection
from timeline.edges.links import contacts_as_of
from timeline.edges.reader import COLUMNS, UP, amendments_about, row_entry
from timeline.edges.readers import Readers

# So many entries of a customer are looked at for one page, newest first in each contact; where only
# the table tells whether they fit, fewer.
MOST_LOOKED_AT = 10_000
MOST_LOOKED_AT_IN_TABLE = 5_000

# What a transaction that reads histories sets. The planner takes everybody for an average customer:
# it would sort the whole history of one who has a hundred thousand entries instead of reading the
# index in its order, and plan each question anew over all months, which takes longer than to answer.
IN_INDEX_ORDER = {"enable_sort": "off", "plan_cache_mode": "force_generic_plan"}

_HOLDER = text(
    f"""
    WITH RECURSIVE {UP}
    SELECT id, ARRAY(SELECT contact.id FROM contact WHERE contact.customer_id = up.id) AS contacts
      FROM up WHERE merged_into IS NULL
    """  # noqa: S608 - parts of our own
)
PLACE = 'occurred_at, topic, partition, "offset"'
# As `place_of` gives it.
PLACE_GIVEN = ":occurred_at, CAST(:topic AS smallint), CAST(:partition AS smallint), :offset"
ORDERS = {
    Order.NEWEST: 'occurred_at DESC, topic DESC, partition DESC, "offset" DESC',
    Order.OLDEST: PLACE,
}
# The bare `occurred_at` spares the years beyond the cursor: Postgres does not compare rows with the
# bounds of partitions.
_BEYOND = {
    Order.NEWEST: f"occurred_at <= :occurred_at AND ({PLACE}) < ({PLACE_GIVEN})",
    Order.OLDEST: f"occurred_at >= :occurred_at AND ({PLACE}) > ({PLACE_GIVEN})",
}
_TIME = "occurred_at >= :since AND occurred_at < :until"
# Cases are told of messages later, and not by the messages themselves.
CASE = """
    (SELECT case_message.case_id FROM case_message
      WHERE case_message.event_id = entry.event_id AND case_message.tenant = :tenant
        AND (CAST(:as_of AS timestamptz) IS NULL OR case_message.learned_at <= :as_of)
      ORDER BY case_message.learned_at DESC, case_message.case_id LIMIT 1) AS message_case
"""


def _whole(order: Order) -> TextClause:
    """Each contact gives its first entries, and of these the first make the page.

    What it costs does not grow with the history.
    """
    return text(
        f"""
        SELECT {COLUMNS}, {CASE} FROM contact CROSS JOIN LATERAL (
          SELECT * FROM entry
           WHERE entry.contact_id = contact.id AND {_BEYOND[order]} AND {_TIME}
           ORDER BY {ORDERS[order]} LIMIT :most
        ) AS entry
         WHERE contact.id = ANY(CAST(:contacts AS bigint[]))
         ORDER BY {ORDERS[order]} LIMIT :most
        """  # noqa: S608 - names of our own
    )


def _at_once(order: Order) -> TextClause:
    """Read the same of whoever an id means today, with all that was said of these entries."""
    return text(
        f"""
        WITH RECURSIVE {UP}, page AS MATERIALIZED (
          SELECT {COLUMNS}, {CASE} FROM contact CROSS JOIN LATERAL (
            SELECT * FROM entry
             WHERE entry.contact_id = contact.id AND {_BEYOND[order]} AND {_TIME}
             ORDER BY {ORDERS[order]} LIMIT :most
          ) AS entry
           WHERE contact.customer_id = (SELECT id FROM up WHERE merged_into IS NULL)
           ORDER BY {ORDERS[order]} LIMIT :most
        ), spoken_of AS (
          SELECT DISTINCT name
            FROM page CROSS JOIN LATERAL (VALUES (message), (about), (event_id)) AS names (name)
           WHERE message IS NOT NULL AND name IS NOT NULL
        )
        SELECT page.*, false AS said FROM page
        UNION ALL
        SELECT {COLUMNS}, NULL, true
          FROM spoken_of JOIN amendment ON about = name
          JOIN contact ON contact.id = amendment.contact_id
         WHERE amendment.tenant = :tenant
        """  # noqa: S608 - names of our own
    )


# The entry of a place on a page. By all of the place at once: left to itself the planner asks by the
# contact alone, and reads the contact's whole history for each entry of a page.
PAGE_PLACE = """
    contact_id AS at_contact, occurred_at AS at_moment, topic AS at_topic,
    partition AS at_partition, "offset" AS at_offset
"""
ENTRY_AT_PAGE = """
    SELECT * FROM entry
     WHERE entry.contact_id = at_contact AND entry.occurred_at = at_moment
       AND entry.topic = at_topic AND entry.partition = at_partition AND entry."offset" = at_offset
     LIMIT 1
"""

# All that these ask lies in the index `entry_page`.
_ASKED = "learned_at, kind, channel, direction, conversation"
_FITS = """
    (CAST(:channels AS text[]) IS NULL OR channel = ANY(CAST(:channels AS text[])))
    AND (CAST(:kinds AS text[]) IS NULL OR kind = ANY(CAST(:kinds AS text[])))
    AND (CAST(:direction AS text) IS NULL OR direction = :direction)
    AND (CAST(:conversation AS uuid) IS NULL OR conversation = CAST(:conversation AS uuid))
    AND (CAST(:as_of AS timestamptz) IS NULL OR learned_at <= :as_of)
"""
_OF_CASE = """
    AND (case_id = CAST(:case AS uuid) OR EXISTS (
      SELECT FROM case_message AS told
       WHERE told.event_id = looked.event_id AND told.tenant = :tenant
         AND told.case_id = CAST(:case AS uuid)
         AND (CAST(:as_of AS timestamptz) IS NULL OR told.learned_at <= :as_of)))
"""


def _chosen(order: Order, *, in_table: bool) -> TextClause:
    """Each contact gives what fits among so many, and the last that was looked at in any case."""
    asked, fits = (
        (f"{_ASKED}, event_id, case_id", _FITS + _OF_CASE) if in_table else (_ASKED, _FITS)
    )
    return text(
        f"""
        SELECT {COLUMNS}, fits, last, {CASE} FROM (
          SELECT {PAGE_PLACE}, fits, last
            FROM unnest(CAST(:contacts AS bigint[])) AS person (contact_id) CROSS JOIN LATERAL (
              SELECT {PLACE}, fits, number = :each AS last FROM (
                SELECT looked.*, coalesce({fits}, false) AS fits,
                       row_number() OVER (ORDER BY {ORDERS[order]}) AS number
                  FROM (
                    SELECT {PLACE}, {asked} FROM entry
                     WHERE entry.contact_id = person.contact_id AND {_BEYOND[order]} AND {_TIME}
                     ORDER BY {ORDERS[order]} LIMIT CAST(:each AS bigint)
                  ) AS looked
              ) AS numbered
               WHERE fits OR number = CAST(:each AS bigint)
               ORDER BY {ORDERS[order]} LIMIT :most
            ) AS fitting
           ORDER BY {ORDERS[order]} LIMIT :most
        ) AS page
          CROSS JOIN LATERAL ({ENTRY_AT_PAGE}) AS entry
          JOIN contact ON contact.id = at_contact
         ORDER BY {ORDERS[order]}
        """  # noqa: S608 - names of our own
    )


WHOLE_PAGES = {order: _whole(order) for order in Order}
PAGES_AT_ONCE = {order: Question.of(_at_once(order)) for order in Order}
CHOSEN_PAGES = {
    (order, in_table): _chosen(order, in_table=in_table)
    for order in Order
    for in_table in (False, True)
}


class Holder(Struct, frozen=True):
    """Who an id means, and the rows of all contacts that are theirs."""

    customer: UUID
    contacts: tuple[int, ...]


async def holder(
    connection: ReadConnection, tenant: str, customer: UUID, as_of: datetime | None = None
) -> Holder | None:
    """Return who this id means, today or as was known at a moment; None where it meant nobody."""
    found = (await connection.execute(_HOLDER, {"id": customer, "tenant": tenant})).one_or_none()
    if found is None or as_of is None:
        return Holder(found.id, tuple(found.contacts)) if found else None
    contacts = await contacts_as_of(connection, tenant, customer, as_of)
    return Holder(found.id, tuple(contacts)) if contacts else None


async def whole_page(
    readers: Readers, tenant: str, customer: UUID, wanted: Selection, start: Cursor, limit: int
) -> tuple[Found, list[Entry]] | None:
    """Return a page of all that is known of whom an id means, and what was said of its messages.

    None where the id never meant anybody.
    """
    asked = _asked(tenant, (), wanted, start) | {"most": limit + 1, "id": customer}
    question = PAGES_AT_ONCE[wanted.order]
    rows = await readers.questions.ask_of(tenant, question, asked, IN_INDEX_ORDER)
    shown = [row_entry(row, row["message_case"]) for row in rows if not row["said"]]
    # A union promises no order.
    shown.sort(key=lambda entry: entry.moment, reverse=wanted.order is Order.NEWEST)
    said = [row_entry(row) for row in rows if row["said"]]
    of_edits = spoken_of(edits_among(said))
    if of_edits:
        of_edits -= spoken_of(shown)
    if of_edits or not rows:
        async with reading(readers.engine, tenant) as plain:
            if not rows and await holder(plain, tenant, customer) is None:
                return None
            said += await amendments_about(plain, tenant, of_edits)
    return found_before(shown, limit, wanted.mark), said


async def entries(
    connection: ReadConnection,
    tenant: str,
    held: Holder,
    wanted: Selection,
    start: Cursor,
    limit: int,
) -> Found:
    """Return a page of the entries that are wanted, from just after `start` on.

    It may be short, and even empty, where many were looked at; `next` then leads on.
    """
    asked = _asked(tenant, held.contacts, wanted, start) | {"most": limit + 1}
    if not wanted.chosen:
        rows = await connection.execute(WHOLE_PAGES[wanted.order], asked)
        return found_before([history_entry(row) for row in rows], limit, wanted.mark)
    in_table = wanted.case is not None
    most = MOST_LOOKED_AT_IN_TABLE if in_table else MOST_LOOKED_AT
    asked |= _filters(wanted) | {"each": max(limit + 1, most // max(1, len(held.contacts)))}
    rows = await connection.execute(CHOSEN_PAGES[wanted.order, in_table], asked)
    looked = [Looked(history_entry(row), row.fits, row.last) for row in rows]
    return found_among(looked, limit, wanted.mark)


def _asked(
    tenant: str, contacts: Sequence[int], wanted: Selection, start: Cursor
) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "contacts": list(contacts),
        "since": wanted.since or datetime.min.replace(tzinfo=UTC),
        "until": wanted.until or datetime.max.replace(tzinfo=UTC),
        "as_of": wanted.as_of,
        **place_of(start),
    }


def place_of(found: Cursor | Row[Any]) -> dict[str, Any]:
    """Return the place of a cursor, or of a row that has PLACE, as the parameters of a query."""
    return {
        "occurred_at": found.occurred_at,
        "topic": found.topic,
        "partition": found.partition,
        "offset": found.offset,
    }


def _filters(wanted: Selection) -> dict[str, Any]:
    filters = {
        "channels": list(wanted.channels) or None,
        "kinds": list(wanted.kinds) or None,
        "direction": wanted.direction,
        "conversation": wanted.conversation,
    }
    return filters if wanted.case is None else filters | {"case": wanted.case}


def history_entry(row: Row[Any]) -> Entry:
    """Return the entry in a row that has COLUMNS and CASE."""
    return row_entry(row, row.message_case)
