"""What people decide about who is who, as it travels on the bus."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class DecisionKind(StrEnum):
    """What a person can say about who is who; a later decision takes back an earlier one."""

    TOGETHER = "together"  # `contacts` and `others` are one person
    APART = "apart"  # they are not, whatever evidence comes
    OPEN = "open"  # evidence may join them again
    UNMERGE = "unmerge"  # apart, and each of the two stays whole
    ACCEPT = "accept"  # together, because the profile is right to name the contact
    DISMISS = "dismiss"  # it is not right
    BLOCK = "block"  # `contacts` are nobody's own; `email:info@` is that mailbox in any domain
    UNBLOCK = "unblock"


class IdentityDecided(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A person decided who is who (`identity.decided`); the subject is the decision's id.

    It speaks of a customer (`contacts`, and the `profiles` that are his) and of another one
    (`others`, `other_profiles`), as they were then. `beyond` are contacts of whoever else there was
    evidence of: an unmerge makes none of them anybody's. `customer_ref` is the profile whose claim
    to the first of `contacts` is accepted or dismissed. What follows from a decision is told by
    `customers.merged` and `customers.unmerged`.
    """

    kind: DecisionKind
    person: str
    decided_at: datetime
    contacts: tuple[str, ...]
    profiles: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    other_profiles: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()
    customer_ref: str | None = None
    note: str | None = None
