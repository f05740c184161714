"""The decisions that people ask for, put together from how things stand."""

from datetime import datetime
from uuid import UUID

from fastapi import HTTPException
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from common.core.identity_events import DecisionKind, IdentityDecided
from timeline.edges.people import Person, beside, merge_of, person_in, person_of, person_with

MOST_CONTACTS = 500  # of two customers: what is said of them is said of each two of their contacts


class Asking(Struct, frozen=True):
    """Who asks, of which tenant's customers, when, and what he notes."""

    connection: AsyncConnection
    tenant: str
    person: str
    at: datetime
    note: str | None = None

    async def existing(self, customer: UUID) -> Person:
        """Return whom an id means. Answers 404 where nobody."""
        found = await person_of(self.connection, self.tenant, customer)
        if found is None:
            raise HTTPException(404, "no such customer")
        return found

    async def together(self, customer: UUID, other: UUID) -> IdentityDecided:
        """Return that two customers are one. Answers 409 where they are."""
        one, two = await self._two(customer, other)
        return self.joined(DecisionKind.TOGETHER, one, two)

    async def kept(self, kind: DecisionKind, customer: UUID, other: UUID) -> IdentityDecided:
        """Return that two customers are apart, or not any more. Answers 409 where they are one."""
        one, two = await self._two(customer, other)
        return IdentityDecided(
            kind=kind,
            person=self.person,
            decided_at=self.at,
            contacts=one.contacts,
            others=two.contacts,
            note=self.note,
        )

    async def unmerged(self, customer: UUID, merge: UUID) -> IdentityDecided:
        """Return that a merge was wrong. Answers 404, or 409 where nothing is left to undo."""
        person = await self.existing(customer)
        found = await merge_of(self.connection, self.tenant, merge)
        if found is None:
            raise HTTPException(404, "no such merge")
        leaving = tuple(one for one in person.contacts if one in found.contacts)
        staying = tuple(one for one in person.contacts if one not in found.contacts)
        if not leaving or not staying or found.undone_at is not None:
            raise HTTPException(409, "nothing of this merge is left to undo")
        _bounded(person.contacts)
        return IdentityDecided(
            kind=DecisionKind.UNMERGE,
            person=self.person,
            decided_at=self.at,
            contacts=leaving,
            profiles=tuple(ref for ref in person.profiles if ref in found.profiles),
            others=staying,
            other_profiles=tuple(ref for ref in person.profiles if ref not in found.profiles),
            beyond=tuple(await beside(self.connection, self.tenant, person)),
            note=self.note,
        )

    async def accepted(self, customer_ref: str, contact: str) -> IdentityDecided:
        """Return that a profile is right to name a contact. Answers 409 where that cannot be."""
        holder = await person_with(self.connection, self.tenant, contact)
        if holder is None:
            raise HTTPException(409, "this can be nobody's contact")
        reviewed_first = sorted(holder.contacts, key=lambda one: one != contact)
        claimed = Person(holder.id, tuple(reviewed_first), holder.profiles)
        own = await person_in(self.connection, self.tenant, customer_ref)
        if own is None or own.id == holder.id:
            own = Person(holder.id, (), (customer_ref,))
            claimed = Person(holder.id, claimed.contacts, (*holder.profiles, customer_ref))
        return self.joined(DecisionKind.ACCEPT, claimed, own, customer_ref)

    def dismissed(self, customer_ref: str, contact: str) -> IdentityDecided:
        """Return that a profile is wrong to name a contact."""
        return IdentityDecided(
            kind=DecisionKind.DISMISS,
            person=self.person,
            decided_at=self.at,
            contacts=(contact,),
            customer_ref=customer_ref,
            note=self.note,
        )

    def listed(self, kind: DecisionKind, contact: str) -> IdentityDecided:
        """Return that a contact is nobody's own, or may be again."""
        return IdentityDecided(
            kind=kind,
            person=self.person,
            decided_at=self.at,
            contacts=(contact,),
            note=self.note,
        )

    def joined(
        self, kind: DecisionKind, one: Person, two: Person, customer_ref: str | None = None
    ) -> IdentityDecided:
        """Return that two customers are one."""
        _bounded((*one.contacts, *two.contacts))
        return IdentityDecided(
            kind=kind,
            person=self.person,
            decided_at=self.at,
            contacts=one.contacts,
            profiles=one.profiles,
            others=two.contacts,
            other_profiles=() if not two.contacts else two.profiles,
            customer_ref=customer_ref,
            note=self.note,
        )

    async def _two(self, customer: UUID, other: UUID) -> tuple[Person, Person]:
        one, two = await self.existing(customer), await self.existing(other)
        if one.id == two.id:
            raise HTTPException(409, "they are one customer: an unmerge says which merge was wrong")
        _bounded((*one.contacts, *two.contacts))
        return one, two


def _bounded(contacts: tuple[str, ...]) -> None:
    if len(contacts) > MOST_CONTACTS:
        raise HTTPException(409, f"more than {MOST_CONTACTS} contacts: block those that are shared")
