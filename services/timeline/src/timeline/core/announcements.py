"""What the timeline tells the bus."""

from common.core.cloudevents import Attributes, Record, event_type, record
from common.core.events import CustomersMerged
from common.core.ids import derived_id
from common.core.topics import CUSTOMERS
from timeline.core.identity import Merge

SOURCE = "/timeline"


def merge_announced(tenant: str, merge: Merge) -> Record:
    """Return the `customers.merged` event of a merge.

    Its subject is who was absorbed, so that compaction keeps the latest word on each of them.
    """
    data = CustomersMerged(
        survivor=merge.survivor,
        absorbed=merge.absorbed,
        contacts=merge.contacts,
        cause=merge.cause,
        merged_at=merge.at,
    )
    names = (str(merge.absorbed), str(merge.survivor), str(merge.cause))
    attributes = Attributes(
        id=derived_id("customers.merged", tenant, *names),
        source=SOURCE,
        type=event_type(data),
        subject=str(merge.absorbed),
        time=merge.at,
        tenant=tenant,
    )
    return record(CUSTOMERS.name, attributes, data)
