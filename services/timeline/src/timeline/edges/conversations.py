"""A customer's conversations out of Postgres: the newest of what was written, by conversation."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from common.edges.database import ReadConnection
from timeline.core.conversations import Talk
from timeline.core.cursor import Cursor
from timeline.core.selection import Order, Selection
from timeline.edges.histories import (
    CASE,
    ENTRY_AT_PAGE,
    ORDERS,
    PAGE_PLACE,
    PLACE,
    PLACE_GIVEN,
    Holder,
    history_entry,
    place_of,
)
from timeline.edges.reader import COLUMNS

# So many entries are looked at, in the index alone.
MOST_LOOKED_AT = 10_000

_NEWEST = ORDERS[Order.NEWEST]
_LOOKED = f"""
    looked AS MATERIALIZED (
      SELECT person.contact_id, newest.*
        FROM unnest(CAST(:contacts AS bigint[])) AS person (contact_id) CROSS JOIN LATERAL (
          SELECT {PLACE}, conversation, learned_at, row_number() OVER (ORDER BY {_NEWEST}) AS number
            FROM (
              SELECT {PLACE}, conversation, learned_at FROM entry
               WHERE entry.contact_id = person.contact_id
                 AND occurred_at < :until
               ORDER BY {_NEWEST} LIMIT CAST(:each AS bigint)
            ) AS of_contact
        ) AS newest
    )
"""  # noqa: S608 - names of our own
_TALKS = text(
    f"""
    WITH {_LOOKED},
    ended AS (
      SELECT max(occurred_at) AS at FROM looked WHERE number = CAST(:each AS bigint)
    ),
    talk AS (
      SELECT DISTINCT ON (conversation) contact_id, {PLACE},
             min(occurred_at) OVER spoken AS began_at, count(*) OVER spoken AS entries
        FROM looked
       WHERE conversation IS NOT NULL
         AND (CAST(:as_of AS timestamptz) IS NULL OR learned_at <= :as_of)
      WINDOW spoken AS (PARTITION BY conversation)
       ORDER BY conversation, {_NEWEST}
    ),
    page AS (
      SELECT {PAGE_PLACE}, began_at, entries FROM talk
       WHERE ({PLACE}) < ({PLACE_GIVEN})
         AND occurred_at > coalesce((SELECT at FROM ended), '-infinity')
       ORDER BY {_NEWEST} LIMIT :most
    )
    SELECT {COLUMNS}, {CASE}, began_at, entries, ended.at
      FROM ended LEFT JOIN (
        page CROSS JOIN LATERAL ({ENTRY_AT_PAGE}) AS entry
        JOIN contact ON contact.id = at_contact
      ) ON true
     ORDER BY {_NEWEST}
    """  # noqa: S608 - names of our own
)


async def talks(
    connection: ReadConnection,
    tenant: str,
    held: Holder,
    wanted: Selection,
    start: Cursor,
    most: int,
) -> tuple[list[Talk], datetime | None]:
    """Return conversations by their last entries, newest first, from just after `start` on.

    And the moment at which what may be looked at ended, None where all was looked at.
    """
    asked: dict[str, Any] = {
        "tenant": tenant,
        "contacts": list(held.contacts),
        "each": max(1, MOST_LOOKED_AT // max(1, len(held.contacts))),
        "until": wanted.until or datetime.max.replace(tzinfo=UTC),
        "as_of": wanted.as_of,
        "most": most,
        **place_of(start),
    }
    rows = (await connection.execute(_TALKS, asked)).all()
    found = [
        Talk(row.conversation, history_entry(row), row.began_at, row.entries)
        for row in rows
        if row.event_id
    ]
    return found, rows[0].at
