"""Locks on customers, for whoever is about to merge or unmerge some.

All locks of a transaction are taken at once, in one order, and before any row is written: two
workers may wait for each other, but never in a circle.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.identity_events import DecisionKind
from common.core.ids import customer_id
from timeline.core.identity import Decision, Earlier, Profile, lock_id

# More customers than this bear on each other only where somebody means harm. Then the evidence
# among the first of them counts, which never joins more than all of it.
MOST_REACHED = 1000

# Whom contacts and profiles belong to, and whoever shares evidence with these: who keeps a
# contact's link from counting must be known to say so.
_OWNERS = text(
    """
    WITH RECURSIVE reached (id) AS (
      SELECT contact.customer_id
        FROM unnest(CAST(:tenants AS text[]), CAST(:addresses AS text[])) AS named (tenant, address)
        JOIN contact USING (tenant, address)
       UNION
      SELECT contact.customer_id
        FROM unnest(CAST(:ref_tenants AS text[]), CAST(:refs AS text[])) AS held (tenant, customer_ref)
        JOIN link USING (tenant, customer_ref) JOIN contact ON contact.id = link.contact_id
       UNION
      SELECT there.customer_id
        FROM reached JOIN contact AS here ON here.customer_id = reached.id
        JOIN link AS near ON near.contact_id = here.id
        JOIN link AS far ON far.customer_ref = near.customer_ref AND far.tenant = near.tenant
        JOIN contact AS there ON there.id = far.contact_id
       WHERE NOT here.shared AND NOT here.popular
    )
    SELECT id FROM reached LIMIT :most
    """
)
_MATCHING = text(
    """
    SELECT contact.tenant, address
      FROM unnest(CAST(:tenants AS text[]), CAST(:patterns AS text[])) AS blocked (tenant, pattern)
      JOIN contact ON contact.tenant = blocked.tenant AND (
           address = pattern OR right(pattern, 1) = '@' AND address ^@ pattern)
    """
)
_NAMING = text(
    """
    SELECT link.tenant, link.customer_ref
      FROM unnest(CAST(:tenants AS text[]), CAST(:addresses AS text[])) AS named (tenant, address)
      JOIN contact USING (tenant, address) JOIN link ON link.contact_id = contact.id
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

Named = tuple[str, str]  # a tenant's contact, or a tenant's profile by its reference


class Concerned(Struct, frozen=True):
    """The contacts and profiles that somebody tells of."""

    contacts: frozenset[Named]
    profiles: frozenset[Named]


async def concerned(
    connection: AsyncConnection, told: Iterable[Profile | Decision | Earlier]
) -> Concerned:
    """Return what profiles and decisions are about; a blocked mailbox: every contact that is one."""
    contacts: set[Named] = set()
    profiles: set[Named] = set()
    patterns: set[Named] = set()
    for one in told:
        if isinstance(one, Earlier):
            contacts.add((one.tenant, one.contact))
            continue
        if isinstance(one, Profile):
            contacts.update((one.tenant, contact) for contact in one.contacts)
            profiles.add((one.tenant, one.customer_ref))
            continue
        blocks = one.data.kind in (DecisionKind.BLOCK, DecisionKind.UNBLOCK)
        named = patterns if blocks else contacts
        data = one.data
        all_contacts = (*data.contacts, *data.others, *data.beyond)
        named.update((one.tenant, contact) for contact in all_contacts)
        refs = (*data.profiles, *data.other_profiles, data.customer_ref)
        profiles.update((one.tenant, ref) for ref in refs if ref)
    blocked = await matching(connection, patterns)
    naming = await _naming(connection, blocked)
    return Concerned(frozenset(contacts | blocked), frozenset(profiles | naming))


async def matching(connection: AsyncConnection, patterns: Iterable[Named]) -> set[Named]:
    """Return the contacts that are, or are in a mailbox that is, one of these."""
    named = sorted(patterns)
    if not named:
        return set()
    columns = {
        "tenants": [tenant for tenant, _ in named],
        "patterns": [pattern for _, pattern in named],
    }
    return {(row.tenant, row.address) for row in await connection.execute(_MATCHING, columns)}


async def _naming(connection: AsyncConnection, contacts: Iterable[Named]) -> set[Named]:
    """Return the profiles that name these contacts, which a shared contact itself does not lead to."""
    tenants, addresses = _columns(contacts)
    if not addresses:
        return set()
    rows = await connection.execute(_NAMING, {"tenants": tenants, "addresses": addresses})
    return {(row.tenant, row.customer_ref) for row in rows}


async def lock_customers(connection: AsyncConnection, about: Concerned) -> None:
    """Lock, until the transaction ends, everybody whom news about these could merge or unmerge.

    While waiting for the locks somebody else may have merged one of them into a customer that is
    not locked yet. Then the locks are given back and taken again with that one.
    """
    if not about.contacts and not about.profiles:
        return
    wanted = _buckets(_named(about) | await owners(connection, about))
    while True:
        attempt = await connection.begin_nested()
        await connection.execute(_LOCK, {"buckets": sorted(wanted)})
        found = _buckets(await owners(connection, about))
        if found <= wanted:
            await attempt.commit()
            return
        await attempt.rollback()
        wanted |= found


async def lock_ids(connection: AsyncConnection, customers: Iterable[UUID]) -> None:
    """Lock these customers until the transaction ends."""
    await connection.execute(_LOCK, {"buckets": sorted(_buckets(customers))})


async def owners(connection: AsyncConnection, about: Concerned) -> set[UUID]:
    """Return the customers who have to do with these."""
    contacts, profiles = _columns(about.contacts), _columns(about.profiles)
    rows = await connection.scalars(
        _OWNERS,
        {
            "tenants": contacts[0],
            "addresses": contacts[1],
            "ref_tenants": profiles[0],
            "refs": profiles[1],
            "most": MOST_REACHED + len(contacts[0]) + len(profiles[0]),
        },
    )
    return set(rows)


def _columns(named: Iterable[Named]) -> tuple[Sequence[str], Sequence[str]]:
    in_order = sorted(named)
    return [tenant for tenant, _ in in_order], [name for _, name in in_order]


def _named(about: Concerned) -> set[UUID]:
    """Stand-ins for the profiles, and whom the contacts belong to if nobody has seen them."""
    return {lock_id(*profile) for profile in about.profiles} | {
        customer_id(*contact) for contact in about.contacts
    }


def _buckets(locked: Iterable[UUID]) -> set[int]:
    return {one.int % _BUCKETS for one in locked}
