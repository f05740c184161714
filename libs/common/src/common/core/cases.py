"""What the router says on the bus: cases, and each decision with all its reasons."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec import Struct

from common.core.events import Channel


class RuleTrial(Struct, frozen=True):
    """One routing rule and why it did or did not match."""

    rule: str
    matched: bool
    reason: str


class QueueTrial(Struct, frozen=True):
    """One queue that was considered and why it was taken or refused."""

    queue: str
    accepted: bool
    reason: str


class ContractTrial(Struct, frozen=True):
    """One contract of the customer and why it did or did not count."""

    contract: str
    accepted: bool
    reason: str


class PriorityPart(Struct, frozen=True):
    """One reason for urgency and what it was worth, in points."""

    name: str
    points: int
    reason: str


class SkillRequirement(Struct, frozen=True):
    """A skill that the answering agent needs, at least at this level (1 to 5), and why."""

    skill: str
    level: int
    reason: str


class Continuity(StrEnum):
    """How a message relates to its conversation's case."""

    OPENED = "opened"
    JOINED = "joined"
    REOPENED = "reopened"


class Decision(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Why a message went where it went: every rule, refusal, number and the clock used.

    `rank` is a point in time, earliest first: the deadline less the credit of the priority.
    The same inputs under the same rules (`rules_version`, a SHA-256) give the same decision.
    Where something that became known later had it made anew, `cause` says what and `cause_event`
    is the event that told it.
    """

    message_event: UUID
    case_id: UUID
    continuity: Continuity
    contact: str
    customer: UUID
    queue: str
    queue_reason: str
    plan: str
    contract: str | None
    priority: int
    rank: datetime
    first_response_due: datetime
    resolution_due: datetime
    rules_version: str
    decided_at: datetime
    customer_ref: str | None = None
    tier: str | None = None
    language: str | None = None
    contracts: tuple[ContractTrial, ...] = ()
    priority_parts: tuple[PriorityPart, ...] = ()
    skills: tuple[SkillRequirement, ...] = ()
    rules: tuple[RuleTrial, ...] = ()
    queues: tuple[QueueTrial, ...] = ()
    cause: str | None = None
    cause_event: UUID | None = None


class CaseOpened(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A customer's matter begins (`case.opened`).

    `follows` is the resolved case that a low answer was about, where that raised this one.
    """

    case_id: UUID
    contact: str
    conversation: str
    channel: Channel
    opened_at: datetime
    message_event: UUID
    subject: str | None = None
    case_version: int | None = None
    follows: UUID | None = None


class CaseRouted(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A message was routed (`case.routed`), with the whole decision.

    `units` is how much of an agent's capacity the case takes. Until `reserved_until` it is offered
    to nobody but `reserved_for`, who knows the customer, while he is signed in. Since
    `resolution_paused_at` the resolution's clock stands, because the customer has to answer.
    """

    case_id: UUID
    decision: Decision
    case_version: int | None = None
    units: int | None = None
    reserved_for: str | None = None
    reserved_until: datetime | None = None
    resolution_paused_at: datetime | None = None


class CaseReopened(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A resolved case goes on (`case.reopened`): the customer wrote again, or somebody says so.

    `message_event` is the customer's last message; `by` who reopened it, if not the customer.
    """

    case_id: UUID
    contact: str
    reopened_at: datetime
    message_event: UUID
    by: str | None = None
    case_version: int | None = None


class CaseResolved(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The matter is done (`case.resolved`).

    `resolved_by` is who said so, `agent` who had the case; `agent_version` counts for the latter,
    who takes nothing new until `wrap_up_until`.
    """

    case_id: UUID
    contact: str
    resolved_at: datetime
    resolved_by: str | None = None
    agent: str | None = None
    agent_version: int | None = None
    case_version: int | None = None
    wrap_up_until: datetime | None = None
