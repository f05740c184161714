"""What was not linked, kept for people to look at."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.identity_events import DecisionKind
from common.core.ids import derived_id
from timeline.core.evidence import Claim
from timeline.core.guards import Reason
from timeline.core.identity import Decision, Profile

_OPEN = text(
    """
    INSERT INTO review AS known (review_id, tenant, customer_ref, contact, reason, cause, found_at,
                                 state)
    SELECT review_id, :tenant, customer_ref, contact, reason, cause, found_at, 'open'
      FROM unnest(CAST(:ids AS uuid[]), CAST(:refs AS text[]), CAST(:contacts AS text[]),
                  CAST(:reasons AS text[]), CAST(:causes AS uuid[]), CAST(:found AS timestamptz[]))
           AS new (review_id, customer_ref, contact, reason, cause, found_at)
     ORDER BY review_id
    ON CONFLICT (review_id) DO UPDATE
       SET reason = excluded.reason, cause = excluded.cause, found_at = excluded.found_at,
           state = CASE known.state WHEN 'dismissed' THEN known.state ELSE 'open' END
    """
)
_SETTLE = text(
    """
    UPDATE review SET state = 'settled'
     WHERE review_id = ANY(CAST(:ids AS uuid[])) AND state = 'open'
    """
)
_CLOSE = text(
    """
    INSERT INTO review (review_id, tenant, customer_ref, contact, reason, cause, found_at,
                        state, person, closed_at)
    SELECT review_id, :tenant, :ref, contact, :reason, :cause, :at, :state, :person, :at
      FROM unnest(CAST(:ids AS uuid[]), CAST(:contacts AS text[])) AS new (review_id, contact)
    ON CONFLICT (review_id) DO UPDATE
       SET state = excluded.state, person = excluded.person, closed_at = excluded.closed_at
    """
)


def review_id(tenant: str, customer_ref: str, contact: str) -> UUID:
    """Return the name under which it is reviewed that a profile names a contact."""
    return derived_id("review", tenant, customer_ref, contact)


async def keep_reviews(
    connection: AsyncConnection, tenant: str, claims: Iterable[Claim], profiles: Iterable[Profile]
) -> None:
    """Keep what was refused for somebody to look at; what is linked by now needs nobody any more."""
    refused = {claim.key: claim for claim in claims}
    opened = [
        (claim.customer_ref, claim.contact, claim.refused, claim.cause, claim.learned_at)
        for claim in refused.values()
        if claim.refused
    ]
    unlinkable = {
        (profile.customer_ref, contact): (
            *(profile.customer_ref, contact, reason, profile.event_id, profile.learned_at),
        )
        for profile in profiles
        for reason, contacts in (
            (Reason.NOT_A_CONTACT, profile.unreadable),
            (Reason.NOBODYS_OWN, profile.nobodys),
        )
        for contact in contacts
    }
    rows = [*opened, *unlinkable.values()]
    if rows:
        refs, contacts, reasons, causes, found = map(list, zip(*rows, strict=True))
        ids = [review_id(tenant, ref, contact) for ref, contact in zip(refs, contacts, strict=True)]
        columns = {"refs": refs, "contacts": contacts, "reasons": reasons, "causes": causes}
        await connection.execute(_OPEN, columns | {"tenant": tenant, "ids": ids, "found": found})
    linked = [review_id(tenant, *key) for key, claim in refused.items() if not claim.refused]
    if linked:
        await connection.execute(_SETTLE, {"ids": sorted(linked)})


async def close(connection: AsyncConnection, decision: Decision) -> None:
    """Note that somebody accepted or dismissed that a profile names a contact."""
    data = decision.data
    if data.customer_ref is None:
        return
    accepted = data.kind is DecisionKind.ACCEPT
    claimed = data.contacts[:1]
    ids = [review_id(decision.tenant, data.customer_ref, one) for one in claimed]
    await connection.execute(
        _CLOSE,
        {
            "tenant": decision.tenant,
            "ref": data.customer_ref,
            "ids": ids,
            "contacts": list(claimed),
            "reason": Reason.CONFLICT,
            "cause": decision.decision_id,
            "state": "accepted" if accepted else "dismissed",
            "person": data.person,
            "at": data.decided_at,
        },
    )
