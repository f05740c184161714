"""Links that know when they were true: whose contact was whose at a moment, as we knew it then."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# Whom an id meant at the moment: the owner of the contact that it was derived from. A contact that
# never moved is its own customer for ever.
_CONTACTS_AS_OF = text(
    """
    WITH holder AS (
      SELECT was.customer_id AS id
        FROM contact_owner AS born
        JOIN contact_owner AS was ON was.contact_id = born.contact_id
       WHERE born.customer_id = :customer AND born.born AND born.tenant = :tenant
         AND was.valid_from <= :moment AND (was.valid_to > :moment OR was.valid_to IS NULL)
       UNION ALL
      SELECT :customer WHERE NOT EXISTS (
        SELECT FROM contact_owner WHERE customer_id = :customer AND born AND tenant = :tenant)
    )
    SELECT contact.id, contact.address
      FROM holder JOIN contact_owner ON contact_owner.customer_id = holder.id
      JOIN contact ON contact.id = contact_owner.contact_id
     WHERE valid_from <= :moment AND (valid_to > :moment OR valid_to IS NULL)
       AND contact.tenant = :tenant
     UNION
    SELECT contact.id, contact.address
      FROM holder JOIN contact ON contact.customer_id = holder.id
     WHERE first_seen <= :moment AND moved_at IS NULL AND contact.tenant = :tenant
     ORDER BY address
    """
)
_MOVED = """
    unnest(CAST(:contacts AS bigint[]), CAST(:born AS uuid[]), CAST(:customers AS uuid[]),
           CAST(:moments AS timestamptz[]), CAST(:causes AS uuid[]))
    AS moved (contact_id, born, customer_id, at, cause)
"""
_BEGAN = text(
    f"""
    INSERT INTO contact_owner (tenant, contact_id, customer_id, valid_from, valid_to, born, cause)
    SELECT contact.tenant, contact.id, moved.born, first_seen, greatest(moved.at, first_seen),
           true, moved.cause
      FROM {_MOVED} JOIN contact ON contact.id = moved.contact_id WHERE contact.moved_at IS NULL
     ORDER BY contact.id
    """  # noqa: S608 - a list of our own parameters
)
_ENDED = text(
    f"""
    UPDATE contact_owner SET valid_to = greatest(moved.at, valid_from)
      FROM {_MOVED} WHERE contact_owner.contact_id = moved.contact_id AND valid_to IS NULL
    """  # noqa: S608 - the same
)
_OWNED = text(
    f"""
    INSERT INTO contact_owner (tenant, contact_id, customer_id, valid_from, born, cause)
    SELECT contact.tenant, contact.id, moved.customer_id, moved.at, false, moved.cause
      FROM {_MOVED} JOIN contact ON contact.id = moved.contact_id ORDER BY contact.id
    """  # noqa: S608 - the same
)
_MOVE = text(
    f"""
    UPDATE contact SET customer_id = moved.customer_id, moved_at = moved.at
      FROM {_MOVED} WHERE contact.id = moved.contact_id
    """  # noqa: S608 - the same
)
# An id leads to whoever has the contact that it was derived from.
_LEAD = text(
    f"""
    UPDATE customer SET merged_into = nullif(moved.customer_id, customer.id)
      FROM {_MOVED} WHERE customer.id = moved.born
    """  # noqa: S608 - the same
)


class Move(Struct, frozen=True):
    """A contact goes to a customer at `at`, which is later than all its moves before.

    `born` is the customer that it was when it was first seen.
    """

    contact_id: int
    born: UUID
    customer: UUID
    at: datetime
    cause: UUID


async def contacts_as_of(
    connection: AsyncConnection, tenant: str, customer: UUID, moment: datetime
) -> Mapping[int, str]:
    """Return the contacts that a customer had at a moment, by their ids: address by id.

    `customer` is any id that was ever given; it means whom it meant then. Empty where nobody had
    heard of that customer yet.
    """
    asked = {"tenant": tenant, "customer": customer, "moment": moment}
    return {row.id: row.address for row in await connection.execute(_CONTACTS_AS_OF, asked)}


async def move(connection: AsyncConnection, moves: Collection[Move]) -> None:
    """Give contacts to customers and note until when they were whose. Each contact once."""
    if not moves:
        return
    columns = _columns(sorted(moves, key=lambda one: one.contact_id))
    for statement in (_BEGAN, _ENDED, _OWNED, _MOVE, _LEAD):
        await connection.execute(statement, columns)


def _columns(moves: Sequence[Move]) -> dict[str, Sequence[object]]:
    return {
        "contacts": [one.contact_id for one in moves],
        "born": [one.born for one in moves],
        "customers": [one.customer for one in moves],
        "moments": [one.at for one in moves],
        "causes": [one.cause for one in moves],
    }
