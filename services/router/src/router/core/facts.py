"""What a decision looks at: the message that arrived, who wrote it, its case, who is signed in."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from common.core.cases import Decision
from common.core.events import Message


class Arrival(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A message with its event's id, tenant and contact."""

    event: UUID
    tenant: str
    contact: str
    message: Message
    traceparent: str | None = None


class Customer(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Who a contact belongs to, as far as other systems have told us.

    `shared` are the ids of those contracts that are not the customer's own but the account's.
    """

    customer: UUID
    customer_ref: str | None = None
    name: str | None = None
    account: str | None = None
    tier: str | None = None
    language: str | None = None
    shared: tuple[str, ...] = ()


class CaseState(StrEnum):
    """Where a case is on its way.

    `waiting` in a queue, `offered` to an agent, `assigned` to one who accepted, `held` until the
    customer writes or a moment comes, `resolved`.
    """

    WAITING = "waiting"
    OFFERED = "offered"
    ASSIGNED = "assigned"
    HELD = "held"
    RESOLVED = "resolved"


class Refusal(Struct, frozen=True):
    """How often an agent let an offer of this case go, and until when others come before him."""

    times: int
    until: datetime


class Case(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A customer's matter as it stands. `conversation` is the key it is found by.

    `participants` are contacts that the channel showed to take part, the sender among them;
    `decided_by` is the message whose rules placed the case last. `version` counts its changes.

    `agent` is who is offered the case, until `offered_until`, or has it; `units` is what it takes of
    his capacity.
    `preferred` is the agent who knows the customer; until `reserved_until` nobody else is offered
    the case while he is signed in. `ring` is how often its requirements were relaxed.
    `first_responded_at` is when the company first wrote; `paused_at` since when the resolution's
    clock stands still because the customer has to answer. `told` names the SLA events that were
    sent; `wake_at` is the first moment at which time alone changes something.
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
    queued_at: datetime
    units: int = 1
    version: int = 1
    agent: str | None = None
    offer: UUID | None = None
    offered_until: datetime | None = None
    preferred: str | None = None
    reserved_until: datetime | None = None
    refusals: dict[str, Refusal] = {}
    ring: int = 0
    held_until: datetime | None = None
    first_responded_at: datetime | None = None
    paused_at: datetime | None = None
    told: tuple[str, ...] = ()
    wake_at: datetime | None = None
    subject: str | None = None
    resolved_at: datetime | None = None


class Roster(Struct, frozen=True):
    """Who is signed in: for each queue, the different skill profiles present.

    `sequence` is the number of the last change in the roster's journal that it knows.
    """

    signed_in: dict[str, tuple[dict[str, int], ...]]
    sequence: int = 0


Rosters = Callable[[str], Roster | None]
"""Returns who of a tenant is signed in, None where nobody ever said who works there."""


class Unrouted(Struct, frozen=True):
    """The message concerns no case. A word about why, for people."""

    reason: str


Outcome = Decision | Unrouted
