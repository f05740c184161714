"""What the timeline tells the bus."""

from uuid import UUID

from common.core.cloudevents import Attributes, Record, event_type, record
from common.core.events import CustomersMerged, CustomersUnmerged
from common.core.identity_events import IdentityDecided
from common.core.ids import derived_id
from common.core.topics import CUSTOMERS
from timeline.core.identity import Merge, Unmerge

SOURCE = "/timeline"


def merge_id(tenant: str, merge: Merge) -> UUID:
    """Return the name of a merge, which is its event's id, too."""
    return _step_id("customers.merged", tenant, merge)


def announced(tenant: str, step: Merge | Unmerge) -> Record:
    """Return the `customers.merged` or `customers.unmerged` event of a step.

    Its subject is who was absorbed or restored, so that compaction keeps the latest word on each.
    """
    data: CustomersMerged | CustomersUnmerged
    if isinstance(step, Merge):
        event_id = merge_id(tenant, step)
        data = CustomersMerged(
            survivor=step.survivor,
            absorbed=step.other,
            contacts=step.contacts,
            cause=step.cause,
            merged_at=step.at,
            person=step.person,
        )
    else:
        event_id = _step_id("customers.unmerged", tenant, step)
        data = CustomersUnmerged(
            survivor=step.survivor,
            restored=step.other,
            contacts=step.contacts,
            cause=step.cause,
            unmerged_at=step.at,
            person=step.person,
        )
    attributes = Attributes(
        id=event_id,
        source=SOURCE,
        type=event_type(data),
        subject=str(step.other),
        time=step.at,
        tenant=tenant,
    )
    return record(CUSTOMERS.name, attributes, data)


def decision_announced(tenant: str, decision: UUID, data: IdentityDecided) -> Record:
    """Return the `identity.decided` event of a person's decision."""
    attributes = Attributes(
        id=decision,
        source=SOURCE,
        type=event_type(data),
        subject=str(decision),
        time=data.decided_at,
        tenant=tenant,
    )
    return record(CUSTOMERS.name, attributes, data)


def _step_id(name: str, tenant: str, step: Merge | Unmerge) -> UUID:
    ids = (str(step.other), str(step.survivor), str(step.cause))
    return derived_id(name, tenant, *ids, step.at.isoformat())
