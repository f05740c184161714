"""What people decide about who is who: carried out at once, and told on the bus."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.identity_events import IdentityDecided
from common.core.ids import derived_id
from common.edges.outbox import enqueue
from timeline.core.announcements import decision_announced
from timeline.core.identity import Decision
from timeline.core.settling import Settled
from timeline.edges.clusters import concerned, lock_customers
from timeline.edges.identities import write_identities

Make = Callable[[], Awaitable[IdentityDecided]]


async def decide(connection: AsyncConnection, tenant: str, make: Make) -> tuple[UUID, Settled]:
    """Carry out the decision that `make` puts together; return its id and what followed from it.

    It is put together again once everybody whom it is about is locked, until it is the same. The
    same decision at the same moment is one.
    """
    data = await make()
    while True:
        attempt = await connection.begin_nested()
        decision = Decision(tenant, _name(tenant, data), data)
        await lock_customers(connection, await concerned(connection, [decision]))
        again = await make()
        if again == data:
            await attempt.commit()
            break
        await attempt.rollback()
        data = again
    settled = await write_identities(connection, [decision])
    await enqueue(connection, [decision_announced(tenant, decision.decision_id, data)])
    return decision.decision_id, settled[tenant]


def _name(tenant: str, data: IdentityDecided) -> UUID:
    parts = (data.kind, data.person, data.decided_at.isoformat(), data.customer_ref or "")
    return derived_id("decision", tenant, *parts, *data.contacts, "", *data.others)
