"""Contacts and the customers they belong to, as rows."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.errors import TransientError
from common.core.ids import customer_id
from timeline.core.identity import Earlier, first_customer

ContactKey = tuple[str, str]  # tenant and address

# Of most contacts it was long known when they were first seen; of the others it is compared here.
_FIND = text(
    """
    SELECT array_agg(place), array_agg(id), array_agg(place) FILTER (WHERE first_seen > :earliest),
           array_agg(first_seen) FILTER (WHERE first_seen > :earliest)
      FROM unnest(CAST(:tenants AS text[]), CAST(:addresses AS text[]))
           WITH ORDINALITY AS wanted (tenant, address, place)
      JOIN contact USING (tenant, address)
    """
)
_EARLIER = """
    FROM unnest(CAST(:ids AS bigint[]), CAST(:customers AS uuid[]), CAST(:moments AS timestamptz[]))
         AS told (contact, customer, at)
"""
_SEEN = text(
    f"UPDATE contact SET first_seen = at {_EARLIER} WHERE contact.id = told.contact AND first_seen > at"  # noqa: S608 - a list of our own parameters
)
_CREATED = text(
    f"UPDATE customer SET created_at = at {_EARLIER} WHERE customer.id = told.customer AND created_at > at"  # noqa: S608 - the same
)
_OWNED = text(
    f"UPDATE contact_owner SET valid_from = at {_EARLIER} WHERE contact_id = contact AND born AND valid_from > at"  # noqa: S608 - the same
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


class Known(Struct, frozen=True):
    """The row ids of contacts, and those of them that were thought to be seen first later than now told."""

    ids: dict[ContactKey, int]
    later: frozenset[ContactKey]


async def known_contacts(
    connection: AsyncConnection, first_seen: Mapping[ContactKey, datetime]
) -> Known:
    """Return which of these contacts somebody has seen; takes no locks."""
    if not first_seen:
        return Known({}, frozenset())
    keys = list(first_seen)
    wanted = {
        "tenants": [tenant for tenant, _ in keys],
        "addresses": [address for _, address in keys],
        "earliest": min(first_seen.values()),
    }
    found, ids, young, moments = (await connection.execute(_FIND, wanted)).one()
    thought = zip(_at(keys, young), moments or (), strict=True)
    return Known(
        dict(zip(_at(keys, found), ids or (), strict=True)),
        frozenset(key for key, moment in thought if moment > first_seen[key]),
    )


def _at(keys: Sequence[ContactKey], places: Sequence[int] | None) -> list[ContactKey]:
    return [keys[place - 1] for place in places or ()]


async def contact_ids(
    connection: AsyncConnection, first_seen: Mapping[ContactKey, datetime], known: Known
) -> dict[ContactKey, int]:
    """Return the ids of these contacts, adding those that are not `known`, at the time given.

    Takes no locks where all are known. A new contact is a customer of its own. Raises TransientError
    where another worker was faster and heard of one later: next time it is known.
    """
    new = {key: seen for key, seen in first_seen.items() if key not in known.ids}
    if not new:
        return known.ids
    await _add(connection, new)
    added = await known_contacts(connection, new)
    if added.later:
        raise TransientError("another worker was faster with a contact")
    return known.ids | added.ids


async def seen_earlier(
    connection: AsyncConnection, earlier: Collection[Earlier], ids: Mapping[ContactKey, int]
) -> None:
    """Write down that contacts were heard of earlier than was known. The caller has locked their customers."""
    if not earlier:
        return
    columns = {
        "ids": [ids[one.tenant, one.contact] for one in earlier],
        "customers": [customer_id(one.tenant, one.contact) for one in earlier],
        "moments": [one.at for one in earlier],
    }
    for statement in (_SEEN, _CREATED, _OWNED):
        await connection.execute(statement, columns)


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
