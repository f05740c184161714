"""The evidence about some of one tenant's customers, out of Postgres."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from timeline.core.evidence import Claim, Evidence, Holding, Said, Verdict
from timeline.core.guards import Reason

BLOCKED = """
    EXISTS (SELECT FROM blocked
             WHERE blocked.tenant = contact.tenant AND blocked.blocked
               AND pattern IN (address, substring(address FROM '^email:[^@]*@')))
"""
_HOLDINGS = text(
    f"""
    SELECT id, address, customer_id, first_seen, moved_at, popular, shared OR {BLOCKED} AS shared
      FROM contact WHERE customer_id = ANY(CAST(:owners AS uuid[])) AND tenant = :tenant
    """  # noqa: S608 - a condition of our own
)
# A shared contact's other profiles do not matter, and may be all of the tenant's.
_CLAIMS = text(
    """
    SELECT link.customer_ref, source, address, changed_at, linked_at, cause, approved, barred,
           refused
      FROM link JOIN contact ON contact.id = link.contact_id
     WHERE contact.customer_id = ANY(CAST(:owners AS uuid[]))
       AND link.tenant = :tenant
       AND link.customer_ref IN (
         SELECT unnest(CAST(:refs AS text[]))
          UNION
         SELECT near.customer_ref
           FROM contact AS here JOIN link AS near ON near.contact_id = here.id
          WHERE here.customer_id = ANY(CAST(:owners AS uuid[]))
            AND NOT here.shared AND NOT here.popular)
    """
)
_VERDICTS = text(
    """
    SELECT decided_at, cause, here.address AS one, there.address AS other, said, person
      FROM contact AS here JOIN verdict ON verdict.one = here.id
      JOIN contact AS there ON there.id = verdict.other
     WHERE here.customer_id = ANY(CAST(:owners AS uuid[]))
       AND there.customer_id = ANY(CAST(:owners AS uuid[])) AND verdict.tenant = :tenant
    """
)


class Found(Struct, frozen=True):
    """The evidence, and the row ids of the contacts in it."""

    evidence: Evidence
    ids: Mapping[str, int]


async def evidence_of(
    connection: AsyncConnection, tenant: str, owners: Collection[UUID], refs: Collection[str]
) -> Found:
    """Return what bears on these customers and profiles. The caller has locked them."""
    here: dict[str, object] = {"tenant": tenant, "owners": list(owners)}
    holdings = (await connection.execute(_HOLDINGS, here)).all()
    claims = await connection.execute(_CLAIMS, here | {"refs": list(refs)})
    verdicts = await connection.execute(_VERDICTS, here)
    evidence = Evidence(
        holdings={
            row.address: Holding(
                contact=row.address,
                first_seen=row.first_seen,
                owner=row.customer_id,
                moved_at=row.moved_at,
                shared=row.shared,
                popular=row.popular,
            )
            for row in holdings
        },
        claims=[
            Claim(
                customer_ref=row.customer_ref,
                source=row.source,
                contact=row.address,
                changed_at=row.changed_at,
                learned_at=row.linked_at,
                cause=row.cause,
                approved=row.approved,
                barred=row.barred,
                refused=Reason(row.refused) if row.refused else None,
            )
            for row in claims
        ],
        verdicts=[_verdict(row) for row in verdicts],
    )
    return Found(evidence, {row.address: row.id for row in holdings})


def _verdict(row: Row[Any]) -> Verdict:
    """Return a verdict. Its pair is kept by the rows' ids, and told of by its addresses in order."""
    one, other = sorted((row.one, row.other))
    return Verdict(row.decided_at, row.cause, one, other, Said(row.said), row.person)
