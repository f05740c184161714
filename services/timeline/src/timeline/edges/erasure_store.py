"""Erasures in Postgres: who it is, cut off from everybody else at once, emptied in rounds."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.cloudevents import tombstone
from common.core.erasure import CustomerErased, CustomerForgotten
from common.core.ids import customer_id
from common.core.topics import CUSTOMERS
from common.edges.erasing import add_names
from common.edges.outbox import enqueue
from timeline.edges.clusters import lock_ids
from timeline.edges.erasure_tables import delete_where, tables_with

_KNOWN = text("SELECT count(*) FROM erasure WHERE id = :id")
_ADD = text(
    """
    INSERT INTO erasure (id, tenant, basis, reference, asked_by, erased_at, state, customers, contacts)
    VALUES (:id, :tenant, :basis, :reference, :asked_by, :erased_at, 'accepted',
            CAST(:customers AS uuid[]), CAST(:contacts AS bigint[]))
    """
)
_CONFIRM = text(
    """
    INSERT INTO erasure_confirmation (tenant, erasure, service, counts, forgotten_at)
    VALUES (:tenant, :erasure, :service, CAST(:counts AS jsonb), :at)
    ON CONFLICT DO NOTHING
    """
)
_OF_CUSTOMERS = text(
    """
    SELECT id, address FROM contact
     WHERE customer_id = ANY(CAST(:customers AS uuid[])) AND tenant = :tenant
     ORDER BY id FOR UPDATE
    """
)
_REFS = text(
    """
    SELECT DISTINCT customer_ref FROM link
     WHERE contact_id = ANY(CAST(:contacts AS bigint[])) AND tenant = :tenant
    """
)
# What people decided about these contacts: it stands on the bus under its own key.
_DECISIONS = text(
    """
    DELETE FROM identity_decision WHERE tenant = :tenant AND decision_id IN (
      SELECT cause FROM verdict
       WHERE one = ANY(CAST(:contacts AS bigint[])) OR other = ANY(CAST(:contacts AS bigint[]))
       UNION
      SELECT cause FROM merge
       WHERE survivor = ANY(CAST(:customers AS uuid[])) OR absorbed = ANY(CAST(:customers AS uuid[]))
       UNION
      SELECT unnest(ARRAY[approved, barred]) FROM link
       WHERE contact_id = ANY(CAST(:contacts AS bigint[])))
    RETURNING decision_id
    """
)
_STEPS = (
    """
    DELETE FROM merge WHERE tenant = :tenant
       AND (survivor = ANY(CAST(:customers AS uuid[])) OR absorbed = ANY(CAST(:customers AS uuid[])))
    """,
    "DELETE FROM suggestion WHERE tenant = :tenant AND (one = ANY(:refs) OR other = ANY(:refs))",
    "DELETE FROM blocked WHERE tenant = :tenant AND pattern = ANY(:addresses)",
)
_ALONE = text(
    """
    UPDATE contact SET customer_id = own.id, moved_at = NULL
      FROM unnest(CAST(:contacts AS bigint[]), CAST(:own AS uuid[])) AS own (contact, id)
     WHERE contact.id = own.contact
    """
)
_OWN = text(
    """
    INSERT INTO customer (id, tenant, created_at)
    SELECT id, :tenant, :at FROM unnest(CAST(:own AS uuid[])) AS id
    ON CONFLICT (id) DO UPDATE SET merged_into = NULL
    """
)
# The worker of exports deletes them, and what is being built just now.
_EXPORTS = text(
    """
    UPDATE export_job SET state = 'unwanted'
     WHERE tenant = :tenant AND customer_id = ANY(CAST(:customers AS uuid[]))
       AND state IN ('asked', 'ready')
    """
)
_HOLDS = text(
    "DELETE FROM legal_hold WHERE tenant = :tenant AND customer_id = ANY(CAST(:customers AS uuid[]))"
)


class Asked(Struct, frozen=True, kw_only=True):
    """Who asked for an erasure, on which ground, under which reference of theirs."""

    basis: str
    reference: str | None
    asked_by: str


FROM_THE_BUS = Asked(basis="bus", reference=None, asked_by="bus")


class Person(Struct, frozen=True, kw_only=True):
    """All that names somebody: ids, contacts (address by row), and others' references."""

    customers: tuple[UUID, ...]
    contacts: dict[int, str]
    refs: tuple[str, ...]


async def person_of(
    connection: AsyncConnection, tenant: str, customers: Collection[UUID]
) -> Person:
    """Return what names these customers, their contacts locked until the transaction ends."""
    asked = {"tenant": tenant, "customers": list(customers)}
    contacts = {row.id: row.address for row in await connection.execute(_OF_CUSTOMERS, asked)}
    refs = await connection.scalars(_REFS, {"tenant": tenant, "contacts": list(contacts)})
    own = {customer_id(tenant, address) for address in contacts.values()}
    return Person(
        customers=tuple(sorted({*customers, *own})),
        contacts=contacts,
        refs=tuple(sorted(refs)),
    )


async def begin(
    connection: AsyncConnection,
    tenant: str,
    event: CustomerErased,
    asked: Asked = FROM_THE_BUS,
    person: Person | None = None,
) -> None:
    """Take down an erasure, once: its names, and each contact of it alone from now on.

    Who holds no `person` yet finds it by the event's ids. What is older is deleted by the worker.
    """
    if await connection.scalar(_KNOWN, {"id": event.erasure}):
        return
    await lock_ids(connection, event.customers)
    found = person or await person_of(connection, tenant, event.customers)
    await add_names(connection, tenant, event)
    decisions = await _cut_off(connection, tenant, found, event.erased_at)
    await connection.execute(
        _ADD,
        {
            "id": event.erasure,
            "tenant": tenant,
            "basis": asked.basis,
            "reference": asked.reference,
            "asked_by": asked.asked_by,
            "erased_at": event.erased_at,
            "customers": list(found.customers),
            "contacts": list(found.contacts),
        },
    )
    ended = (*found.refs, *map(str, found.customers), *map(str, decisions))
    await enqueue(connection, [tombstone(CUSTOMERS.name, tenant, name) for name in ended])


async def confirm(connection: AsyncConnection, tenant: str, event: CustomerForgotten) -> None:
    """Note that another service has carried out an erasure of ours."""
    await connection.execute(
        _CONFIRM,
        {
            "tenant": tenant,
            "erasure": event.erasure,
            "service": event.service,
            "counts": msgspec.json.encode(event.counts).decode(),
            "at": event.forgotten_at,
        },
    )


async def _cut_off(
    connection: AsyncConnection, tenant: str, person: Person, at: datetime
) -> Sequence[UUID]:
    """Delete who somebody is: evidence, merges, profiles, what people decided; return the decisions."""
    concerned = {"contacts": list(person.contacts), "customers": list(person.customers)}
    decisions = list(await connection.scalars(_DECISIONS, {"tenant": tenant, **concerned}))
    given: dict[str, list[object]] = {
        "customers": list(person.customers),
        "refs": list(person.refs),
        "addresses": list(person.contacts.values()),
    }
    for step in _STEPS:
        used = {name: value for name, value in given.items() if f":{name}" in step}
        await connection.execute(text(step), {"tenant": tenant, **used})
    for statement in (_HOLDS, _EXPORTS):
        await connection.execute(statement, {"tenant": tenant, "customers": given["customers"]})
    own = [customer_id(tenant, address) for address in person.contacts.values()]
    await connection.execute(_OWN, {"tenant": tenant, "own": own, "at": at})
    await connection.execute(_ALONE, {"contacts": list(person.contacts), "own": own})
    for table, column in await tables_with(connection, refers_to="contact"):
        await delete_where(connection, table, column, tenant, list(person.contacts))
    for table, column in await tables_with(connection, column="contact"):
        await delete_where(connection, table, column, tenant, given["addresses"])
    for table, column in await tables_with(connection, column="customer_ref"):
        await delete_where(connection, table, column, tenant, list(person.refs))
    await _drop_customers(connection, tenant, set(person.customers) - set(own))
    return decisions


async def _drop_customers(
    connection: AsyncConnection, tenant: str, customers: Collection[UUID]
) -> None:
    """Delete ids that nobody has any more; one that another's history refers to stays, a bare id."""
    for one in sorted(customers):
        try:
            async with connection.begin_nested():
                await delete_where(connection, "customer", "id", tenant, [one])
        except IntegrityError:
            continue
