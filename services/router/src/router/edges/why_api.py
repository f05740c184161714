"""`/v1/cases/{case_id}/decision/instead`: what would have sent the message to another queue."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field

from common.edges.database import reading
from common.edges.tokens import Principal
from router.core.counterfactual import Answer, Instead, instead
from router.core.why_words import answer_said, outcome_said
from router.core.wording import Language
from router.core.worlds import World
from router.edges.openapi import refusals
from router.edges.recalling import UnknownRulesError, recall, world_of
from router.edges.surface import Surface, existing


class AnswerView(BaseModel):
    """Changes that together would have done, and none of them alone."""

    cost: int = Field(description="how large they are together; docs/routing.md lists what counts")
    sentence: str = Field(description="the changes as one sentence, in the language asked for")
    changes: list[dict[str, Any]] = Field(description="each with its `kind` and what it changes")


class InsteadView(BaseModel):
    """What would have led to a queue, the smallest change first."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "queue": "vip",
                "there": False,
                "answers": [
                    {
                        "cost": 10,
                        "sentence": "プラン premium の契約が有効だったら",
                        "changes": [
                            {"kind": "plan", "contract": None, "plan": "default", "to": "premium"}
                        ],
                    }
                ],
                "complete": True,
                "tried": 13,
                "says": None,
            }
        }
    )

    queue: str
    there: bool = Field(description="the message goes there as it is")
    answers: list[AnswerView]
    complete: bool = Field(description="false: there are more changes than were tried")
    tried: int = Field(description="how many decisions were made to find out")
    says: str | None = Field(description="where there are no answers, why")


def why_routes(surface: Surface) -> APIRouter:
    """Return the route; other tenants' cases do not exist."""
    routes = APIRouter(prefix="/v1/cases", tags=["cases"], responses=refusals(401, 403, 422, 503))
    anybody = Annotated[Principal, surface.everybody()]

    @routes.get(
        "/{case_id}/decision/instead",
        summary="What would have sent it to another queue",
        responses=refusals(404),
    )
    async def why_not(
        principal: anybody,
        case_id: UUID,
        queue: Annotated[str, Query(description="a queue of the rules of that time")],
        message: Annotated[
            UUID | None, Query(description="event id of one message; by default the deciding one")
        ] = None,
        lang: Annotated[
            Language | None, Query(description="by default the company's language")
        ] = None,
    ) -> InsteadView:
        """Each answer was tried: the decision was made again with those changes."""
        world = await _world(surface, principal, case_id, message)
        if queue not in world.policy.desks:
            raise HTTPException(422, f"queue: the rules of that time do not know {queue}")
        found = await asyncio.to_thread(instead, world, queue)
        return _view(found, lang or world.policy.language)

    return routes


async def _world(
    surface: Surface, principal: Principal, case_id: UUID, message: UUID | None
) -> World:
    async with reading(surface.reader, principal.tenant) as connection:
        recalled = existing(await recall(connection, case_id, message), "case")
        try:
            return await world_of(connection, recalled)
        except UnknownRulesError as error:
            raise HTTPException(404, str(error)) from None


def _view(found: Instead, language: Language) -> InsteadView:
    return InsteadView(
        queue=found.queue,
        there=found.there,
        answers=[_answer(answer, language) for answer in found.answers],
        complete=found.complete,
        tried=found.tried,
        says=outcome_said(found, language),
    )


def _answer(answer: Answer, language: Language) -> AnswerView:
    return AnswerView(
        cost=answer.cost,
        sentence=answer_said(answer, language),
        changes=[msgspec.to_builtins(change) for change in answer.changes],
    )
