"""What a customer's head is made of, out of Postgres: a bounded number of rows, found by their keys."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import Row, text

from common.core.language import language_of
from common.edges.database import ReadConnection
from timeline.core.case_story import CaseStory
from timeline.core.figures_facts import read
from timeline.core.head import Known
from timeline.core.head_signals import Wrote, negative_words
from timeline.edges.histories import holder
from timeline.edges.reader import customer_of

MOST_OPEN = 100
MOST_CASES = 50
MOST_LOOKED_AT = 300  # entries of each contact
MOST_MESSAGES = 50
SPEAKING = ("message", "postback", "help", "unsupported")

_CASES = text(
    """
    WITH live AS (SELECT number FROM figure_generation WHERE live),
    person AS (SELECT address FROM contact WHERE id = ANY(CAST(:contacts AS bigint[])))
    (SELECT case_id, story, facts FROM person CROSS JOIN LATERAL (
       SELECT case_id, story, facts, last_at FROM figure_case
        WHERE contact = address AND tenant = :tenant
          AND generation = (SELECT number FROM live) AND open
        LIMIT :open
     ) AS theirs ORDER BY last_at DESC LIMIT :open)
    UNION ALL
    (SELECT case_id, story, NULL FROM person CROSS JOIN LATERAL (
       SELECT case_id, story, last_at FROM figure_case
        WHERE contact = address AND tenant = :tenant
          AND generation = (SELECT number FROM live)
        ORDER BY last_at DESC LIMIT :most
     ) AS theirs ORDER BY last_at DESC LIMIT :most)
    """
)
# The first two selects look into the index alone; only what is shown is read from the table.
_MESSAGES = text(
    """
    SELECT event_id, occurred_at, channel, convert_to(CAST(body AS text), 'UTF8') AS body
      FROM (
        SELECT person.contact_id, occurred_at, topic, partition, "offset"
          FROM unnest(CAST(:contacts AS bigint[])) AS person (contact_id) CROSS JOIN LATERAL (
            SELECT occurred_at, topic, partition, "offset", kind, direction FROM entry
             WHERE entry.contact_id = person.contact_id
             ORDER BY occurred_at DESC, topic DESC, partition DESC, "offset" DESC LIMIT :looked
          ) AS looked
         WHERE direction = 'inbound' AND kind = ANY(CAST(:kinds AS text[]))
         ORDER BY occurred_at DESC, topic DESC, partition DESC, "offset" DESC LIMIT :most
      ) AS newest
      JOIN entry USING (contact_id, occurred_at, topic, partition, "offset")
    """
)


class _Said(Struct, frozen=True):
    """As much of a message as the head reads."""

    subject: str | None = None
    text: str | None = None
    text_reply: str | None = None
    language: str | None = None


_read_said = msgspec.json.Decoder(_Said).decode
_read_story = msgspec.json.Decoder(CaseStory).decode


async def known_of(connection: ReadConnection, tenant: str, customer: UUID) -> Known | None:
    """Return what is known of whom an id means today; None where it never meant anybody.

    The transaction has set IN_INDEX_ORDER.
    """
    held = await holder(connection, tenant, customer)
    who = await customer_of(connection, tenant, held.customer) if held else None
    if held is None or who is None:
        return None
    contacts = list(held.contacts)
    cases = await connection.execute(
        _CASES, {"contacts": contacts, "tenant": tenant, "open": MOST_OPEN, "most": MOST_CASES}
    )
    found = cases.all()
    messages = await connection.execute(
        _MESSAGES,
        {
            "contacts": contacts,
            "looked": MOST_LOOKED_AT,
            "kinds": list(SPEAKING),
            "most": MOST_MESSAGES,
        },
    )
    return Known(
        customer=who,
        cases=tuple({row.case_id: _read_story(row.story) for row in found}.values()),
        facts={row.case_id: read(row.facts) for row in found if row.facts},
        messages=_wrote(messages),
    )


def _wrote(rows: Iterable[Row[Any]]) -> tuple[Wrote, ...]:
    return tuple(_message(row) for row in rows)


def _message(row: Row[Any]) -> Wrote:
    said = _read_said(row.body)
    own = said.text_reply if said.text_reply is not None else said.text
    words = "\n".join(part for part in (said.subject, own) if part)
    return Wrote(
        event=row.event_id,
        at=row.occurred_at,
        channel=row.channel,
        language=said.language or language_of(words),
        negative=negative_words(words),
    )
