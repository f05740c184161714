"""What clients write and read of agents and offers."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from common.core.events import Channel
from common.core.work import Presence
from router.core.agents import OfferState
from router.core.rules import NAME

AGENT_ID = r"^[A-Za-z0-9][A-Za-z0-9_.@+-]{0,99}$"

Name = Annotated[str, StringConstraints(pattern=NAME)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f]+$")]
Units = Annotated[int, Field(ge=0, le=1000)]


class ProfileBody(BaseModel):
    """Who an agent is and what he can take: the whole of it, not a difference."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "name": "田中 一郎",
                "team": "技術一課",
                "skills": {"network": 4, "japanese": 5},
                "queues": ["technical", "vip"],
                "capacity": 3,
                "channels": {"line": 2},
            }
        },
    )

    name: Words | None = None
    team: Words | None = None
    skills: dict[Name, Annotated[int, Field(ge=1, le=5)]] = Field({}, max_length=200)
    queues: list[Name] = Field([], max_length=1000, description="where he answers from")
    capacity: Units = Field(1, description="units of work in total; 0 takes nothing new")
    channels: dict[Channel, Units] = Field({}, description="most units of single channels")


class PresenceBody(BaseModel):
    """Whether an agent takes work now. The same again is the heartbeat of his tool."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"presence": "away", "reason": "昼休み"}}
    )

    presence: Presence
    reason: Words | None = None


class AgentView(BaseModel):
    """An agent as he stands."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "example": {
                "agent": "tanaka",
                "name": "田中 一郎",
                "team": "技術一課",
                "skills": {"network": 4, "japanese": 5},
                "queues": ["technical", "vip"],
                "capacity": 3,
                "channels": {"line": 2},
                "presence": "online",
                "seen_at": "2026-11-24T02:40:00Z",
                "changed_at": "2026-11-24T02:30:00Z",
                "wrap_up_until": None,
                "used": {"line": 1},
                "free_since": "2026-11-24T02:30:00Z",
                "version": 7,
            }
        },
    )

    agent: str
    name: str | None
    team: str | None
    skills: dict[str, int]
    queues: list[str]
    capacity: int
    channels: dict[str, int]
    presence: Presence
    seen_at: datetime = Field(description="last sign of life")
    changed_at: datetime = Field(description="last change of profile or presence")
    wrap_up_until: datetime | None = Field(description="he is writing down what the last was about")
    used: dict[str, int] = Field(description="units of his offers and cases, by channel")
    free_since: datetime
    version: int = Field(description="counts his changes; `agent_version` of events and offers")


class AgentsPage(BaseModel):
    """Agents by id."""

    agents: list[AgentView]
    next: str | None = Field(description="hand back as `after`; null = no more")


class OfferedCase(BaseModel):
    """What an agent sees of a case before he answers."""

    contact: str
    customer: UUID
    conversation: str = Field(description="key of the conversation that an answer belongs to")
    channel: str
    subject: str | None
    plan: str
    priority: int
    units: int
    skills: dict[str, int]
    first_response_due: datetime
    resolution_due: datetime
    opened_at: datetime


class OfferView(BaseModel):
    """An offer as it stands."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "offer_id": "3c8bb5d9-7e0d-5c9f-8e33-0f5b3f6f8b11",
                "state": "made",
                "agent": "tanaka",
                "case_id": "a1f93248-8f1c-5df4-a824-6680561c89ca",
                "queue": "technical",
                "made_at": "2026-11-24T02:41:00Z",
                "expires_at": "2026-11-24T02:42:00Z",
                "ended_at": None,
                "version": 8,
                "case": {
                    "contact": "line:main:U4af4980629",
                    "customer": "a240f8fe-5360-5a76-92d5-ce10ac1fab1c",
                    "conversation": "line:main:U4af4980629",
                    "channel": "line",
                    "subject": None,
                    "plan": "standard",
                    "priority": 35,
                    "units": 1,
                    "skills": {"network": 3, "japanese": 3},
                    "first_response_due": "2026-11-24T07:40:00Z",
                    "resolution_due": "2026-11-27T02:40:00Z",
                    "opened_at": "2026-11-24T02:40:00Z",
                },
            }
        }
    )

    offer_id: UUID
    state: OfferState
    agent: str
    case_id: UUID
    queue: str
    made_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    version: int = Field(
        description="the agent's at the offer's last change: the order of the feed"
    )
    case: OfferedCase


class OffersPage(BaseModel):
    """An agent's offers in the order of their last changes."""

    offers: list[OfferView]
    next: int = Field(description="hand back as `after` to get what changes from here on")


class DeclineBody(BaseModel):
    """Why an agent does not want a case."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"reason": "別件で電話中"}}
    )

    reason: Words | None = None
