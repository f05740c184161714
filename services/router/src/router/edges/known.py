"""What the router knows of whoever a contact belongs to, read for many contacts at once."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.events import Account, CustomerChanged
from common.core.ids import customer_id
from router.core.customers import Company, company_of, contracts_of, known_as
from router.core.mail_domains import company_domain
from router.core.reconsidering import Known

TenantContact = tuple[str, str]

_CUSTOMERS = text(
    """
    SELECT asked.tenant, asked.contact, mine.customer, same.contact AS same,
           CAST(profile.body AS text)
      FROM unnest(CAST(:tenant AS text[]), CAST(:contact AS text[]), CAST(:customer AS uuid[]))
           AS asked (tenant, contact, derived)
      LEFT JOIN contact AS known
        ON known.contact = asked.contact AND known.tenant = asked.tenant
     CROSS JOIN LATERAL (SELECT coalesce(known.customer, asked.derived) AS customer) AS mine
      LEFT JOIN contact AS same ON same.customer = mine.customer AND same.tenant = asked.tenant
      LEFT JOIN profile_contact AS link
        ON link.contact = same.contact AND link.tenant = asked.tenant
      LEFT JOIN profile
        ON profile.customer_ref = link.customer_ref AND profile.tenant = asked.tenant
    """
)
_COMPANIES = text(
    """
    SELECT asked.tenant, account.changed_at, CAST(account.body AS text)
      FROM unnest(CAST(:account_tenant AS text[]), CAST(:account AS text[]))
           AS asked (tenant, account)
      JOIN account ON account.account = asked.account AND account.tenant = asked.tenant
     UNION ALL
    SELECT asked.tenant, account.changed_at, CAST(account.body AS text)
      FROM unnest(CAST(:domain_tenant AS text[]), CAST(:domain AS text[]))
           AS asked (tenant, domain)
      JOIN account_domain AS theirs
        ON theirs.domain = asked.domain AND theirs.tenant = asked.tenant
      JOIN account ON account.account = theirs.account AND account.tenant = asked.tenant
    """
)


# Who has a case of the customer, or had it until it was resolved or held.
_LAST_AGENTS = text(
    """
    SELECT asked.tenant, asked.customer, last.agent
      FROM unnest(CAST(:tenant AS text[]), CAST(:customer AS uuid[])) AS asked (tenant, customer)
     CROSS JOIN LATERAL (
       SELECT coalesce(agent, preferred) AS agent FROM support_case
        WHERE support_case.customer = asked.customer AND support_case.tenant = asked.tenant
          AND state IN ('assigned', 'held', 'resolved') AND coalesce(agent, preferred) IS NOT NULL
          AND coalesce(resolved_at, queued_at) >= :since
        ORDER BY coalesce(resolved_at, queued_at) DESC, case_id LIMIT 1
     ) AS last
    """
)


class _Found(Struct):
    """What the database has of one contact's customer."""

    customer: UUID
    contacts: set[str]
    profiles: dict[str, CustomerChanged]


async def customers(
    connection: AsyncConnection, contacts: Collection[TenantContact]
) -> dict[TenantContact, Known]:
    """Return what is known of whoever each contact belongs to, all contacts of theirs included."""
    result = await connection.execute(
        _CUSTOMERS,
        {
            "tenant": [tenant for tenant, _ in contacts],
            "contact": [contact for _, contact in contacts],
            "customer": [customer_id(tenant, contact) for tenant, contact in contacts],
        },
    )
    found: dict[TenantContact, _Found] = {}
    for row in result:
        asked = (row.tenant, row.contact)
        one = found.setdefault(asked, _Found(row.customer, {row.contact}, {}))
        if row.same is not None:
            one.contacts.add(row.same)
        if row.body is not None:
            profile = msgspec.json.decode(row.body, type=CustomerChanged)
            one.profiles[profile.customer_ref] = profile
    companies = await _companies(connection, found)
    return {asked: _known(one, companies.get(asked[0], ())) for asked, one in found.items()}


async def with_last_agents(
    connection: AsyncConnection, known: Mapping[TenantContact, Known], since: datetime
) -> dict[TenantContact, Known]:
    """Return the same with whoever had a case of each customer last, if that was after `since`."""
    if not known:
        return {}
    owners = {(tenant, one.customer.customer) for (tenant, _), one in known.items()}
    rows = await connection.execute(
        _LAST_AGENTS,
        {
            "tenant": [tenant for tenant, _ in owners],
            "customer": [customer for _, customer in owners],
            "since": since,
        },
    )
    last = {(row.tenant, row.customer): row.agent for row in rows}
    return {
        asked: replace(one, last_agent=last.get((asked[0], one.customer.customer)))
        for asked, one in known.items()
    }


async def _companies(
    connection: AsyncConnection, found: Mapping[TenantContact, _Found]
) -> dict[str, list[Company]]:
    """Return, by tenant, every account that one of these customers may belong to."""
    accounts: set[tuple[str, str]] = set()
    domains: set[tuple[str, str]] = set()
    for (tenant, _), one in found.items():
        named = [profile.account for profile in one.profiles.values() if profile.account]
        accounts.update((tenant, account.account_id) for account in named)
        if not named:
            listed = (company_domain(contact) for contact in one.contacts)
            domains.update((tenant, domain) for domain in listed if domain)
    if not accounts and not domains:
        return {}
    rows = await connection.execute(
        _COMPANIES, {**_pairs("account", accounts), **_pairs("domain", domains)}
    )
    companies: defaultdict[str, list[Company]] = defaultdict(list)
    for row in rows:
        account = msgspec.json.decode(row.body, type=Account)
        companies[row.tenant].append(Company(account, row.changed_at))
    return companies


def _pairs(name: str, pairs: Collection[tuple[str, str]]) -> dict[str, list[Any]]:
    return {f"{name}_tenant": [first for first, _ in pairs], name: [second for _, second in pairs]}


def _known(found: _Found, companies: Collection[Company]) -> Known:
    profiles = tuple(found.profiles.values())
    company = company_of(profiles, found.contacts, companies)
    return Known(known_as(found.customer, profiles, company), contracts_of(profiles, company))
