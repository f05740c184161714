"""Profiles and decisions into Postgres: contacts linked, customers merged and unmerged, the bus told."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.identity_events import DecisionKind
from timeline.core.identity import Decision, Earlier, Profile
from timeline.core.settling import Settled, Settlement, Trigger
from timeline.edges.accounts import keep_accounts
from timeline.edges.blocking import flag, keep_blocks, matched
from timeline.edges.clusters import concerned, owners
from timeline.edges.evidence import evidence_of
from timeline.edges.likenesses import suggest
from timeline.edges.profiles import keep_profiles
from timeline.edges.reviewing import close, keep_reviews
from timeline.edges.settled import write_settled

_NEW_DECISIONS = text(
    """
    INSERT INTO identity_decision (tenant, decision_id, kind, person, decided_at)
    SELECT :tenant, new.*
      FROM unnest(CAST(:ids AS uuid[]), CAST(:kinds AS text[]), CAST(:persons AS text[]),
                  CAST(:moments AS timestamptz[])) AS new (decision_id, kind, person, decided_at)
     ORDER BY decision_id
    ON CONFLICT DO NOTHING RETURNING decision_id
    """
)


async def write_identities(
    connection: AsyncConnection, told: Iterable[Profile | Decision | Earlier]
) -> dict[str, Settled]:
    """Keep profiles and decisions, do what follows from what is told, and announce it; by tenant.

    The caller has locked the customers and added the contacts. A decision that is known already
    changes nothing.
    """
    by_tenant: dict[str, list[Profile | Decision | Earlier]] = defaultdict(list)
    for one in told:
        by_tenant[one.tenant].append(one)
    return {
        tenant: await _write(connection, tenant, by_tenant[tenant]) for tenant in sorted(by_tenant)
    }


async def _write(
    connection: AsyncConnection, tenant: str, told: Sequence[Profile | Decision | Earlier]
) -> Settled:
    fresh = await _fresh(connection, tenant, told)
    profiles = [one for one in fresh if isinstance(one, Profile)]
    about = await concerned(connection, fresh)
    refs = {ref for _, ref in about.profiles}
    found = await evidence_of(connection, tenant, await owners(connection, about), refs)
    settlement = Settlement(tenant, found.evidence)
    for one in fresh:
        match one:
            case Profile():
                settlement.hear(one)
            case Earlier():
                settlement.heard_earlier(one)
            case Decision():
                await _decide(connection, settlement, one)
    settled = settlement.result()
    kept = await keep_profiles(connection, tenant, profiles)
    await write_settled(connection, tenant, settled, found.ids)
    await keep_reviews(connection, tenant, settled.claims, profiles)
    await keep_accounts(connection, tenant, kept)
    await suggest(connection, tenant, kept)
    return settled


async def _decide(connection: AsyncConnection, settlement: Settlement, decision: Decision) -> None:
    data = decision.data
    if data.kind in (DecisionKind.BLOCK, DecisionKind.UNBLOCK):
        await keep_blocks(connection, decision)
        trigger = Trigger(decision.decision_id, data.decided_at, data.person)
        for shared, contacts in await matched(connection, decision):
            await flag(connection, decision.tenant, contacts, shared=shared)
            settlement.share(contacts, trigger, shared=shared)
        return
    settlement.decide(decision)
    await close(connection, decision)


async def _fresh(
    connection: AsyncConnection, tenant: str, told: Sequence[Profile | Decision | Earlier]
) -> list[Profile | Decision | Earlier]:
    """Return what is told without the decisions that somebody has carried out already."""
    decisions = {one.decision_id: one for one in told if isinstance(one, Decision)}
    if not decisions:
        return list(told)
    rows = await connection.scalars(
        _NEW_DECISIONS,
        {
            "tenant": tenant,
            "ids": list(decisions),
            "kinds": [one.data.kind for one in decisions.values()],
            "persons": [one.data.person for one in decisions.values()],
            "moments": [one.data.decided_at for one in decisions.values()],
        },
    )
    new = set(rows)
    return [one for one in told if not isinstance(one, Decision) or one.decision_id in new]
