"""What supervisors' tools may ask: queues, cases, and why a message went where it went."""

from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.responses import Response

from common.core.events import Channel
from common.edges.clock import Clock
from common.edges.database import reading
from common.edges.tokens import Principal, TokenVerifier, bearer
from router.core.facts import CaseState
from router.core.queues import Desk
from router.edges.openapi import DECISION_ANSWER, refusal
from router.edges.questions import Depth, case_by_id, decision_body, depths
from router.edges.rules_source import RulesSource

Found = TypeVar("Found")

SCOPE = "routing:read"
CASE_REFUSALS: dict[int | str, dict[str, Any]] = {
    404: refusal("This tenant has no such case"),
    422: refusal("An id is none"),
}
REFUSALS: dict[int | str, dict[str, Any]] = {
    401: refusal("No bearer token, or none that is valid"),
    403: refusal(f"The token lacks the scope `{SCOPE}`"),
    503: refusal("The database is away; try again"),
}


class QueueView(BaseModel):
    """A queue of the rules in force, with what waits in it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "queue": "technical",
                "in_rules": True,
                "sentence": "技術サポート",
                "open": True,
                "opens_at": None,
                "waiting": 12,
                "oldest_opened_at": "2026-11-24T02:40:00Z",
                "next_first_response_due": "2026-11-24T07:40:00Z",
            }
        }
    )

    queue: str
    in_rules: bool = Field(description="false: the rules dropped it, and cases still wait there")
    sentence: str = Field(description="what the queue is for, in the company's words")
    open: bool = Field(description="whether its calendar is open now")
    opens_at: datetime | None = Field(description="the next opening of a closed queue")
    waiting: int = Field(description="cases that nobody has taken yet")
    oldest_opened_at: datetime | None
    next_first_response_due: datetime | None


class CaseView(BaseModel):
    """A customer's matter as it stands."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "case_id": "a1f93248-8f1c-5df4-a824-6680561c89ca",
                "state": "waiting",
                "contact": "line:main:U4af4980629",
                "customer": "a240f8fe-5360-5a76-92d5-ce10ac1fab1c",
                "channel": "line",
                "subject": None,
                "queue": "technical",
                "plan": "standard",
                "contract": "K-1",
                "priority": 100,
                "skills": {"network": 3, "japanese": 3},
                "rank": "2026-11-24T04:20:00Z",
                "first_response_due": "2026-11-24T07:40:00Z",
                "resolution_due": "2026-11-27T02:40:00Z",
                "opened_at": "2026-11-24T02:40:00Z",
                "resolved_at": None,
            }
        },
        from_attributes=True,
    )

    case_id: UUID
    state: CaseState
    contact: str
    customer: UUID = Field(description="who the contact belonged to when the case was opened")
    channel: Channel
    subject: str | None
    queue: str
    plan: str
    contract: str | None
    priority: int
    skills: dict[str, int] = Field(description="skill and lowest level (1 to 5) of whoever answers")
    rank: datetime = Field(description="earliest first")
    first_response_due: datetime
    resolution_due: datetime
    opened_at: datetime
    resolved_at: datetime | None


def routing_routes(
    engine: AsyncEngine, verifier: TokenVerifier, rules: RulesSource, clock: Clock
) -> APIRouter:
    """Return `/v1/queues` and `/v1/cases`; other tenants' cases do not exist."""
    routes = APIRouter(prefix="/v1", tags=["routing"], responses=REFUSALS)
    allowed = Depends(bearer(verifier, SCOPE))

    @routes.get("/queues", summary="Queues and what waits in them")
    async def queues(reader: Annotated[Principal, allowed]) -> list[QueueView]:
        async with reading(engine, reader.tenant) as connection:
            waiting = await depths(connection, reader.tenant)
        now = clock()
        desks = rules.policy.desks
        current = [_queue(desk, waiting.get(name), now) for name, desk in desks.items()]
        return current + [
            _abandoned(name, waiting[name]) for name in sorted(waiting.keys() - desks.keys())
        ]

    @routes.get("/cases/{case_id}", summary="A case as it stands", responses=CASE_REFUSALS)
    async def case(reader: Annotated[Principal, allowed], case_id: UUID) -> CaseView:
        async with reading(engine, reader.tenant) as connection:
            found = await case_by_id(connection, reader.tenant, case_id)
        return CaseView.model_validate(_existing(found))

    @routes.get(
        "/cases/{case_id}/decision",
        summary="Why the case is where it is",
        responses={**CASE_REFUSALS, 200: DECISION_ANSWER},
        response_class=Response,
    )
    async def decision(
        reader: Annotated[Principal, allowed],
        case_id: UUID,
        message: Annotated[
            UUID | None, Query(description="event id of one message; by default the deciding one")
        ] = None,
    ) -> Response:
        """Return the whole record: every rule, contract and queue considered, and why."""
        async with reading(engine, reader.tenant) as connection:
            body = await decision_body(connection, reader.tenant, case_id, message)
        return Response(_existing(body), media_type="application/json")

    return routes


def _existing(found: Found | None) -> Found:
    if found is None:
        raise HTTPException(404, "no such case")
    return found


def _queue(desk: Desk, depth: Depth | None, now: datetime) -> QueueView:
    is_open = desk.hours.is_open(now)
    return QueueView(
        queue=desk.name,
        in_rules=True,
        sentence=desk.queue.sentence,
        open=is_open,
        opens_at=None if is_open else desk.hours.opens(now),
        waiting=depth.waiting if depth else 0,
        oldest_opened_at=depth.oldest if depth else None,
        next_first_response_due=depth.next_due if depth else None,
    )


def _abandoned(name: str, depth: Depth) -> QueueView:
    """Return a queue that the rules no longer have, so that nobody who waits there is forgotten."""
    return QueueView(
        queue=name,
        in_rules=False,
        sentence="",
        open=False,
        opens_at=None,
        waiting=depth.waiting,
        oldest_opened_at=depth.oldest,
        next_first_response_due=depth.next_due,
    )
