"""What the router remembers of `customers.v1`: profiles, and whom a contact belongs to."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Table, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.cloudevents import Event
from common.core.events import CustomerChanged, CustomersMerged, CustomersUnmerged
from common.core.ids import customer_id
from router.core.acceptance import accepted_profile, moved_at
from router.core.customers import account_told, company_domains
from router.edges import tables
from router.edges.arrays import columns_of, insertion

NEVER_MOVED = datetime(1970, 1, 1, tzinfo=UTC)


def _keeping(table: Table, key: str) -> TextClause:
    """Keep rows that are not older than what is known under their key; return whose they were."""
    return text(
        f"""
        {insertion(table)} ORDER BY {key}, tenant
        ON CONFLICT ({key}, tenant) DO UPDATE
          SET changed_at = excluded.changed_at, body = excluded.body
          WHERE {table.name}.changed_at <= excluded.changed_at
        RETURNING tenant, {key}
        """  # noqa: S608 - names of our own tables
    )


def _forgetting(table: Table, key: str) -> TextClause:
    """Delete all that rows listed before under these keys."""
    return text(
        f"""
        DELETE FROM {table.name} AS old
         USING unnest(CAST(:tenant AS text[]), CAST(:{key} AS text[])) AS changed (tenant, {key})
         WHERE old.tenant = changed.tenant AND old.{key} = changed.{key}
        """  # noqa: S608 - names of our own tables
    )


def _listing(table: Table) -> TextClause:
    return text(insertion(table) + " ON CONFLICT DO NOTHING")


_KEEP_PROFILES = _keeping(tables.profile, "customer_ref")
_FORGET_CONTACTS = _forgetting(tables.profile_contact, "customer_ref")
_KEEP_CONTACTS = _listing(tables.profile_contact)
_KEEP_ACCOUNTS = _keeping(tables.account, "account")
_FORGET_DOMAINS = _forgetting(tables.account_domain, "account")
_KEEP_DOMAINS = _listing(tables.account_domain)
# A contact that some profile names is known to be its own customer until it moves.
_MEET = text(insertion(tables.contact) + " ORDER BY contact, tenant ON CONFLICT DO NOTHING")
_MOVE = text(
    insertion(tables.contact)
    + """
    ORDER BY contact, tenant
    ON CONFLICT (contact, tenant) DO UPDATE
      SET customer = excluded.customer, moved_at = excluded.moved_at
      WHERE contact.moved_at <= excluded.moved_at
    """
)
# A case belongs to whoever its contact belongs to; `other` is whom it belonged to until now.
_MOVE_CASES = text(
    """
    UPDATE support_case SET customer = moved.customer
      FROM unnest(CAST(:tenant AS text[]), CAST(:contact AS text[]), CAST(:other AS uuid[]))
           AS asked (tenant, contact, other)
      JOIN contact AS moved USING (tenant, contact)
     WHERE support_case.customer = asked.other AND support_case.contact = asked.contact
       AND support_case.tenant = asked.tenant AND moved.customer <> asked.other
    """
)


async def project(connection: AsyncConnection, events: Sequence[Event]) -> None:
    """Take in profiles, merges and unmerges. What is older than what is known changes nothing.

    Raises PoisonError where an event cannot be kept.
    """
    profiles: dict[tuple[str, str], CustomerChanged] = {}
    moves: dict[tuple[str, str], dict[str, Any]] = {}
    for event in events:
        tenant, data = event.attributes.tenant, event.data
        if isinstance(data, CustomerChanged):
            _keep_newest(profiles, tenant, accepted_profile(data))
        elif isinstance(data, CustomersMerged | CustomersUnmerged):
            _keep_last(moves, tenant, data)
    if profiles:
        await _keep_profiles(connection, profiles)
    if moves:
        await connection.execute(_MOVE, columns_of(tables.contact, list(moves.values())))
        await _move_cases(connection, events)


async def _move_cases(connection: AsyncConnection, events: Sequence[Event]) -> None:
    moved = [
        (event.attributes.tenant, contact, _previous(event.data))
        for event in events
        if isinstance(event.data, CustomersMerged | CustomersUnmerged)
        for contact in event.data.contacts
    ]
    names = ("tenant", "contact", "other")
    columns = [list(column) for column in zip(*moved, strict=True)]
    await connection.execute(_MOVE_CASES, dict(zip(names, columns, strict=True)))


def _previous(link: CustomersMerged | CustomersUnmerged) -> UUID:
    return link.absorbed if isinstance(link, CustomersMerged) else link.survivor


def _keep_newest(
    profiles: dict[tuple[str, str], CustomerChanged], tenant: str, profile: CustomerChanged
) -> None:
    known = profiles.get((tenant, profile.customer_ref))
    if known is None or known.changed_at <= profile.changed_at:
        profiles[tenant, profile.customer_ref] = profile


def _keep_last(
    moves: dict[tuple[str, str], dict[str, Any]],
    tenant: str,
    link: CustomersMerged | CustomersUnmerged,
) -> None:
    at = moved_at(link)
    customer = link.survivor if isinstance(link, CustomersMerged) else link.restored
    for contact in link.contacts:
        known = moves.get((tenant, contact))
        if known is None or known["moved_at"] <= at:
            moves[tenant, contact] = {
                "tenant": tenant,
                "contact": contact,
                "customer": customer,
                "moved_at": at,
            }


async def _keep_profiles(
    connection: AsyncConnection, profiles: dict[tuple[str, str], CustomerChanged]
) -> None:
    rows = [
        {
            "tenant": tenant,
            "customer_ref": reference,
            "changed_at": profile.changed_at,
            "body": msgspec.json.encode(profile).decode(),
        }
        for (tenant, reference), profile in profiles.items()
    ]
    kept = (await connection.execute(_KEEP_PROFILES, columns_of(tables.profile, rows))).all()
    changed = [(row.tenant, row.customer_ref) for row in kept]
    await connection.execute(
        _FORGET_CONTACTS,
        {"tenant": [tenant for tenant, _ in changed], "customer_ref": [ref for _, ref in changed]},
    )
    links = [
        {"tenant": tenant, "contact": contact, "customer_ref": reference}
        for tenant, reference in changed
        for contact in profiles[tenant, reference].contacts
    ]
    await connection.execute(_KEEP_CONTACTS, columns_of(tables.profile_contact, links))
    await _keep_accounts(connection, profiles)
    met = list(_newly_met((link["tenant"], link["contact"]) for link in links))
    await connection.execute(_MEET, columns_of(tables.contact, met))


async def _keep_accounts(
    connection: AsyncConnection, profiles: Mapping[tuple[str, str], CustomerChanged]
) -> None:
    told = sorted(
        (
            (told.changed_at, tenant, told.account)
            for (tenant, _), profile in profiles.items()
            if (told := account_told(profile))
        ),
        key=lambda one: one[:2],
    )
    if not told:
        return
    newest = {(tenant, account.account_id): (at, account) for at, tenant, account in told}
    rows = [
        {
            "tenant": tenant,
            "account": account_id,
            "changed_at": at,
            "body": msgspec.json.encode(account).decode(),
        }
        for (tenant, account_id), (at, account) in newest.items()
    ]
    kept = (await connection.execute(_KEEP_ACCOUNTS, columns_of(tables.account, rows))).all()
    changed = [(row.tenant, row.account) for row in kept]
    await connection.execute(
        _FORGET_DOMAINS,
        {"tenant": [tenant for tenant, _ in changed], "account": [name for _, name in changed]},
    )
    listed = [
        {"tenant": tenant, "domain": domain, "account": account_id}
        for tenant, account_id in changed
        for domain in company_domains(newest[tenant, account_id][1])
    ]
    await connection.execute(_KEEP_DOMAINS, columns_of(tables.account_domain, listed))


def _newly_met(contacts: Iterable[tuple[str, str]]) -> Iterable[dict[str, Any]]:
    for tenant, contact in dict.fromkeys(contacts):
        yield {
            "tenant": tenant,
            "contact": contact,
            "customer": customer_id(tenant, contact),
            "moved_at": NEVER_MOVED,
        }
