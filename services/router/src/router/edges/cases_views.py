"""What clients write and read of cases."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from common.core.events import Channel
from router.core.facts import CaseState
from router.edges.agents_views import AGENT_ID, Name, OfferView, Words

AgentName = Annotated[str, StringConstraints(pattern=AGENT_ID)]


class CaseView(BaseModel):
    """A customer's matter as it stands."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "case_id": "a1f93248-8f1c-5df4-a824-6680561c89ca",
                "state": "assigned",
                "agent": "tanaka",
                "contact": "line:main:U4af4980629",
                "customer": "a240f8fe-5360-5a76-92d5-ce10ac1fab1c",
                "conversation": "line:main:U4af4980629",
                "channel": "line",
                "subject": None,
                "queue": "technical",
                "queued_at": "2026-11-24T02:40:00Z",
                "plan": "standard",
                "contract": "K-1",
                "priority": 100,
                "skills": {"network": 3, "japanese": 3},
                "units": 1,
                "rank": "2026-11-24T04:20:00Z",
                "first_response_due": "2026-11-24T07:40:00Z",
                "first_responded_at": None,
                "resolution_due": "2026-11-27T02:40:00Z",
                "told": ["first_response.at_risk"],
                "opened_at": "2026-11-24T02:40:00Z",
                "held_until": None,
                "paused_at": None,
                "resolved_at": None,
                "version": 4,
            }
        },
        from_attributes=True,
    )

    case_id: UUID
    state: CaseState
    agent: str | None = Field(description="who has it, or is offered it")
    contact: str
    customer: UUID = Field(description="who the contact belonged to when the case was opened")
    conversation: str = Field(description="key of the conversation that an answer belongs to")
    channel: Channel
    subject: str | None
    queue: str
    queued_at: datetime = Field(description="since when it is in this queue")
    plan: str
    contract: str | None
    priority: int
    skills: dict[str, int] = Field(description="skill and lowest level (1 to 5) of whoever answers")
    units: int = Field(description="what it takes of an agent's capacity")
    rank: datetime = Field(description="earliest first")
    first_response_due: datetime
    first_responded_at: datetime | None
    resolution_due: datetime
    told: list[str] = Field(description="promises that were told to be in danger or broken")
    opened_at: datetime
    held_until: datetime | None
    paused_at: datetime | None = Field(description="since when it is the customer's turn")
    resolved_at: datetime | None
    version: int = Field(description="counts its changes; `case_version` of events")


class CasesPage(BaseModel):
    """Cases in the order in which they are served."""

    cases: list[CaseView]
    next: str | None = Field(description="hand back as `after`; null = no more")


class HistoryView(BaseModel):
    """Whom a case was offered to, oldest first, and what became of it."""

    offers: list[OfferView]


class ReasonBody(BaseModel):
    """Why, in words that the next reader understands."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"reason": "専門の担当に回すため"}}
    )

    reason: Words


class HoldBody(BaseModel):
    """Until when a case waits: a moment, or (without) the customer's next message."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"until": "2026-11-25T01:00:00Z", "reason": "部品の入荷を待つ"}
        },
    )

    until: AwareDatetime | None = None
    reason: Words


class TransferBody(BaseModel):
    """Where a case goes: to a queue, or to an agent, who is asked."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"queue": "billing", "reason": "請求の話だった"}},
    )

    queue: Name | None = None
    agent: AgentName | None = None
    reason: Words

    @model_validator(mode="after")
    def _one_of_them(self) -> "TransferBody":
        if (self.queue is None) == (self.agent is None):
            raise ValueError("either queue or agent")
        return self


class AssignBody(BaseModel):
    """Who is to have a case. `force` although he does not qualify or is not there; never over capacity."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"agent": "tanaka", "reason": "お客様のご指名", "force": False}
        },
    )

    agent: AgentName
    reason: Words
    force: bool = False
