"""What a decision looks at: the message that arrived, who wrote it, its case, who is signed in."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from common.core.cases import Decision
from common.core.events import Message


class Arrival(Struct, frozen=True, kw_only=True):
    """A message with its event's id, tenant and contact."""

    event: UUID
    tenant: str
    contact: str
    message: Message
    traceparent: str | None = None


class Customer(Struct, frozen=True, kw_only=True):
    """Who a contact belongs to, as far as other systems have told us."""

    customer: UUID
    customer_ref: str | None = None
    name: str | None = None
    account: str | None = None
    tier: str | None = None
    language: str | None = None


class CaseState(StrEnum):
    """Waiting for an agent, or done."""

    WAITING = "waiting"
    RESOLVED = "resolved"


class Case(Struct, frozen=True, kw_only=True):
    """A customer's matter as it stands. `conversation` is the key it is found by.

    `participants` are contacts that the channel showed to take part, the sender among them;
    `decided_by` is the message whose rules placed the case last.
    """

    case_id: UUID
    tenant: str
    conversation: str
    contact: str
    participants: tuple[str, ...]
    customer: UUID
    channel: str
    state: CaseState
    queue: str
    plan: str
    contract: str | None
    priority: int
    skills: dict[str, int]
    rank: datetime
    first_response_due: datetime
    resolution_due: datetime
    opened_at: datetime
    decided_by: UUID
    subject: str | None = None
    resolved_at: datetime | None = None


class Roster(Struct, frozen=True):
    """Who is signed in: for each queue, the different skill profiles present."""

    signed_in: dict[str, tuple[dict[str, int], ...]]


class Unrouted(Struct, frozen=True):
    """The message concerns no case. A word about why, for people."""

    reason: str


Outcome = Decision | Unrouted
