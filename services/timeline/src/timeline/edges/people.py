"""A customer as a person decides about him: his contacts and profiles, and who else there is."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from timeline.edges.clusters import Concerned, owners
from timeline.edges.reader import CURRENT

# The contact that the customer's id is derived from comes first.
_CONTACTS = text(
    """
    SELECT address FROM contact WHERE customer_id = :id AND tenant = :tenant
     ORDER BY first_seen, moved_at NULLS FIRST, id
    """
)
_PROFILES = text(
    """
    SELECT DISTINCT link.customer_ref
      FROM contact JOIN link ON link.contact_id = contact.id
     WHERE contact.customer_id = :id AND contact.tenant = :tenant AND link.refused IS NULL
     ORDER BY 1
    """
)
_HOLDER = text("SELECT customer_id FROM contact WHERE address = :contact AND tenant = :tenant")
_OF_PROFILE = text(
    """
    SELECT contact.customer_id
      FROM link JOIN contact ON contact.id = link.contact_id
     WHERE link.customer_ref = :ref AND link.tenant = :tenant AND link.refused IS NULL
     LIMIT 1
    """
)
_BESIDE = text(
    """
    SELECT address FROM contact
     WHERE customer_id = ANY(CAST(:owners AS uuid[])) AND customer_id <> :id AND tenant = :tenant
     ORDER BY address
    """
)
_MERGE = text(
    """
    SELECT merge_id, survivor, absorbed, contacts, profiles, cause, person, merged_at, undone_at,
           undone_by
      FROM merge WHERE merge_id = :merge AND tenant = :tenant
    """
)


class Person(Struct, frozen=True):
    """A customer's current id, all his contacts, and the profiles that are about him."""

    id: UUID
    contacts: tuple[str, ...]
    profiles: tuple[str, ...]


class MergeRow(Struct, frozen=True):
    """A merge as it is on record."""

    merge_id: UUID
    survivor: UUID
    absorbed: UUID
    contacts: tuple[str, ...]
    profiles: tuple[str, ...]
    cause: UUID
    person: str | None
    merged_at: datetime
    undone_at: datetime | None
    undone_by: UUID | None


async def person_of(connection: AsyncConnection, tenant: str, customer: UUID) -> Person | None:
    """Return whom an id means today."""
    asked = {"id": customer, "tenant": tenant}
    current = await connection.scalar(CURRENT, asked)
    if current is None:
        return None
    asked["id"] = current
    contacts = await connection.scalars(_CONTACTS, asked)
    profiles = await connection.scalars(_PROFILES, asked)
    return Person(current, tuple(contacts), tuple(profiles))


async def person_with(connection: AsyncConnection, tenant: str, contact: str) -> Person | None:
    """Return who has a contact."""
    holder = await connection.scalar(_HOLDER, {"contact": contact, "tenant": tenant})
    return None if holder is None else await person_of(connection, tenant, holder)


async def person_in(connection: AsyncConnection, tenant: str, customer_ref: str) -> Person | None:
    """Return whom a profile is about, if any of the contacts that it names was linked."""
    holder = await connection.scalar(_OF_PROFILE, {"ref": customer_ref, "tenant": tenant})
    return None if holder is None else await person_of(connection, tenant, holder)


async def beside(connection: AsyncConnection, tenant: str, person: Person) -> Sequence[str]:
    """Return the contacts of all others of whom there is evidence that has to do with a customer."""
    about = Concerned(
        frozenset((tenant, contact) for contact in person.contacts),
        frozenset((tenant, ref) for ref in person.profiles),
    )
    others = list(await owners(connection, about))
    asked = {"owners": others, "id": person.id, "tenant": tenant}
    return list(await connection.scalars(_BESIDE, asked))


async def merge_of(connection: AsyncConnection, tenant: str, merge: UUID) -> MergeRow | None:
    """Return a merge, undone or not."""
    asked = {"merge": merge, "tenant": tenant}
    row = (await connection.execute(_MERGE, asked)).one_or_none()
    if row is None:
        return None
    told = row._asdict()
    lists = {name: tuple(told[name]) for name in ("contacts", "profiles")}
    return MergeRow(**(told | lists))
