"""Queues as they stand: what waits, which promises are in danger, and who is there."""

import asyncio
from collections import defaultdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from starlette.responses import Response

from common.edges.database import reading
from common.edges.tokens import Principal
from router.core.calendars import BusinessHours
from router.core.policy import Policy
from router.core.queues import Desk
from router.edges.agents_views import Name
from router.edges.openapi import refusals
from router.edges.queues_questions import Depth, Staff, depths, staff
from router.edges.surface import Surface, existing


class StaffView(BaseModel):
    """The agents of a queue by what they do now."""

    model_config = ConfigDict(from_attributes=True)

    online: int = Field(description="take work, as far as they have room")
    winding_up: int = Field(description="write down what their last case was about")
    away: int
    offline: int
    free_units: int = Field(description="units of work that those online can still take")


class QueueView(BaseModel):
    """A queue of the rules in force, with what waits in it and who works from it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "queue": "technical",
                "in_rules": True,
                "sentence": "技術サポート",
                "open": True,
                "opens_at": None,
                "waiting": 12,
                "offered": 2,
                "assigned": 9,
                "held": 4,
                "at_risk": 3,
                "breached": 1,
                "oldest_opened_at": "2026-11-24T02:40:00Z",
                "next_first_response_due": "2026-11-24T07:40:00Z",
                "agents": {
                    "online": 5,
                    "winding_up": 1,
                    "away": 2,
                    "offline": 7,
                    "free_units": 3,
                },
            }
        }
    )

    queue: str
    in_rules: bool = Field(description="false: the rules dropped it, and cases are still there")
    sentence: str = Field(description="what the queue is for, in the company's words")
    open: bool = Field(description="whether its calendar is open now")
    opens_at: datetime | None = Field(description="the next opening of a closed queue")
    waiting: int = Field(description="cases that nobody has taken yet")
    offered: int = Field(description="cases that somebody is asked to take")
    assigned: int = Field(description="cases that somebody has taken")
    held: int = Field(description="cases that wait for their customer, or for a moment")
    at_risk: int = Field(description="open cases with a promise in danger and none broken")
    breached: int = Field(description="open cases with a broken promise")
    oldest_opened_at: datetime | None = Field(description="of those waiting")
    next_first_response_due: datetime | None = Field(description="of those waiting")
    agents: StaffView


_QUEUES = TypeAdapter(list[QueueView])
REST = 4  # how many times as long as counting took its result is shown


class _Counted:
    """What was counted for a tenant last: many wallboards cost no more than one."""

    def __init__(self) -> None:
        self.counting = asyncio.Lock()
        self.body = b""
        self.good_until = 0.0


def queues_routes(surface: Surface) -> APIRouter:
    """Return `/v1/queues`."""
    routes = APIRouter(prefix="/v1", tags=["queues"], responses=refusals(401, 403, 503))
    reader = Annotated[Principal, surface.readers()]
    counted: defaultdict[str, _Counted] = defaultdict(_Counted)

    @routes.get(
        "/queues",
        summary="Queues, what waits in them and who is there",
        responses={200: {"model": list[QueueView]}},
        response_class=Response,
    )
    async def queues(principal: reader) -> Response:
        """Count all of them, at most a fifth of the time: what is shown is that much older."""
        last, loop = counted[principal.tenant], asyncio.get_running_loop()
        async with last.counting:
            if (began := loop.time()) >= last.good_until:
                last.body = _QUEUES.dump_json(await _counted(surface, principal.tenant))
                last.good_until = loop.time() + REST * (loop.time() - began)
        return Response(last.body, media_type="application/json")

    @routes.get("/queues/{queue}", summary="One queue as it stands", responses=refusals(404, 422))
    async def queue(
        principal: reader,
        queue: Annotated[Name, Path(description="its name in the rules", examples=["technical"])],
    ) -> QueueView:
        return existing(await queue_view(surface, principal.tenant, queue), "queue")

    return routes


async def queue_view(surface: Surface, tenant: str, queue: str) -> QueueView | None:
    """Return a queue as it stands; None where neither the rules nor any case know it."""
    now = surface.clock()
    async with reading(surface.reader, tenant) as connection:
        waiting = await depths(connection, tenant, queue)
        there = await staff(connection, tenant, now, queue)
    desk = surface.rules.policy.desks.get(queue)
    if desk is None and queue not in waiting:
        return None
    opens_at = _opens_at(desk.hours, now) if desk else None
    return _view(queue, desk, opens_at, waiting.get(queue), there.get(queue))


async def _counted(surface: Surface, tenant: str) -> list[QueueView]:
    now = surface.clock()
    async with reading(surface.reader, tenant) as connection:
        waiting = await depths(connection, tenant)
        there = await staff(connection, tenant, now)
    return _views(surface.rules.policy, waiting, there, now)


def _views(
    policy: Policy, waiting: dict[str, Depth], there: dict[str, Staff], now: datetime
) -> list[QueueView]:
    """Return the queues of the rules, then those that the rules dropped and that still hold cases."""
    hours = {desk.hours.name: desk.hours for desk in policy.desks.values()}
    opening = {name: _opens_at(calendar, now) for name, calendar in hours.items()}
    dropped = sorted(waiting.keys() - policy.desks.keys())
    return [
        *(
            _view(name, desk, opening[desk.hours.name], waiting.get(name), there.get(name))
            for name, desk in policy.desks.items()
        ),
        *(_view(name, None, None, waiting[name], there.get(name)) for name in dropped),
    ]


def _opens_at(hours: BusinessHours, now: datetime) -> datetime | None:
    return None if hours.is_open(now) else hours.opens(now)


def _view(
    name: str,
    desk: Desk | None,
    opens_at: datetime | None,
    depth: Depth | None,
    staffed: Staff | None,
) -> QueueView:
    depth = depth or Depth()
    return QueueView(
        queue=name,
        in_rules=desk is not None,
        sentence=desk.queue.sentence if desk else "",
        open=desk is not None and opens_at is None,
        opens_at=opens_at,
        waiting=depth.waiting,
        offered=depth.offered,
        assigned=depth.assigned,
        held=depth.held,
        at_risk=depth.at_risk,
        breached=depth.breached,
        oldest_opened_at=depth.oldest,
        next_first_response_due=depth.next_due,
        agents=StaffView.model_validate(staffed or Staff()),
    )
