"""Who is one person: profiles link contacts, and linked contacts' customers are merged.

Evidence (a profile names a contact) and consequence (a customer was absorbed) are kept apart, so
that a merge can be undone and what remains of the evidence can be weighed again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from uuid import UUID

from msgspec import Struct

from common.core.cloudevents import Event
from common.core.contacts import ContactKind, kind_of
from common.core.errors import PoisonError
from common.core.events import CustomerChanged
from common.core.ids import customer_id, derived_id
from timeline.core.values import canonical, json_value, utc

# Nobody's own: a campaign's number and a display name stand for whoever uses them.
NEVER_ONE_PERSON = frozenset({ContactKind.SHORT_CODE, ContactKind.SENDER_NAME})
LONGEST_REF = 500  # an index entry of Postgres holds 2,700 bytes


class Customer(Struct, frozen=True, order=True):
    """A customer who was not merged away. The first in order is the oldest: that one survives."""

    created_at: datetime
    id: UUID


class Profile(Struct, frozen=True, kw_only=True):
    """What another system says about one of its customers, in which event, and when we heard it.

    `contacts` are canonical; `unreadable` were meant as contacts and are none.
    """

    tenant: str
    customer_ref: str
    contacts: tuple[str, ...]
    unreadable: tuple[str, ...]
    changed_at: datetime
    learned_at: datetime
    event_id: UUID
    body: bytes


class Link(Struct, frozen=True):
    """The evidence: this profile names this contact, by this event, which we heard at `at`."""

    customer_ref: str
    contact: str
    cause: UUID
    at: datetime


class Merge(Struct, frozen=True):
    """The consequence: since `at`, `absorbed` is `survivor`, and `contacts` moved to it."""

    survivor: UUID
    absorbed: UUID
    contacts: tuple[str, ...]
    cause: UUID
    at: datetime


class Refusal(Struct, frozen=True):
    """A contact that a profile names and that was not linked, and why."""

    customer_ref: str
    contact: str
    reason: str
    cause: UUID


class Plan(Struct, frozen=True):
    """What to do about some profiles of one tenant, in this order: merges, then links."""

    merges: tuple[Merge, ...] = ()
    links: tuple[Link, ...] = ()
    refusals: tuple[Refusal, ...] = ()


class Known(Struct, frozen=True, kw_only=True):
    """What one tenant's customers are before the plan.

    `customers` are those that the contacts and profiles in question belong to, with `contacts`:
    everything that belongs to any of them, and to whom. `linked` are the contacts that earlier
    profiles of the same `customer_ref` named.
    """

    customers: Mapping[UUID, Customer]
    contacts: Mapping[str, UUID]
    linked: Mapping[str, frozenset[str]]
    shared: frozenset[str]


def profile_of(event: Event, heard_at: datetime, region: str) -> Profile:
    """Return the profile in a `customer.changed`. Raises PoisonError where it cannot be kept.

    `region` is the ISO 3166 country of numbers written without one.
    """
    data: CustomerChanged = event.data
    if not 0 < len(data.customer_ref) <= LONGEST_REF or "\x00" in data.customer_ref:
        raise PoisonError("bad-data", "customer_ref is empty, too long or contains U+0000")
    canonicals = [(written, canonical(written, region)) for written in data.contacts]
    return Profile(
        tenant=event.attributes.tenant,
        customer_ref=data.customer_ref,
        contacts=tuple(dict.fromkeys(contact for _, contact in canonicals if contact)),
        unreadable=tuple(written for written, contact in canonicals if not contact),
        changed_at=utc(data.changed_at),
        learned_at=utc(heard_at),
        event_id=event.attributes.id,
        body=json_value(event),
    )


def first_customer(tenant: str, contact: str, seen_at: datetime) -> Customer:
    """Return the customer that a contact is before anybody has linked it to another."""
    return Customer(seen_at, customer_id(tenant, contact))


def may_link(contact: str) -> bool:
    """Whether an address of this kind can be one person's at all."""
    return kind_of(contact) not in NEVER_ONE_PERSON


def lock_id(tenant: str, customer_ref: str) -> UUID:
    """Return what stands for a profile where customers are locked: two of its events don't overlap."""
    return derived_id("profile", tenant, customer_ref)


def newest(profiles: Iterable[Profile]) -> list[Profile]:
    """Return the newest profile of each reference; of the same moment, the same one everywhere."""
    by_age = sorted(profiles, key=lambda profile: (profile.changed_at, profile.event_id))
    return list({profile.customer_ref: profile for profile in by_age}.values())


def plan(profiles: Sequence[Profile], known: Known) -> Plan:
    """Return what these profiles of one tenant link and merge. The oldest customer id survives.

    Every contact that is linked must be in `known`. Older profiles count too: that somebody once
    used an address stays true, so the result is the same in whatever order they are heard.
    """
    clusters = _Clusters(known)
    merges: list[Merge] = []
    links: list[Link] = []
    refusals: list[Refusal] = []
    for profile in profiles:
        reasons = {contact: _why_not(contact, known.shared) for contact in profile.contacts}
        named = [contact for contact, reason in reasons.items() if reason is None]
        refusals += _refusals(profile, reasons)
        links += [
            Link(profile.customer_ref, contact, profile.event_id, profile.learned_at)
            for contact in named
            if clusters.link(profile.customer_ref, contact)
        ]
        merges += clusters.unite(profile)
    return Plan(tuple(merges), tuple(links), tuple(refusals))


def survivors(merges: Sequence[Merge]) -> list[UUID]:
    """Return, for each merge, who holds its contacts after all of them."""
    final: dict[UUID, UUID] = {}
    for merge in reversed(merges):
        final[merge.absorbed] = final.get(merge.survivor, merge.survivor)
    return [final[merge.absorbed] for merge in merges]


class _Clusters:
    """Who belongs together while a plan is made."""

    def __init__(self, known: Known) -> None:
        self._customers = known.customers
        self._owner = dict(known.contacts)
        self._linked = {ref: set(linked - known.shared) for ref, linked in known.linked.items()}
        self._contacts: dict[UUID, list[str]] = defaultdict(list)
        for contact, customer in known.contacts.items():
            self._contacts[customer].append(contact)

    def link(self, customer_ref: str, contact: str) -> bool:
        """Note the evidence; return whether it is new."""
        linked = self._linked.setdefault(customer_ref, set())
        if contact in linked:
            return False
        linked.add(contact)
        return True

    def unite(self, profile: Profile) -> list[Merge]:
        """Make one customer of all that a profile links."""
        owners = {self._owner[contact] for contact in self._linked.get(profile.customer_ref, ())}
        oldest_first = sorted(self._customers[owner] for owner in owners)
        return [self._absorb(oldest_first[0].id, one.id, profile) for one in oldest_first[1:]]

    def _absorb(self, survivor: UUID, absorbed: UUID, profile: Profile) -> Merge:
        moved = sorted(self._contacts.pop(absorbed))
        self._contacts[survivor] += moved
        self._owner.update(dict.fromkeys(moved, survivor))
        return Merge(survivor, absorbed, tuple(moved), profile.event_id, profile.learned_at)


def _why_not(contact: str, shared: frozenset[str]) -> str | None:
    if not may_link(contact):
        return "such an address is nobody's own"
    if contact in shared:
        return "several people share this address"
    return None


def _refusals(profile: Profile, reasons: Mapping[str, str | None]) -> list[Refusal]:
    refused = [(contact, reason) for contact, reason in reasons.items() if reason]
    unreadable = [(written, "not a contact") for written in profile.unreadable]
    return [
        Refusal(profile.customer_ref, contact, reason, profile.event_id)
        for contact, reason in chain(refused, unreadable)
    ]
