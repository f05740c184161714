"""Who the customers of the history are.

Profiles are written down by the timeline itself: few customers have one, and what becomes of it is
decided in many tables. Of all others a contact and a customer are copied.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from bench.history import END, TENANT, History
from bench.history_rows import REGION, moment
from common.core.topics import CUSTOMERS
from common.edges.batches import Received
from timeline.core.identity import first_customer
from timeline.edges.consume import Historian

BATCH = 200

CUSTOMER_COLUMNS = ("id", "tenant", "created_at", "merged_into")
CONTACT_COLUMNS = ("id", "tenant", "address", "customer_id", "shared", "first_seen")

Rows = list[tuple[Any, ...]]


def _end() -> datetime:
    return END


async def introduce(engine: AsyncEngine, history: History, customers: Sequence[int]) -> None:
    """Have the timeline write down the profiles of these customers."""
    historian = Historian(_end, REGION)
    for start in range(0, len(customers), BATCH):
        batch = list(_received(history, customers[start : start + BATCH]))
        async with engine.begin() as connection:
            await historian(connection, batch)


def _received(history: History, customers: Iterable[int]) -> Iterator[Received]:
    for customer in customers:
        told = history.introduced(customer)
        partition = customer % CUSTOMERS.partitions
        heard_at = moment(told.heard_at)
        yield Received(CUSTOMERS.name, partition, customer, heard_at, told.as_event())


def others(history: History, customers: Iterable[int], from_row: int) -> tuple[Rows, Rows]:
    """Return the rows of `customer` and `contact` for customers whom only their messages tell of."""
    made = [_other(history, customer) for customer in customers]
    return (
        [(one, TENANT, seen_at, None) for _, _, one, seen_at in made],
        [
            (from_row + customer, TENANT, contact, one, False, seen_at)
            for customer, contact, one, seen_at in made
        ],
    )


def _other(history: History, customer: int) -> tuple[int, str, UUID, datetime]:
    [contact] = history.contacts_of(customer)
    first = next(history.told(history.numbers_of(customer)[0]))
    seen_at = moment(first.heard_at)
    return customer, contact, first_customer(TENANT, contact, seen_at).id, seen_at
