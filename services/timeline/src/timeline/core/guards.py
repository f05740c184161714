"""What no evidence may join by itself. Each guard asks only for the evidence, never when it came."""

from datetime import datetime, timedelta
from enum import StrEnum

from common.core.contacts import ContactKind, kind_of

# Nobody's own: a campaign's number and a display name stand for whoever uses them.
NEVER_ONE_PERSON = frozenset({ContactKind.SHORT_CODE, ContactKind.SENDER_NAME})
# One person has one of these with one account of ours; who writes by web chat or on X may have many.
ONE_EACH = frozenset({ContactKind.LINE, ContactKind.WHATSAPP, ContactKind.TELEGRAM})

MOST_CONTACTS = 50
MOST_REFERENCES = 20  # a contact that more profiles name is a switchboard, whoever forgot to say so
MOST_JOINED = 20
WITHIN = timedelta(hours=1)


class Reason(StrEnum):
    """Why a contact that a profile names was not linked."""

    NOT_A_CONTACT = "not-a-contact"
    NOBODYS_OWN = "nobodys-own"
    SHARED = "shared"
    POPULAR = "popular"
    KEPT_APART = "kept-apart"
    CONFLICT = "conflict"
    TOO_LARGE = "too-large"
    TOO_FAST = "too-fast"


def may_link(contact: str) -> bool:
    """Whether an address of this kind can be one person's at all."""
    return kind_of(contact) not in NEVER_ONE_PERSON


def scope_of_contact(contact: str) -> str | None:
    """Return that of which one person has only one, if this contact is such: `line:<channel>`."""
    kind = kind_of(contact)
    return contact.rpartition(":")[0] if kind in ONE_EACH else None


def scope_of_profile(source: str) -> str | None:
    """Return that of which one person has only one: a reference in one system."""
    return f"profile:{source}" if source else None


def too_fast(joined: list[datetime], at: datetime) -> bool:
    """Whether one more join would be too many within so short a time."""
    return sum(at - WITHIN < moment <= at for moment in joined) >= MOST_JOINED


def mailbox_of(contact: str) -> str:
    """Return the pattern that stands for this mailbox in any domain: `email:info@`; else itself."""
    if not contact.startswith("email:"):
        return contact
    return contact.partition("@")[0] + "@"
