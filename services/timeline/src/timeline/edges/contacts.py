"""Contacts and the customers they belong to, as rows."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from timeline.core.identity import first_customer

ContactKey = tuple[str, str]  # tenant and address

_FIND = text(
    """
    SELECT array_agg(wanted.place), array_agg(contact.id)
      FROM unnest(CAST(:tenants AS text[]), CAST(:addresses AS text[]))
           WITH ORDINALITY AS wanted (tenant, address, place)
      JOIN contact USING (tenant, address)
    """
)
# Both in one order for everybody, so that two workers that meet the same newcomers queue up
# instead of waiting for each other.
_ADD_CUSTOMERS = text(
    """
    INSERT INTO customer (id, tenant, created_at)
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:tenants AS text[]),
                         CAST(:seen AS timestamptz[])) AS new (id, tenant, created_at)
     ORDER BY id
    ON CONFLICT DO NOTHING
    """
)
_ADD_CONTACTS = text(
    """
    INSERT INTO contact (tenant, address, customer_id, first_seen)
    SELECT * FROM unnest(CAST(:tenants AS text[]), CAST(:addresses AS text[]),
                         CAST(:ids AS uuid[]), CAST(:seen AS timestamptz[]))
                  AS new (tenant, address, customer_id, first_seen)
     ORDER BY address, tenant
    ON CONFLICT DO NOTHING
    """
)


async def contact_ids(
    connection: AsyncConnection, first_seen: Mapping[ContactKey, datetime]
) -> dict[ContactKey, int]:
    """Return the ids of these contacts, adding those that nobody has seen, at the time given.

    Takes no locks where all are known. A new contact is a customer of its own.
    """
    known = await _find(connection, list(first_seen)) if first_seen else {}
    new = [key for key in first_seen if key not in known]
    if not new:
        return known
    await _add(connection, {key: first_seen[key] for key in new})
    return known | await _find(connection, new)


async def _find(connection: AsyncConnection, keys: list[ContactKey]) -> dict[ContactKey, int]:
    wanted = {
        "tenants": [tenant for tenant, _ in keys],
        "addresses": [address for _, address in keys],
    }
    places, ids = (await connection.execute(_FIND, wanted)).one()
    return dict(zip((keys[place - 1] for place in places or ()), ids or (), strict=True))


async def _add(connection: AsyncConnection, first_seen: Mapping[ContactKey, datetime]) -> None:
    customers = [first_customer(*key, seen_at) for key, seen_at in first_seen.items()]
    columns = {
        "ids": [customer.id for customer in customers],
        "tenants": [tenant for tenant, _ in first_seen],
        "seen": [customer.created_at for customer in customers],
    }
    await connection.execute(_ADD_CUSTOMERS, columns)
    await connection.execute(
        _ADD_CONTACTS, columns | {"addresses": [address for _, address in first_seen]}
    )
