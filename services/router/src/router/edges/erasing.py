"""Erased customers: forgotten once, and not learned of again; the timeline tells who they are.

Cases stay without contact, conversation, subject or participants, for what they count; what was
said in them, and what was decided about it, goes.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.cloudevents import Attributes, Record, event_type, record
from common.core.erasure import CustomerErased, CustomerForgotten, Erased, Marker, Named
from common.core.errors import TransientError
from common.core.events import (
    Activity,
    CustomerChanged,
    CustomersMerged,
    CustomersUnmerged,
    Message,
)
from common.core.topics import CUSTOMERS
from common.edges import metrics
from common.edges.batches import Received
from common.edges.clock import Clock
from common.edges.erasing import ErasedNames, add_names
from common.edges.outbox import enqueue

SOURCE = "/router/erasure"
SERVICE = "router"

_KNOWN = text("SELECT count(*) FROM erased_name WHERE erasure = :erasure")
_CONTACTS = text(
    """
    SELECT contact FROM contact WHERE customer = ANY(CAST(:customers AS uuid[])) AND tenant = :tenant
     UNION
    SELECT contact FROM support_case
     WHERE customer = ANY(CAST(:customers AS uuid[])) AND tenant = :tenant
    """
)
_REFS = text(
    """
    SELECT DISTINCT customer_ref FROM profile_contact
     WHERE contact = ANY(:contacts) AND tenant = :tenant
    """
)
_CASES = text(
    """
    SELECT case_id FROM support_case
     WHERE customer = ANY(CAST(:customers AS uuid[])) AND contact = ANY(:contacts)
       AND tenant = :tenant AND opened_at <= :erased_at
     ORDER BY case_id FOR UPDATE
    """
)
# Nobody waits any more; an agent who has one of them ends it as any other.
_EMPTY_CASES = text(
    """
    UPDATE support_case
       SET conversation = 'erased:' || case_id, contact = 'app:erased:' || case_id,
           customer = case_id, participants = '[]', subject = NULL, version = version + 1,
           resolved_at = CASE WHEN state IN ('waiting', 'held') THEN :erased_at ELSE resolved_at END,
           wake_at = CASE WHEN state IN ('waiting', 'held') THEN NULL ELSE wake_at END,
           state = CASE WHEN state IN ('waiting', 'held') THEN 'resolved' ELSE state END
     WHERE case_id = ANY(CAST(:cases AS uuid[])) AND tenant = :tenant
    """
)
_GONE = {
    "decisions": """
    DELETE FROM decision WHERE tenant = :tenant AND message_event IN (
      SELECT message_event FROM decision_input
       WHERE contact = ANY(:contacts) AND tenant = :tenant AND decided_at <= :erased_at)
    """,
    "decisions of cases": """
    DELETE FROM decision WHERE case_id = ANY(CAST(:cases AS uuid[])) AND tenant = :tenant
    """,
    "inputs of decisions": """
    DELETE FROM decision_input
     WHERE contact = ANY(:contacts) AND tenant = :tenant AND decided_at <= :erased_at
    """,
    "surveys": "DELETE FROM survey WHERE contact = ANY(:contacts) AND tenant = :tenant",
    "answers to surveys": """
    DELETE FROM survey_answer WHERE contact = ANY(:contacts) AND tenant = :tenant
    """,
    "contacts of profiles": """
    DELETE FROM profile_contact WHERE customer_ref = ANY(:refs) AND tenant = :tenant
    """,
    "profiles": "DELETE FROM profile WHERE customer_ref = ANY(:refs) AND tenant = :tenant",
    "contacts": "DELETE FROM contact WHERE contact = ANY(:contacts) AND tenant = :tenant",
    "answers to requests": """
    DELETE FROM idempotency WHERE tenant = :tenant AND EXISTS (
      SELECT FROM unnest(CAST(:said AS text[])) AS said
       WHERE position(convert_to(said, 'UTF8') IN body) > 0)
    """,
}


class _Person(Struct, frozen=True):
    """What the router has of somebody."""

    contacts: list[str]
    refs: list[str]
    cases: list[UUID]


class Erasing:
    """What stands between a batch and the router. Without a key nobody can have been erased."""

    def __init__(self, privacy_key: str, clock: Clock) -> None:
        self._names = ErasedNames(Marker(privacy_key)) if privacy_key else None
        self._clock = clock

    async def admitted(
        self, connection: AsyncConnection, batch: Sequence[Received]
    ) -> list[Received]:
        """Carry out the erasures in a batch, and return what may be taken in of the rest.

        Raises TransientError where there is no key, or another one, to tell who was erased.
        """
        asked = [one for one in batch if isinstance(one.event.data, CustomerErased)]
        if self._names is None:
            if asked:
                raise TransientError("somebody was erased, and there is no privacy key")
            return list(batch)
        erased = await self._names.load(connection)
        for one in asked:
            await self._forget(connection, one.event.attributes.tenant, one.event.data)
        if asked:
            erased = await self._names.reload(connection)
        if not len(erased):
            return list(batch)
        taken = [one for one in batch if not is_erased(one, erased)]
        metrics.erased_refused.inc(len(batch) - len(taken))
        return taken

    async def _forget(
        self, connection: AsyncConnection, tenant: str, event: CustomerErased
    ) -> None:
        if self._names is None or await connection.scalar(_KNOWN, {"erasure": event.erasure}):
            return
        self._names.erased.marker.require_same(event)
        await add_names(connection, tenant, event)
        person = await _find(connection, tenant, event, self._names.erased.marker)
        counts = await _delete(connection, tenant, event, person)
        await enqueue(connection, [forgotten(tenant, event.erasure, counts, self._clock())])


def forgotten(tenant: str, erasure: UUID, counts: dict[str, int], now: datetime) -> Record:
    """Return the record by which the router says that it is done."""
    data = CustomerForgotten(erasure=erasure, service=SERVICE, counts=counts, forgotten_at=now)
    attributes = Attributes(
        id=erasure,
        source=SOURCE,
        type=event_type(data),
        subject=f"{erasure} {SERVICE}",
        time=now,
        tenant=tenant,
    )
    return record(CUSTOMERS.name, attributes, data)


def is_erased(received: Received, erased: Erased) -> bool:
    """Whether an event is about somebody erased, from the time before that."""
    event, data = received.event, received.event.data
    tenant, subject = event.attributes.tenant, event.attributes.subject
    if isinstance(data, Message):
        return erased.covers(tenant, [subject], _aware(data.received_at))
    if isinstance(data, Activity):
        heard = (_aware(data.occurred_at), received.published_at)
        return erased.covers(tenant, [subject], *heard)
    if isinstance(data, CustomerChanged):
        moment = erased.profile(tenant, data.customer_ref)
        return moment is not None and min(_aware(data.changed_at), received.published_at) <= moment
    if isinstance(data, CustomersMerged):
        return erased.covers(tenant, data.contacts, _aware(data.merged_at))
    if isinstance(data, CustomersUnmerged):
        return erased.covers(tenant, data.contacts, _aware(data.unmerged_at))
    return False


async def _find(
    connection: AsyncConnection, tenant: str, event: CustomerErased, marker: Marker
) -> _Person:
    """Return what the router has under the event's ids, as far as the event means it."""
    asked = {"tenant": tenant, "customers": list(event.customers)}
    known = await connection.scalars(_CONTACTS, asked)
    contacts = _meant(known, tenant, Named.CONTACT, set(event.contacts), marker)
    named = await connection.scalars(_REFS, {"tenant": tenant, "contacts": contacts})
    refs = _meant(named, tenant, Named.PROFILE, set(event.profiles), marker)
    cases = await connection.scalars(
        _CASES, {**asked, "contacts": contacts, "erased_at": event.erased_at}
    )
    return _Person(contacts, refs, list(cases))


def _meant(
    names: Iterable[str], tenant: str, named: Named, marks: set[str], marker: Marker
) -> list[str]:
    return [name for name in names if marker.mark(tenant, named, name).hex() in marks]


async def _delete(
    connection: AsyncConnection, tenant: str, event: CustomerErased, person: _Person
) -> dict[str, int]:
    given: dict[str, object] = {
        "contacts": person.contacts,
        "refs": person.refs,
        "cases": person.cases,
        "erased_at": event.erased_at,
        "said": [*person.contacts, *map(str, person.cases)],
    }
    counts: dict[str, int] = {}
    for name, statement in _GONE.items():
        used = {key: value for key, value in given.items() if f":{key}" in statement}
        done = await connection.execute(text(statement), {"tenant": tenant, **used})
        counts[name] = done.rowcount
    emptied = {"tenant": tenant, "cases": person.cases, "erased_at": event.erased_at}
    counts["cases"] = (await connection.execute(_EMPTY_CASES, emptied)).rowcount
    counts["decisions"] += counts.pop("decisions of cases")
    return {name: count for name, count in counts.items() if count}


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
