"""What people decide about who is who: carried out at once, and told on the bus."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.events import IdentityDecided
from common.core.ids import derived_id
from common.edges.outbox import enqueue
from timeline.core.announcements import decision_announced
from timeline.core.identity import Decision
from timeline.core.settling import Settled
from timeline.edges.clusters import concerned, lock_customers
from timeline.edges.identities import write_identities


async def decide(
    connection: AsyncConnection, tenant: str, data: IdentityDecided
) -> tuple[UUID, Settled]:
    """Carry a decision out; return its id and what followed from it.

    Its contacts are canonical and known. The same decision at the same moment is the same one.
    """
    parts = (data.kind, data.person, data.decided_at.isoformat(), data.customer_ref or "")
    decision_id = derived_id("decision", tenant, *parts, *data.contacts, "", *data.others)
    decision = Decision(tenant, decision_id, data)
    await lock_customers(connection, await concerned(connection, [decision]))
    settled = await write_identities(connection, [decision])
    await enqueue(connection, [decision_announced(tenant, decision_id, data)])
    return decision_id, settled[tenant]
