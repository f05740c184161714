"""What was settled, as rows: claims, verdicts, merges and unmerges; and as events on the bus."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.ids import customer_id
from common.edges.outbox import enqueue
from timeline.core.announcements import announced, merge_id
from timeline.core.evidence import Claim, Verdict
from timeline.core.identity import Merge, Unmerge, rounds
from timeline.core.settling import Settled
from timeline.edges.links import Move, move

Ids = Mapping[str, int]

_CLAIM = text(
    """
    INSERT INTO link AS known (tenant, customer_ref, contact_id, source, changed_at, linked_at,
                               cause, approved, barred, refused)
    SELECT :tenant, new.*
      FROM unnest(CAST(:refs AS text[]), CAST(:contacts AS bigint[]), CAST(:sources AS text[]),
                  CAST(:changed AS timestamptz[]), CAST(:learned AS timestamptz[]),
                  CAST(:causes AS uuid[]), CAST(:approved AS uuid[]), CAST(:barred AS uuid[]),
                  CAST(:refused AS text[]))
           AS new
    ON CONFLICT (customer_ref, tenant, contact_id) DO UPDATE
       SET source = excluded.source, changed_at = excluded.changed_at, cause = excluded.cause,
           linked_at = excluded.linked_at, approved = excluded.approved, barred = excluded.barred,
           refused = excluded.refused
    """
)
_SAY = text(
    """
    INSERT INTO verdict (tenant, one, other, said, decided_at, cause, person)
    SELECT :tenant, new.*
      FROM unnest(CAST(:ones AS bigint[]), CAST(:others AS bigint[]), CAST(:said AS text[]),
                  CAST(:moments AS timestamptz[]), CAST(:causes AS uuid[]),
                  CAST(:persons AS text[])) AS new
    ON CONFLICT (one, other) DO UPDATE
       SET said = excluded.said, decided_at = excluded.decided_at, cause = excluded.cause,
           person = excluded.person
    """
)
_MERGED = text(
    """
    INSERT INTO merge (tenant, merge_id, survivor, absorbed, contacts, profiles, cause, person,
                       merged_at)
    SELECT :tenant, id, survivor, absorbed, contacts,
           ARRAY(SELECT json_array_elements_text(profiles)), cause, person, at
      FROM unnest(CAST(:ids AS uuid[]), CAST(:survivors AS uuid[]), CAST(:others AS uuid[]),
                  CAST(CAST(:contacts AS text[]) AS json[]),
                  CAST(CAST(:profiles AS text[]) AS json[]), CAST(:causes AS uuid[]),
                  CAST(:persons AS text[]), CAST(:moments AS timestamptz[]))
           AS new (id, survivor, absorbed, contacts, profiles, cause, person, at)
    """
)
_UNMERGED = text(
    """
    UPDATE merge SET undone_at = new.at, undone_by = new.cause
      FROM unnest(CAST(:others AS uuid[]), CAST(:causes AS uuid[]),
                  CAST(:moments AS timestamptz[])) AS new (other, cause, at)
     WHERE merge.absorbed = new.other AND undone_at IS NULL
    """
)
_POPULAR = text("UPDATE contact SET popular = true WHERE id = ANY(CAST(:ids AS bigint[]))")


async def write_settled(
    connection: AsyncConnection, tenant: str, settled: Settled, ids: Ids
) -> None:
    """Write down what was settled and announce each merge and unmerge, in their order."""
    if settled.claims:
        await connection.execute(_CLAIM, _claims(tenant, settled.claims, ids))
    if settled.verdicts:
        await connection.execute(_SAY, _verdicts(tenant, settled.verdicts, ids))
    if settled.popular:
        await connection.execute(_POPULAR, {"ids": [ids[one] for one in sorted(settled.popular)]})
    for steps in rounds(settled.steps):
        await _step(connection, tenant, steps)
        await move(
            connection, [_move(tenant, step, one, ids) for step in steps for one in step.contacts]
        )
    await enqueue(connection, [announced(tenant, step) for step in settled.steps])


async def _step(connection: AsyncConnection, tenant: str, steps: Sequence[Merge | Unmerge]) -> None:
    """Log the steps. Of one customer there is a merge or an unmerge in a round, never both."""
    unmerges = [step for step in steps if isinstance(step, Unmerge)]
    if unmerges:
        await connection.execute(_UNMERGED, _columns(unmerges))
    merges = [step for step in steps if isinstance(step, Merge)]
    if merges:
        log = {
            "tenant": tenant,
            "ids": [merge_id(tenant, merge) for merge in merges],
            "survivors": [merge.survivor for merge in merges],
            "contacts": [msgspec.json.encode(merge.contacts).decode() for merge in merges],
            "profiles": [msgspec.json.encode(merge.profiles).decode() for merge in merges],
            "persons": [merge.person for merge in merges],
        }
        await connection.execute(_MERGED, log | _columns(merges))


def _columns(steps: Sequence[Merge | Unmerge]) -> dict[str, list[Any]]:
    return {
        "others": [step.other for step in steps],
        "causes": [step.cause for step in steps],
        "moments": [step.at for step in steps],
    }


def _move(tenant: str, step: Merge | Unmerge, contact: str, ids: Ids) -> Move:
    owner = step.survivor if isinstance(step, Merge) else step.other
    born = customer_id(tenant, contact)
    return Move(ids[contact], born, owner, step.at, step.cause)


def _claims(tenant: str, claims: Sequence[Claim], ids: Ids) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "refs": [claim.customer_ref for claim in claims],
        "contacts": [ids[claim.contact] for claim in claims],
        "sources": [claim.source for claim in claims],
        "changed": [claim.changed_at for claim in claims],
        "learned": [claim.learned_at for claim in claims],
        "causes": [claim.cause for claim in claims],
        "approved": [claim.approved for claim in claims],
        "barred": [claim.barred for claim in claims],
        "refused": [claim.refused for claim in claims],
    }


def _verdicts(tenant: str, verdicts: Sequence[Verdict], ids: Ids) -> dict[str, Any]:
    pairs = [sorted((ids[verdict.one], ids[verdict.other])) for verdict in verdicts]
    return {
        "tenant": tenant,
        "ones": [one for one, _ in pairs],
        "others": [other for _, other in pairs],
        "said": [verdict.said for verdict in verdicts],
        "moments": [verdict.decided_at for verdict in verdicts],
        "causes": [verdict.cause for verdict in verdicts],
        "persons": [verdict.person for verdict in verdicts],
    }
