"""What a customer's head is made of, out of Postgres: a bounded number of rows, found by their keys."""

from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import text

from common.core.language import language_of
from common.edges.sessions import Question, Questions
from timeline.core.case_story import CaseStory
from timeline.core.figures_facts import read
from timeline.core.head import Known
from timeline.core.head_signals import Wrote, negative_words
from timeline.edges.histories import IN_INDEX_ORDER
from timeline.edges.reader import WHO, WHO_PARTS, customer_in, parts_of

MOST_OPEN = 100
MOST_CASES = 50
MOST_LOOKED_AT = 300  # entries of each contact
MOST_MESSAGES = 50
SPEAKING = ("message", "postback", "help", "unsupported")
_BOUNDS = {
    "open": MOST_OPEN,
    "most_cases": MOST_CASES,
    "looked": MOST_LOOKED_AT,
    "most_messages": MOST_MESSAGES,
    "kinds": SPEAKING,
}

# One statement: what asking a dozen costs is most of what a head costs. Of the messages, the first
# two selects look into the index alone; only what is shown is read from the table.
KNOWN = Question.of(
    text(
        f"""
        {WHO}, live AS (SELECT number FROM figure_generation WHERE live)
        {WHO_PARTS}
        UNION ALL
        (SELECT 'open case', case_id, NULL, NULL, NULL, story, facts
           FROM theirs CROSS JOIN LATERAL (
             SELECT case_id, story, facts, last_at FROM figure_case
              WHERE contact = address AND tenant = :tenant
                AND generation = (SELECT number FROM live) AND open
              LIMIT :open
           ) AS cases ORDER BY last_at DESC LIMIT :open)
        UNION ALL
        (SELECT 'case', case_id, NULL, NULL, NULL, story, NULL
           FROM theirs CROSS JOIN LATERAL (
             SELECT case_id, story, last_at FROM figure_case
              WHERE contact = address AND tenant = :tenant
                AND generation = (SELECT number FROM live)
              ORDER BY last_at DESC LIMIT :most_cases
           ) AS cases ORDER BY last_at DESC LIMIT :most_cases)
        UNION ALL
        SELECT 'message', event_id, occurred_at, channel, NULL,
               convert_to(CAST(body AS text), 'UTF8'), NULL
          FROM (
            SELECT theirs.id AS contact_id, occurred_at, topic, partition, "offset"
              FROM theirs CROSS JOIN LATERAL (
                SELECT occurred_at, topic, partition, "offset", kind, direction FROM entry
                 WHERE entry.contact_id = theirs.id
                 ORDER BY occurred_at DESC, topic DESC, partition DESC, "offset" DESC LIMIT :looked
              ) AS looked
             WHERE direction = 'inbound' AND kind = ANY(CAST(:kinds AS text[]))
             ORDER BY occurred_at DESC, topic DESC, partition DESC, "offset" DESC
             LIMIT :most_messages
          ) AS newest
          JOIN entry USING (contact_id, occurred_at, topic, partition, "offset")
        """  # noqa: S608 - parts of our own
    )
)


class _Said(Struct, frozen=True):
    """As much of a message as the head reads."""

    subject: str | None = None
    text: str | None = None
    text_reply: str | None = None
    language: str | None = None


_read_said = msgspec.json.Decoder(_Said).decode
_read_story = msgspec.json.Decoder(CaseStory).decode


async def known_of(questions: Questions, tenant: str, customer: UUID) -> Known | None:
    """Return what is known of whom an id means today; None where it never meant anybody.

    Raises TransientError.
    """
    asked = _BOUNDS | {"id": customer, "tenant": tenant}
    parts = parts_of(await questions.ask_of(tenant, KNOWN, asked, IN_INDEX_ORDER))
    who = customer_in(parts)
    if who is None:
        return None
    opened = {case: (story, facts) for case, *_, story, facts in parts["open case"]}
    stories = {case: story for case, *_, story, _ in parts["case"]}
    stories |= {case: story for case, (story, _) in opened.items()}
    return Known(
        customer=who,
        cases=tuple(map(_read_story, stories.values())),
        facts={case: read(facts) for case, (_, facts) in opened.items()},
        messages=tuple(
            _message(event, at, channel, body)
            for event, at, channel, _, body, _ in parts["message"]
        ),
    )


def _message(event: UUID, at: datetime, channel: str | None, body: bytes) -> Wrote:
    said = _read_said(body)
    own = said.text_reply if said.text_reply is not None else said.text
    words = "\n".join(part for part in (said.subject, own) if part)
    return Wrote(
        event=event,
        at=at,
        channel=channel,
        language=said.language or language_of(words),
        negative=negative_words(words),
    )
