"""Erasures and legal holds as privacy officers ask for them, in the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from fastapi import HTTPException
from msgspec import Struct
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.erasure import CustomerErased, Marker, Named
from common.core.ids import derived_id
from common.edges.database import ReadConnection
from common.edges.outbox import enqueue
from timeline.core.erasure_certificate import Certificate
from timeline.edges.clusters import lock_ids
from timeline.edges.erasure_store import Asked, begin, person_of
from timeline.edges.erasure_worker import announced
from timeline.edges.reader import current_id

_MEANT = text(
    """
    WITH RECURSIVE down AS (
      SELECT id FROM customer WHERE id = :id AND tenant = :tenant
      UNION ALL
      SELECT below.id FROM customer AS below JOIN down ON below.merged_into = down.id
    )
    SELECT id FROM down
    """
)
_HELD = text(
    """
    SELECT id, reason, placed_by, placed_at FROM legal_hold
     WHERE customer_id = ANY(CAST(:meant AS uuid[])) AND tenant = :tenant AND released_at IS NULL
     ORDER BY placed_at LIMIT 1
    """
)
_HOLD = text(
    """
    INSERT INTO legal_hold (id, tenant, customer_id, reason, placed_by, placed_at)
    VALUES (:id, :tenant, :customer, :reason, :by, :at)
    ON CONFLICT (customer_id, tenant) WHERE released_at IS NULL DO UPDATE SET reason = excluded.reason
    """
)
_RELEASE = text(
    """
    UPDATE legal_hold SET released_by = :by, released_at = :at
     WHERE customer_id = ANY(CAST(:meant AS uuid[])) AND tenant = :tenant AND released_at IS NULL
    """
)
_SHOW = text(
    """
    SELECT id, tenant, basis, reference, asked_by, erased_at, state, gone_at,
           CAST(certificate AS text) AS certificate
      FROM erasure WHERE id = :id AND tenant = :tenant
    """
)


class ErasureView(Struct, frozen=True, kw_only=True):
    """An erasure. `state`: accepted, emptied (no row is left), deleted (no object), certified, closed.

    `certificate` is there from `certified` on; `gone_at` is when the last copy on the bus is gone.
    """

    id: UUID
    basis: str
    reference: str | None
    asked_by: str
    erased_at: datetime
    state: str
    gone_at: datetime | None
    certificate: Certificate | None


class HoldView(Struct, frozen=True):
    """A legal hold: while it lasts nothing of the customer's is erased or deleted by retention."""

    reason: str
    placed_by: str
    placed_at: datetime


async def meant(connection: AsyncConnection, tenant: str, customer: UUID) -> Sequence[UUID]:
    """Return every id that means the same customer, the current one first. Raises HTTPException 404."""
    current = await current_id(ReadConnection(connection), tenant, customer)
    if current is None:
        raise HTTPException(404, "no such customer")
    return list(await connection.scalars(_MEANT, {"id": current, "tenant": tenant}))


async def erase(
    connection: AsyncConnection,
    tenant: str,
    customer: UUID,
    asked: Asked,
    marker: Marker,
    now: datetime,
) -> ErasureView:
    """Begin to erase a customer. Raises HTTPException: 404, 409 under a legal hold."""
    ids = await meant(connection, tenant, customer)
    if held := await hold_of(connection, tenant, ids):
        raise HTTPException(409, f"under a legal hold since {held.placed_at:%Y-%m-%d}")
    await lock_ids(connection, ids)
    if set(await meant(connection, tenant, customer)) != set(ids):
        raise HTTPException(409, "the customer was merged meanwhile; try again")
    person = await person_of(connection, tenant, ids)
    event = CustomerErased(
        erasure=_erasure_id(marker, tenant, ids[0], now),
        erased_at=now,
        key_check=marker.check,
        customers=person.customers,
        contacts=marker.marks(tenant, Named.CONTACT, person.contacts.values()),
        profiles=marker.marks(tenant, Named.PROFILE, person.refs),
    )
    await begin(connection, tenant, event, asked, person)
    await enqueue(connection, [announced(event, tenant)])
    return await _shown(connection, tenant, event.erasure)


async def erasure_of(connection: ReadConnection, tenant: str, erasure: UUID) -> ErasureView:
    """Return an erasure. Raises HTTPException 404."""
    return await _shown(connection, tenant, erasure)


async def hold(
    connection: AsyncConnection, tenant: str, ids: Sequence[UUID], view: HoldView
) -> HoldView:
    """Place a legal hold, or give the one that is there another reason."""
    names = (str(ids[0]), view.placed_by, view.placed_at.isoformat())
    await connection.execute(
        _HOLD,
        {
            "id": derived_id("hold", tenant, *names),
            "tenant": tenant,
            "customer": ids[0],
            "reason": view.reason,
            "by": view.placed_by,
            "at": view.placed_at,
        },
    )
    found = await hold_of(connection, tenant, ids)
    return found or view


async def release(
    connection: AsyncConnection, tenant: str, ids: Sequence[UUID], by: str, now: datetime
) -> None:
    """End every legal hold of a customer."""
    given = {"meant": list(ids), "tenant": tenant, "by": by, "at": now}
    await connection.execute(_RELEASE, given)


async def hold_of(connection: AsyncConnection, tenant: str, ids: Sequence[UUID]) -> HoldView | None:
    """Return the legal hold that a customer is under, by all ids that mean it."""
    asked = {"meant": list(ids), "tenant": tenant}
    row = (await connection.execute(_HELD, asked)).one_or_none()
    return HoldView(row.reason, row.placed_by, row.placed_at) if row else None


async def _shown(connection: AsyncConnection, tenant: str, erasure: UUID) -> ErasureView:
    row = (await connection.execute(_SHOW, {"id": erasure, "tenant": tenant})).one_or_none()
    if row is None:
        raise HTTPException(404, "no such erasure")
    return _view(row)


def _view(row: Row[Any]) -> ErasureView:
    return ErasureView(
        id=row.id,
        basis=row.basis,
        reference=row.reference,
        asked_by=row.asked_by,
        erased_at=row.erased_at,
        state=row.state,
        gone_at=row.gone_at,
        certificate=row.certificate and msgspec.json.decode(row.certificate, type=Certificate),
    )


def _erasure_id(marker: Marker, tenant: str, customer: UUID, now: datetime) -> UUID:
    """Return an id that tells nothing of the customer's to whoever has no key."""
    name = f"{customer} {now.isoformat()}"
    return UUID(bytes=marker.mark(tenant, Named.EVENT, name)[:16], version=5)
