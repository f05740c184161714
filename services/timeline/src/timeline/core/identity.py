"""Customers, profiles, and what happens to customers: they are merged, and unmerged again.

Evidence (a profile names a contact) and consequence (a customer was absorbed) are kept apart, so
that a merge can be undone and what remains of the evidence can be weighed again.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from common.core.cloudevents import Event
from common.core.errors import PoisonError
from common.core.events import CustomerChanged
from common.core.identity_events import DecisionKind, IdentityDecided
from common.core.ids import customer_id, derived_id
from timeline.core.guards import may_link
from timeline.core.values import canonical, json_value, storable, utc

LONGEST_REF = 500  # an index entry of Postgres holds 2,700 bytes


class Customer(Struct, frozen=True, order=True):
    """A customer who was not merged away. The first in order is the oldest: that one survives."""

    created_at: datetime
    id: UUID


class Profile(Struct, frozen=True, kw_only=True):
    """What another system says about one of its customers, in which event, and when we heard it.

    `source` is that system; `contacts` are canonical and may be one person's, `nobodys` may not;
    `unreadable` were meant as contacts and are none.
    """

    tenant: str
    customer_ref: str
    source: str
    contacts: tuple[str, ...]
    unreadable: tuple[str, ...]
    nobodys: tuple[str, ...]
    changed_at: datetime
    learned_at: datetime
    event_id: UUID
    data: CustomerChanged
    body: bytes


class Decision(Struct, frozen=True):
    """What a person decided about who is who; its contacts are canonical."""

    tenant: str
    decision_id: UUID
    data: IdentityDecided


class Earlier(Struct, frozen=True):
    """A contact was heard of at `at`, by the event `cause`: earlier than anybody knew."""

    tenant: str
    contact: str
    at: datetime
    cause: UUID


class Merge(Struct, frozen=True):
    """Since `at`, `other` is `survivor`, and `contacts` and `profiles` moved to it.

    `person` asked for it, if anybody did.
    """

    survivor: UUID
    other: UUID
    contacts: tuple[str, ...]
    cause: UUID
    at: datetime
    person: str | None = None
    profiles: tuple[str, ...] = ()


class Unmerge(Struct, frozen=True):
    """Since `at`, `other` is not `survivor` any more, and `contacts` and `profiles` moved to it."""

    survivor: UUID
    other: UUID
    contacts: tuple[str, ...]
    cause: UUID
    at: datetime
    person: str | None = None
    profiles: tuple[str, ...] = ()


def profile_of(event: Event, heard_at: datetime, region: str) -> Profile:
    """Return the profile in a `customer.changed`. Raises PoisonError where it cannot be kept.

    `region` is the ISO 3166 country of numbers written without one.
    """
    data: CustomerChanged = event.data
    if not 0 < len(data.customer_ref) <= LONGEST_REF or "\x00" in data.customer_ref:
        raise PoisonError("bad-data", "customer_ref is empty, too long or contains U+0000")
    canonicals = [(written, canonical(written, region)) for written in data.contacts]
    named = dict.fromkeys(contact for _, contact in canonicals if contact)
    unreadable = dict.fromkeys(written for written, contact in canonicals if not contact)
    return Profile(
        tenant=event.attributes.tenant,
        customer_ref=data.customer_ref,
        source=storable(event.attributes.source)[:LONGEST_REF],
        contacts=tuple(filter(may_link, named)),
        unreadable=tuple(storable(written)[:LONGEST_REF] for written in unreadable),
        nobodys=tuple(contact for contact in named if not may_link(contact)),
        changed_at=utc(data.changed_at),
        learned_at=utc(heard_at),
        event_id=event.attributes.id,
        data=data,
        body=json_value(event),
    )


def decision_of(event: Event, region: str) -> Decision:
    """Return the decision in an `identity.decided`. Raises PoisonError where there is none.

    `region` is as in `profile_of`.
    """
    data: IdentityDecided = event.data
    if not data.contacts:
        raise PoisonError("bad-data", "a decision is about nobody")
    blocks = data.kind in (DecisionKind.BLOCK, DecisionKind.UNBLOCK)
    decided = replace(
        data,
        contacts=tuple(map(storable, data.contacts))
        if blocks
        else _canonical(data.contacts, region),
        others=_canonical(data.others, region),
        beyond=_canonical(data.beyond, region),
        person=storable(data.person),
        note=None if data.note is None else storable(data.note),
        decided_at=utc(data.decided_at),
    )
    return Decision(event.attributes.tenant, event.attributes.id, decided)


def _canonical(contacts: tuple[str, ...], region: str) -> tuple[str, ...]:
    found = [canonical(contact, region) for contact in contacts]
    if not all(found):
        raise PoisonError("bad-contact", "a decision is about what is no contact")
    return tuple(filter(None, found))


def first_customer(tenant: str, contact: str, seen_at: datetime) -> Customer:
    """Return the customer that a contact is before anybody has linked it to another."""
    return Customer(seen_at, customer_id(tenant, contact))


def lock_id(tenant: str, customer_ref: str) -> UUID:
    """Return what stands for a profile where customers are locked: two of its events don't overlap."""
    return derived_id("profile", tenant, customer_ref)


def newest(profiles: Iterable[Profile]) -> list[Profile]:
    """Return the newest profile of each reference; of the same moment, the same one everywhere."""
    by_age = sorted(profiles, key=lambda profile: (profile.changed_at, profile.event_id))
    return list({profile.customer_ref: profile for profile in by_age}.values())


def rounds(steps: Sequence[Merge | Unmerge]) -> list[list[Merge | Unmerge]]:
    """Return the steps in rounds, one after the other; in each a contact moves at most once."""
    found: list[list[Merge | Unmerge]] = []
    moved: set[str] = set()
    for step in steps:
        if not found or not moved.isdisjoint(step.contacts):
            found.append([])
            moved = set()
        found[-1].append(step)
        moved.update(step.contacts)
    return found
