"""Cases: what they are, why they are where they are, and what people do with them."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Query
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.responses import Response

from common.edges.database import reading
from common.edges.idempotency import Asked, asked
from common.edges.tokens import Principal
from router.core.facts import Case, CaseState
from router.edges import cases_actions as actions
from router.edges.agents_views import Name
from router.edges.cases_actions import Actor
from router.edges.cases_questions import Wanted, cases_after, read_place, write_place
from router.edges.cases_views import (
    AgentName,
    AssignBody,
    CasesPage,
    CaseView,
    HistoryView,
    HoldBody,
    ReasonBody,
    TransferBody,
)
from router.edges.offers_questions import offers_of_case
from router.edges.openapi import DECISION_ANSWER, answers, refusals
from router.edges.questions import case_by_id, decision_body
from router.edges.surface import Surface, existing, supervises

MOST_CASES = 200

Request = Annotated[Asked, Depends(asked)]
Do = Callable[[AsyncConnection, Actor], Awaitable[Case]]


def cases_routes(surface: Surface) -> APIRouter:
    """Return `/v1/cases`; other tenants' cases do not exist."""
    routes = APIRouter(
        prefix="/v1/cases", tags=["cases"], responses=refusals(400, 401, 403, 422, 503)
    )
    _lists(routes, surface)
    _reading(routes, surface)
    _ending(routes, surface)
    _moving(routes, surface)
    _taking(routes, surface)
    return routes


def _lists(routes: APIRouter, surface: Surface) -> None:
    reader = Annotated[Principal, surface.readers()]

    @routes.get("", summary="Open cases in the order in which they are served")
    async def cases(
        principal: reader,
        queue: Annotated[Name | None, Query(description="those in this queue")] = None,
        agent: Annotated[
            AgentName | None, Query(description="those that he has or is offered")
        ] = None,
        customer: Annotated[UUID | None, Query(description="those of this customer")] = None,
        state: Annotated[
            CaseState | None, Query(description="`resolved` with `customer` only")
        ] = None,
        limit: Annotated[int, Query(ge=1, le=MOST_CASES)] = 50,
        after: Annotated[
            str | None, Query(max_length=100, description="`next` of the page before")
        ] = None,
    ) -> CasesPage:
        """Give a page; say whose: a queue's, an agent's or a customer's."""
        if queue is None and agent is None and customer is None:
            raise HTTPException(422, "one of queue, agent and customer is needed")
        wanted = Wanted(queue=queue, agent=agent, customer=customer, state=state)
        try:
            place = read_place(after)
        except ValueError as error:
            raise HTTPException(422, "after: not a cursor of ours") from error
        async with reading(surface.reader, principal.tenant) as connection:
            found = await cases_after(connection, principal.tenant, wanted, place, limit + 1)
        shown = found[:limit]
        return CasesPage(
            cases=[CaseView.model_validate(case) for case in shown],
            next=write_place(shown[-1]) if len(found) > limit else None,
        )


def _reading(routes: APIRouter, surface: Surface) -> None:
    anybody = Annotated[Principal, surface.everybody()]

    @routes.get("/{case_id}", summary="A case as it stands", responses=refusals(404))
    async def case(principal: anybody, case_id: UUID) -> CaseView:
        async with reading(surface.reader, principal.tenant) as connection:
            found = await case_by_id(connection, principal.tenant, case_id)
        return CaseView.model_validate(existing(found, "case"))

    @routes.get(
        "/{case_id}/decision",
        summary="Why the case is where it is",
        responses={**refusals(404), 200: DECISION_ANSWER},
        response_class=Response,
    )
    async def decision(
        principal: anybody,
        case_id: UUID,
        message: Annotated[
            UUID | None, Query(description="event id of one message; by default the deciding one")
        ] = None,
    ) -> Response:
        """Return the whole record: every rule, contract and queue considered, and why."""
        async with reading(surface.reader, principal.tenant) as connection:
            body = await decision_body(connection, principal.tenant, case_id, message)
        return Response(existing(body, "case"), media_type="application/json")

    @routes.get(
        "/{case_id}/history", summary="Whom the case was offered to", responses=refusals(404)
    )
    async def history(principal: anybody, case_id: UUID) -> HistoryView:
        async with reading(surface.reader, principal.tenant) as connection:
            existing(await case_by_id(connection, principal.tenant, case_id), "case")
            return HistoryView(offers=await offers_of_case(connection, principal.tenant, case_id))


def _ending(routes: APIRouter, surface: Surface) -> None:
    caller = Annotated[Principal, surface.agents()]

    @routes.post("/{case_id}/resolve", summary="End the matter", **_done("The case, resolved"))
    async def resolve(principal: caller, case_id: UUID, request: Request) -> Response:
        """Whoever has the case, or a supervisor. The agent winds up, and has room again."""
        return await _act(surface, principal, case_id, request, actions.resolve_case)

    @routes.post("/{case_id}/reopen", summary="Go on with a resolved case", **_done("The case"))
    async def reopen(principal: caller, case_id: UUID, request: Request) -> Response:
        """Whoever had it last, or a supervisor. The resolution's clock begins anew."""
        return await _act(surface, principal, case_id, request, actions.reopen_case)

    @routes.post(
        "/{case_id}/hold", summary="Wait for the customer, or a moment", **_done("The case")
    )
    async def hold(principal: caller, case_id: UUID, request: Request, body: HoldBody) -> Response:
        """Nobody's capacity is taken meanwhile; it comes back to its queue, for who had it first."""

        async def do(connection: AsyncConnection, actor: Actor) -> Case:
            return await actions.hold_case(connection, actor, body.until, body.reason)

        return await _act(surface, principal, case_id, request, do)


def _moving(routes: APIRouter, surface: Surface) -> None:
    caller = Annotated[Principal, surface.agents()]

    @routes.post("/{case_id}/requeue", summary="Put the case back", **_done("The case, waiting"))
    async def requeue(
        principal: caller, case_id: UUID, request: Request, body: ReasonBody
    ) -> Response:
        """Let it wait in its queue again; deadlines and rank stay as they are."""

        async def do(connection: AsyncConnection, actor: Actor) -> Case:
            return await actions.requeue_case(connection, actor, body.reason)

        return await _act(surface, principal, case_id, request, do)

    @routes.post("/{case_id}/transfer", summary="To another queue or agent", **_done("The case"))
    async def transfer(
        principal: caller, case_id: UUID, request: Request, body: TransferBody
    ) -> Response:
        """To a queue: it waits there, and asks for what is asked there. To an agent: he is offered it."""
        if body.queue is not None and body.queue not in surface.rules.policy.desks:
            raise HTTPException(422, f"queue: the rules do not know {body.queue}")

        async def do(connection: AsyncConnection, actor: Actor) -> Case:
            if body.agent is not None:
                return await actions.hand_over_case(connection, actor, body.agent, body.reason)
            return await actions.move_case(connection, actor, body.queue or "", body.reason)

        return await _act(surface, principal, case_id, request, do)


def _taking(routes: APIRouter, surface: Surface) -> None:
    caller = Annotated[Principal, surface.agents()]
    supervisor = Annotated[Principal, surface.supervisors()]

    @routes.post("/{case_id}/pick", summary="Take a waiting case", **_done("The case, his"))
    async def pick(principal: caller, case_id: UUID, request: Request) -> Response:
        """For the caller himself, from a queue of his, if he qualifies, has room, and the rules let him."""
        return await _act(surface, principal, case_id, request, actions.pick_case)

    @routes.post("/{case_id}/assign", summary="Give a case to an agent", **_done("The case, his"))
    async def assign(
        principal: supervisor, case_id: UUID, request: Request, body: AssignBody
    ) -> Response:
        """He is not asked. Whoever had it, or was offered it, loses it."""

        async def do(connection: AsyncConnection, actor: Actor) -> Case:
            return await actions.assign_case(
                connection, actor, body.agent, body.reason, force=body.force
            )

        return await _act(surface, principal, case_id, request, do)


async def _act(
    surface: Surface, principal: Principal, case_id: UUID, request: Asked, do: Do
) -> Response:
    async def work(connection: AsyncConnection, now: datetime) -> CaseView:
        actor = Actor(
            tenant=principal.tenant,
            subject=principal.subject,
            supervises=supervises(principal),
            case_id=case_id,
            policy=surface.rules.policy,
            now=now,
        )
        return CaseView.model_validate(await do(connection, actor))

    return await surface.act(principal, request, work)


def _done(description: str) -> dict[str, Any]:
    """Return what all actions on cases have in common in the document."""
    responses = {**answers(CaseView, description), **refusals(404)}
    return {"responses": responses, "response_class": Response}
