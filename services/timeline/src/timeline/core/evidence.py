"""What is known about who is who: what profiles claim, what people said, and whose a contact is now."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from timeline.core.guards import Reason
from timeline.core.identity import Decision


class Claim(Struct, frozen=True, kw_only=True):
    """A profile names a contact: first in the event `cause`, which was true since `changed_at`.

    `approved` is the decision of a person who says that it is so, whatever speaks against it,
    `barred` of one who says that it is not. `refused` says why it links nobody.
    """

    customer_ref: str
    source: str
    contact: str
    changed_at: datetime
    learned_at: datetime
    cause: UUID
    approved: UUID | None = None
    barred: UUID | None = None
    refused: Reason | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Return what is claimed, whoever heard it first."""
        return self.customer_ref, self.contact

    @property
    def place(self) -> tuple[datetime, UUID, str, str]:
        """Return its place in the one order in which evidence counts, whenever it was heard."""
        return self.changed_at, self.cause, self.customer_ref, self.contact


class Said(StrEnum):
    """What a person says of two contacts; `open` takes back what was said before."""

    TOGETHER = "together"
    APART = "apart"
    OPEN = "open"


class Verdict(Struct, frozen=True, order=True):
    """What a person said of two contacts (`one` < `other`), in which decision."""

    decided_at: datetime
    cause: UUID
    one: str
    other: str
    said: Said
    person: str


class Holding(Struct, frozen=True, kw_only=True):
    """A contact and whose it is. `moved_at` is when it came to `owner`, if it ever moved.

    `shared`: people said that it is nobody's own. `popular`: too many profiles name it.
    """

    contact: str
    first_seen: datetime
    owner: UUID
    moved_at: datetime | None = None
    shared: bool = False
    popular: bool = False


class Evidence(Struct, frozen=True, kw_only=True):
    """All of one tenant's evidence that may bear on each other, and the present state."""

    holdings: Mapping[str, Holding]
    claims: Sequence[Claim]
    verdicts: Sequence[Verdict]


def said_so(decision: Decision, customer_ref: str, contact: str) -> Claim:
    """Return the claim that a person makes where the profile names no such contact, or not yet."""
    return Claim(
        customer_ref=customer_ref,
        source="",
        contact=contact,
        changed_at=decision.data.decided_at,
        learned_at=decision.data.decided_at,
        cause=decision.decision_id,
    )
