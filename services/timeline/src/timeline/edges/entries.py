"""One entry out of Postgres, by the id of its event."""

from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from common.core.events import Message
from common.edges.database import reading
from timeline.core.amendments import read_message
from timeline.core.entry import Entry
from timeline.core.fold import present
from timeline.core.items import Item, KnownEntry
from timeline.edges.histories import CASE, history_entry
from timeline.edges.reader import COLUMNS, amendments_of

_ENTRY = text(
    f"""
    SELECT {COLUMNS}, {CASE}, contact.customer_id
      FROM seen JOIN entry USING (contact_id, occurred_at, tenant, event_id)
      JOIN contact ON contact.id = contact_id
     WHERE seen.event_id = :event_id AND seen.tenant = :tenant
    """  # noqa: S608 - names of our own
)


class OneEntry(Struct, frozen=True):
    """An entry, how it is shown now, and whom its contact belongs to."""

    entry: Entry
    item: Item
    customer: UUID

    @property
    def known(self) -> KnownEntry:
        """Return it as tools read it."""
        return KnownEntry(**asdict(self.item), customer=self.customer)

    @property
    def message(self) -> Message | None:
        """Return the message that it is, if it is one that may be seen."""
        if self.entry.message is None or self.item.unsent_at is not None:
            return None
        return read_message(self.entry.body)


async def entry_by_id(engine: AsyncEngine, tenant: str, event_id: UUID) -> OneEntry | None:
    """Return the entry of an event; None where this tenant has none of it.

    Raises TransientError.
    """
    async with reading(engine, tenant) as connection:
        asked = {"tenant": tenant, "event_id": event_id, "as_of": None}
        row = (await connection.execute(_ENTRY, asked)).one_or_none()
        if row is None:
            return None
        entry = history_entry(row)
        amendments = await amendments_of(connection, tenant, [entry])
    [item] = present([entry], amendments)
    return OneEntry(entry, item, row.customer_id)
