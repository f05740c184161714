"""Profiles into Postgres: contacts linked, their customers merged, the bus told."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.ids import customer_id
from common.edges.outbox import enqueue
from timeline.core.announcements import merge_announced
from timeline.core.identity import Customer, Known, Link, Merge, Profile, newest, plan, survivors
from timeline.edges.clusters import owners
from timeline.edges.links import Move, move

logger = structlog.get_logger()

_CUSTOMERS = text("SELECT id, created_at FROM customer WHERE id = ANY(CAST(:owners AS uuid[]))")
_CONTACTS = text(
    """
    SELECT address, id, customer_id, shared
      FROM contact WHERE customer_id = ANY(CAST(:owners AS uuid[]))
    """
)
_LINKED = text(
    """
    SELECT link.customer_ref, contact.address
      FROM link JOIN contact ON contact.id = link.contact_id
     WHERE link.tenant = :tenant AND link.customer_ref = ANY(CAST(:refs AS text[]))
    """
)
_ADD_PROFILES = text(
    """
    INSERT INTO profile AS known (tenant, customer_ref, event_id, changed_at, body)
    SELECT :tenant, customer_ref, event_id, changed_at, CAST(convert_from(body, 'UTF8') AS json)
      FROM unnest(CAST(:refs AS text[]), CAST(:events AS uuid[]),
                  CAST(:changed AS timestamptz[]), CAST(:bodies AS bytea[]))
           AS new (customer_ref, event_id, changed_at, body)
    ON CONFLICT (customer_ref, tenant) DO UPDATE
       SET event_id = excluded.event_id, changed_at = excluded.changed_at, body = excluded.body
     WHERE (excluded.changed_at, excluded.event_id) > (known.changed_at, known.event_id)
    """
)
_ADD_LINKS = text(
    """
    INSERT INTO link (tenant, customer_ref, contact_id, cause, linked_at, changed_at)
    SELECT :tenant, new.*, new.linked_at
      FROM unnest(CAST(:refs AS text[]), CAST(:contacts AS bigint[]), CAST(:causes AS uuid[]),
                  CAST(:moments AS timestamptz[])) AS new (ref, contact, cause, linked_at)
    """
)
_ADD_MERGES = text(
    """
    INSERT INTO merge (tenant, survivor, absorbed, contacts, cause, merged_at)
    SELECT :tenant, new.*
      FROM unnest(CAST(:survivors AS uuid[]), CAST(:absorbed AS uuid[]),
                  CAST(CAST(:contacts AS text[]) AS json[]), CAST(:causes AS uuid[]),
                  CAST(:moments AS timestamptz[])) AS new
    """
)
_ABSORB = text(
    """
    UPDATE customer SET merged_into = new.survivor
      FROM unnest(CAST(:survivors AS uuid[]), CAST(:absorbed AS uuid[])) AS new (survivor, absorbed)
     WHERE customer.id = new.absorbed
    """
)


async def write_profiles(connection: AsyncConnection, profiles: Sequence[Profile]) -> None:
    """Keep the newest profiles, link and merge what they name, and announce each merge.

    The caller has locked the customers and added the contacts.
    """
    by_tenant: dict[str, list[Profile]] = defaultdict(list)
    for profile in profiles:
        by_tenant[profile.tenant].append(profile)
    for tenant, its_profiles in by_tenant.items():
        await _write(connection, tenant, its_profiles)


async def _write(connection: AsyncConnection, tenant: str, profiles: Sequence[Profile]) -> None:
    known, ids = await _known(connection, tenant, profiles)
    planned = plan(profiles, known)
    await _add_profiles(connection, tenant, newest(profiles))
    await _add_links(connection, tenant, planned.links, ids)
    await _merge(connection, tenant, planned.merges)
    await move(connection, _moves(tenant, planned.merges, ids))
    for refused in planned.refusals:
        logger.info("contact not linked", reason=refused.reason, cause=str(refused.cause))


async def _known(
    connection: AsyncConnection, tenant: str, profiles: Sequence[Profile]
) -> tuple[Known, dict[str, int]]:
    """Return what the plan needs to know, and the row ids of the contacts in it."""
    concerned = {"owners": list(await owners(connection, profiles))}
    customers = await connection.execute(_CUSTOMERS, concerned)
    contacts = (await connection.execute(_CONTACTS, concerned)).all()
    linked: dict[str, set[str]] = defaultdict(set)
    refs = {"tenant": tenant, "refs": [profile.customer_ref for profile in profiles]}
    for customer_ref, address in await connection.execute(_LINKED, refs):
        linked[customer_ref].add(address)
    known = Known(
        customers={row.id: Customer(row.created_at, row.id) for row in customers},
        contacts={row.address: row.customer_id for row in contacts},
        linked={ref: frozenset(addresses) for ref, addresses in linked.items()},
        shared=frozenset(row.address for row in contacts if row.shared),
    )
    return known, {row.address: row.id for row in contacts}


async def _add_profiles(
    connection: AsyncConnection, tenant: str, profiles: Sequence[Profile]
) -> None:
    await connection.execute(
        _ADD_PROFILES,
        {
            "tenant": tenant,
            "refs": [profile.customer_ref for profile in profiles],
            "events": [profile.event_id for profile in profiles],
            "changed": [profile.changed_at for profile in profiles],
            "bodies": [profile.body for profile in profiles],
        },
    )


async def _add_links(
    connection: AsyncConnection,
    tenant: str,
    links: Sequence[Link],
    ids: Mapping[str, int],
) -> None:
    await connection.execute(
        _ADD_LINKS,
        {
            "tenant": tenant,
            "refs": [link.customer_ref for link in links],
            "contacts": [ids[link.contact] for link in links],
            "causes": [link.cause for link in links],
            "moments": [link.at for link in links],
        },
    )


async def _merge(connection: AsyncConnection, tenant: str, merges: Sequence[Merge]) -> None:
    if not merges:
        return
    absorbed = [merge.absorbed for merge in merges]
    pairs = {"survivors": [merge.survivor for merge in merges], "absorbed": absorbed}
    log = {
        "tenant": tenant,
        "contacts": [msgspec.json.encode(merge.contacts).decode() for merge in merges],
        "causes": [merge.cause for merge in merges],
        "moments": [merge.at for merge in merges],
    }
    await connection.execute(_ADD_MERGES, pairs | log)
    await connection.execute(_ABSORB, pairs)
    await enqueue(connection, [merge_announced(tenant, merge) for merge in merges])


def _moves(tenant: str, merges: Sequence[Merge], ids: Mapping[str, int]) -> list[Move]:
    final = {
        contact: Move(ids[contact], customer_id(tenant, contact), survivor, merge.at, merge.cause)
        for merge, survivor in zip(merges, survivors(merges), strict=True)
        for contact in merge.contacts
    }
    return list(final.values())
