"""Companies, the people who belong to them, and the contacts of these, out of Postgres."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.events import Account, CustomerChanged
from timeline.edges.accounts_views import AccountView, PersonView

MOST_CONTACTS = 5000

# Who belongs to a company: whoever a profile that names it is about.
_MEMBERS = """
      FROM account_member
      JOIN link ON link.customer_ref = account_member.customer_ref
           AND link.tenant = account_member.tenant AND link.refused IS NULL
      JOIN contact ON contact.id = link.contact_id
     WHERE account_member.account_id = :account AND account_member.tenant = :tenant
"""
_ACCOUNT = text(
    """
    SELECT CAST(body AS text) FROM account WHERE account_id = :account AND tenant = :tenant
    """
)
_COUNT = text(f"SELECT count(DISTINCT contact.customer_id) {_MEMBERS}")
_PEOPLE = text(
    f"""
    SELECT contact.customer_id AS id, array_agg(DISTINCT link.customer_ref) AS refs
           {_MEMBERS} AND (CAST(:after AS uuid) IS NULL OR contact.customer_id > :after)
     GROUP BY 1 ORDER BY 1 LIMIT :most
    """
)
_PROFILES = text(
    """
    SELECT customer_ref, CAST(body AS text) AS body FROM profile
     WHERE customer_ref = ANY(CAST(:refs AS text[])) AND tenant = :tenant
    """
)
# The newest contacts, where there are too many: a page asks each of them.
_CONTACTS = text(
    f"""
    WITH people AS (SELECT DISTINCT contact.customer_id AS id {_MEMBERS})
    SELECT array_agg(contact.id) AS contacts, max(number) AS number FROM (
      SELECT contact.id, count(*) OVER () AS number
        FROM people JOIN contact ON contact.customer_id = people.id
       ORDER BY contact.id DESC LIMIT :most
    ) AS contact
    """  # noqa: S608 - a query of our own
)


_WHOSE = text(
    """
    SELECT DISTINCT customer_id FROM contact
     WHERE address = ANY(CAST(:contacts AS text[])) AND tenant = :tenant
    """
)


async def whose(connection: AsyncConnection, tenant: str, contacts: Sequence[str]) -> list[UUID]:
    """Return the customers who have these contacts."""
    asked = {"contacts": list(contacts), "tenant": tenant}
    return list(await connection.scalars(_WHOSE, asked))


async def account_of(connection: AsyncConnection, tenant: str, account: str) -> AccountView | None:
    """Return a company as the newest profile that tells of it does."""
    asked = {"tenant": tenant, "account": account}
    body = await connection.scalar(_ACCOUNT, asked)
    if body is None:
        return None
    people = await connection.scalar(_COUNT, asked)
    told = msgspec.json.decode(body, type=Account)
    return AccountView(
        account_id=account,
        name=told.name,
        domains=told.domains,
        contracts=[msgspec.to_builtins(contract) for contract in told.contracts],
        people=people or 0,
    )


async def people_of(
    connection: AsyncConnection, tenant: str, account: str, after: UUID | None, most: int
) -> Sequence[PersonView]:
    """Return the people of a company, in the order of their ids."""
    asked = {"tenant": tenant, "account": account, "after": after, "most": most}
    rows = (await connection.execute(_PEOPLE, asked)).all()
    refs = [ref for row in rows for ref in row.refs]
    profiles = await connection.execute(_PROFILES, {"refs": refs, "tenant": tenant})
    told = {
        one.customer_ref: msgspec.json.decode(one.body, type=CustomerChanged) for one in profiles
    }
    return [_person(row.id, [told[ref] for ref in row.refs if ref in told]) for row in rows]


async def contacts_of(
    connection: AsyncConnection, tenant: str, account: str
) -> tuple[Sequence[int], int]:
    """Return the contacts of a company's people, and how many more there are than can be asked."""
    asked = {"tenant": tenant, "account": account, "most": MOST_CONTACTS}
    row = (await connection.execute(_CONTACTS, asked)).one()
    contacts = list(row.contacts or ())
    return contacts, (row.number or 0) - len(contacts)


def _person(customer: UUID, profiles: Sequence[CustomerChanged]) -> PersonView:
    newest = sorted(profiles, key=lambda one: (one.changed_at, one.customer_ref), reverse=True)
    return PersonView(
        customer_id=customer,
        name=next((one.name for one in newest if one.name), None),
        tier=next((one.tier for one in newest if one.tier), None),
        profiles=[one.customer_ref for one in newest],
    )
