"""Why a customer is one, what waits for somebody's decision, and who may be the same person."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from timeline.edges.identity_views import (
    LinksView,
    LinkView,
    MergeView,
    ReviewView,
    SuggestionView,
    VerdictView,
)
from timeline.edges.people import Person

MOST_LISTED = 500

# Also what was refused of a profile that is about the customer, and of others that name his contacts.
_LINKS = text(
    """
    SELECT link.customer_ref, source, address AS contact, cause, changed_at AS since,
           linked_at AS learned_at, approved, barred, refused
      FROM link JOIN contact ON contact.id = link.contact_id
     WHERE link.tenant = :tenant
       AND (contact.customer_id = :id OR link.customer_ref = ANY(CAST(:refs AS text[])))
     ORDER BY changed_at, link.customer_ref, address LIMIT :most
    """
)
_MERGES = text(
    """
    WITH RECURSIVE his (id) AS (
      SELECT CAST(:id AS uuid)
       UNION
      SELECT customer.id FROM his JOIN customer ON customer.merged_into = his.id
    )
    SELECT merge_id, survivor, absorbed, contacts, cause, person, merged_at, undone_at, undone_by
      FROM merge
     WHERE tenant = :tenant AND (survivor = ANY(ARRAY(SELECT id FROM his)) OR absorbed = :id)
     ORDER BY merged_at, merge.id LIMIT :most
    """
)
_SAID = text(
    """
    SELECT mine.address AS one, its.address AS other, said, person, cause, decided_at AS since
      FROM contact AS mine
      JOIN verdict ON mine.id IN (verdict.one, verdict.other)
      JOIN contact AS its ON its.id = verdict.one + verdict.other - mine.id
     WHERE mine.customer_id = :id AND verdict.tenant = :tenant AND said <> 'open'
       AND (said = 'apart' OR mine.id = verdict.one)
     ORDER BY decided_at, mine.address, its.address LIMIT :most
    """
)
_REVIEWED = """
    SELECT review_id, review.customer_ref, review.contact, reason, review.cause, found_at, state,
           person, closed_at, whom.id AS profile_customer, holder.customer_id AS contact_customer
      FROM review
      LEFT JOIN contact AS holder ON holder.address = review.contact AND holder.tenant = :tenant
      LEFT JOIN LATERAL (
        SELECT contact.customer_id AS id FROM link JOIN contact ON contact.id = link.contact_id
         WHERE link.customer_ref = review.customer_ref AND link.tenant = :tenant
           AND link.refused IS NULL LIMIT 1
      ) AS whom ON true
     WHERE review.tenant = :tenant
"""
_REVIEWS = text(
    f"""
    {_REVIEWED} AND state = :state AND (CAST(:reason AS text) IS NULL OR reason = :reason)
       AND (CAST(:after AS uuid) IS NULL OR (found_at, review_id) > (
         SELECT last.found_at, last.review_id FROM review AS last
          WHERE last.review_id = CAST(:after AS uuid) AND last.tenant = :tenant))
     ORDER BY found_at, review_id LIMIT :most
    """  # noqa: S608 - a query of our own
)
_REVIEW = text(f"{_REVIEWED} AND review_id = :id")
# Of each pair of profiles that one is the customer's; not those that somebody keeps apart.
_SUGGESTIONS = """
    SELECT suggestion_id, mine.customer_ref, its.customer_ref AS other_ref,
           its.customer_id AS other_customer, score, likeness, found_at, state
      FROM (SELECT DISTINCT link.customer_ref
              FROM contact JOIN link ON link.contact_id = contact.id
             WHERE contact.customer_id = :id AND contact.tenant = :tenant AND refused IS NULL
           ) AS mine
      JOIN suggestion ON suggestion.tenant = :tenant
           AND mine.customer_ref IN (suggestion.one, suggestion.other)
     CROSS JOIN LATERAL (
        SELECT link.customer_ref, contact.customer_id
          FROM link JOIN contact ON contact.id = link.contact_id
         WHERE link.tenant = :tenant AND refused IS NULL AND link.customer_ref
               = CASE mine.customer_ref WHEN suggestion.one THEN suggestion.other
                                        ELSE suggestion.one END
         LIMIT 1
     ) AS its
     WHERE its.customer_id <> :id AND state = 'open'
       AND NOT EXISTS (
         SELECT FROM contact AS here JOIN verdict ON here.id IN (verdict.one, verdict.other)
           JOIN contact AS there ON there.id = verdict.one + verdict.other - here.id
          WHERE here.customer_id = :id AND there.customer_id = its.customer_id AND said = 'apart')
     ORDER BY score DESC, suggestion_id LIMIT :most
"""
_SUGGESTED = text(_SUGGESTIONS)
_PAIR = text(
    "SELECT one, other, state FROM suggestion WHERE suggestion_id = :id AND tenant = :tenant"
)
_CLOSE = text(
    """
    UPDATE suggestion SET state = :state, person = :person, closed_at = :at
     WHERE suggestion_id = :id AND tenant = :tenant
    """
)


async def links_of(connection: AsyncConnection, tenant: str, person: Person) -> LinksView:
    """Return all evidence about a customer, and everything that was merged into him or out of him."""
    asked = {"tenant": tenant, "id": person.id, "most": MOST_LISTED}
    links = await connection.execute(_LINKS, asked | {"refs": list(person.profiles)})
    merges = await connection.execute(_MERGES, asked)
    said = await connection.execute(_SAID, asked)
    return LinksView(
        customer_id=person.id,
        links=[LinkView.model_validate(row) for row in links],
        merges=[MergeView.model_validate(row) for row in merges],
        said=[VerdictView.model_validate(row) for row in said],
    )


async def reviews(
    connection: AsyncConnection,
    tenant: str,
    state: str,
    reason: str | None,
    after: UUID | None,
    most: int,
) -> Sequence[ReviewView]:
    """Return what was not linked, oldest first."""
    asked = {"tenant": tenant, "state": state, "reason": reason, "after": after, "most": most}
    return [ReviewView.model_validate(row) for row in await connection.execute(_REVIEWS, asked)]


async def review(connection: AsyncConnection, tenant: str, review_id: UUID) -> ReviewView | None:
    """Return one of them."""
    row = (await connection.execute(_REVIEW, {"tenant": tenant, "id": review_id})).one_or_none()
    return None if row is None else ReviewView.model_validate(row)


async def suggestions_for(
    connection: AsyncConnection, tenant: str, person: Person, most: int
) -> Sequence[SuggestionView]:
    """Return who may be the same person as a customer, the most alike first."""
    asked = {"tenant": tenant, "id": person.id, "most": most}
    rows = await connection.execute(_SUGGESTED, asked)
    return [SuggestionView.model_validate(row._asdict() | row.likeness) for row in rows]


async def pair_of(
    connection: AsyncConnection, tenant: str, suggestion: UUID
) -> tuple[str, str, str] | None:
    """Return the two profiles of a suggestion, and its state."""
    row = (await connection.execute(_PAIR, {"id": suggestion, "tenant": tenant})).one_or_none()
    return None if row is None else (row.one, row.other, row.state)


async def close_suggestion(
    connection: AsyncConnection, tenant: str, suggestion: UUID, state: str, told: dict[str, object]
) -> None:
    """Note who accepted or rejected a suggestion (`person`), and when (`at`)."""
    closed = {"id": suggestion, "tenant": tenant, "state": state, **told}
    await connection.execute(_CLOSE, closed)
