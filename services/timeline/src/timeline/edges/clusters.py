"""Locks on customers, for whoever is about to merge some.

All locks of a transaction are taken at once, in one order, and before any row is written: two
workers may wait for each other, but never in a circle.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.ids import customer_id
from timeline.core.identity import Profile, lock_id

# The customers that these contacts, and what these profiles linked before, belong to.
_OWNERS = text(
    """
    SELECT contact.customer_id
      FROM unnest(CAST(:tenants AS text[]), CAST(:addresses AS text[])) AS named (tenant, address)
      JOIN contact USING (tenant, address)
    UNION
    SELECT contact.customer_id
      FROM unnest(CAST(:ref_tenants AS text[]), CAST(:refs AS text[])) AS held (tenant, customer_ref)
      JOIN link USING (tenant, customer_ref) JOIN contact ON contact.id = link.contact_id
    """
)
_LOCK = text(
    """
    SELECT pg_advisory_xact_lock(hashtext('timeline.customer'), bucket)
      FROM unnest(CAST(:buckets AS int[])) AS bucket
    """
)
# Customers share locks: a batch may concern thousands, and Postgres has room for a few thousand
# locks in all (max_locks_per_transaction times max_connections).
_BUCKETS = 256


async def lock_customers(connection: AsyncConnection, profiles: Sequence[Profile]) -> None:
    """Lock, until the transaction ends, everybody whom these profiles could merge.

    While waiting for the locks somebody else may have merged one of them into a customer that is
    not locked yet. Then the locks are given back and taken again with that one.
    """
    if not profiles:
        return
    wanted = _buckets(_named(profiles) | await owners(connection, profiles))
    while True:
        attempt = await connection.begin_nested()
        await connection.execute(_LOCK, {"buckets": sorted(wanted)})
        found = _buckets(await owners(connection, profiles))
        if found <= wanted:
            await attempt.commit()
            return
        await attempt.rollback()
        wanted |= found


async def lock_ids(connection: AsyncConnection, customers: Iterable[UUID]) -> None:
    """Lock these customers until the transaction ends."""
    await connection.execute(_LOCK, {"buckets": sorted(_buckets(customers))})


async def owners(connection: AsyncConnection, profiles: Sequence[Profile]) -> set[UUID]:
    """Return the customers that hold what these profiles name, or named before."""
    named = [(profile.tenant, contact) for profile in profiles for contact in profile.contacts]
    rows = await connection.scalars(
        _OWNERS,
        {
            "tenants": [tenant for tenant, _ in named],
            "addresses": [address for _, address in named],
            "ref_tenants": [profile.tenant for profile in profiles],
            "refs": [profile.customer_ref for profile in profiles],
        },
    )
    return set(rows)


def _named(profiles: Iterable[Profile]) -> set[UUID]:
    """Stand-ins for the profiles, and whom their contacts belong to if nobody has seen them."""
    return {lock_id(profile.tenant, profile.customer_ref) for profile in profiles} | {
        customer_id(profile.tenant, contact) for profile in profiles for contact in profile.contacts
    }


def _buckets(locked: Iterable[UUID]) -> set[int]:
    return {one.int % _BUCKETS for one in locked}
