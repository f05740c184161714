"""`/v1/customers/{id}/…`: why a customer is one, and saying who is who."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from common.core.identity_events import DecisionKind
from common.edges.database import reading
from common.edges.idempotency import Asked, asked
from common.edges.tokens import Principal
from timeline.edges.access_watch import shows
from timeline.edges.asked import CustomerId, existing
from timeline.edges.identity_questions import links_of, suggestions_for
from timeline.edges.identity_surface import Identities, answer_of, answers, decided
from timeline.edges.identity_views import (
    LinksView,
    MergeBody,
    NoteBody,
    SuggestionsView,
    UnmergeBody,
)
from timeline.edges.openapi import refusals
from timeline.edges.people import person_of

MOST_SUGGESTED = 50

Keyed = Annotated[Asked, Depends(asked)]
OtherId = Annotated[UUID, Path(description="any id of the other customer")]


def merging_routes(people: Identities) -> APIRouter:
    """Return the routes on one customer; other tenants' customers do not exist."""
    routes = APIRouter(
        prefix="/v1/customers/{customer_id}",
        tags=["who is who"],
        responses=refusals(401, 403, 404, 422, 503),
    )
    _asking(routes, people)
    _merging(routes, people)
    _keeping_apart(routes, people)
    return routes


def _asking(routes: APIRouter, people: Identities) -> None:
    reader = Annotated[Principal, people.readers()]

    @routes.get(
        "/links",
        summary="Why a customer is one customer",
        responses=answers(LinksView, "The evidence, and what followed from it"),
        response_class=Response,
    )
    async def links(principal: reader, customer_id: CustomerId) -> Response:
        """Give every claim of a profile with the event that made it, and every merge with its cause."""
        async with reading(people.reader, principal.tenant) as connection:
            person = existing(await person_of(connection, principal.tenant, customer_id))
            found = await links_of(connection, principal.tenant, person)
        return answer_of(found)

    @routes.get(
        "/suggestions",
        summary="Who may be the same person",
        responses=answers(SuggestionsView, "The most alike first"),
        response_class=Response,
    )
    async def suggestions(principal: reader, customer_id: CustomerId, request: Request) -> Response:
        """Tell whose profile resembles this customer's in name and something else."""
        async with reading(people.reader, principal.tenant) as connection:
            person = existing(await person_of(connection, principal.tenant, customer_id))
            found = await suggestions_for(connection, principal.tenant, person, MOST_SUGGESTED)
        shows(request, [person.id, *(one.other_customer for one in found)])
        answer = SuggestionsView(suggestions=list(found))
        return answer_of(answer)


def _merging(routes: APIRouter, people: Identities) -> None:
    writer = Annotated[Principal, people.writers()]

    @routes.post(
        "/merge", summary="These two are one", responses=decided(), response_class=Response
    )
    async def merge(
        principal: writer, customer_id: CustomerId, request: Keyed, body: MergeBody
    ) -> Response:
        """Make one customer of two, whatever speaks against it. The older id survives."""
        return await people.decide(
            principal,
            request,
            lambda asking: asking.together(customer_id, body.other),
            body=body,
        )

    @routes.post(
        "/unmerge", summary="This merge was wrong", responses=decided(), response_class=Response
    )
    async def unmerge(
        principal: writer, customer_id: CustomerId, request: Keyed, body: UnmergeBody
    ) -> Response:
        """Give back exactly what moved by a merge, and keep the two apart whatever evidence comes."""
        return await people.decide(
            principal,
            request,
            lambda asking: asking.unmerged(customer_id, body.merge_id),
            body=body,
        )


def _keeping_apart(routes: APIRouter, people: Identities) -> None:
    writer = Annotated[Principal, people.writers()]

    @routes.put(
        "/apart/{other_id}",
        summary="These two are not one",
        responses=decided(),
        response_class=Response,
    )
    async def keep_apart(
        principal: writer,
        customer_id: CustomerId,
        other_id: OtherId,
        request: Keyed,
        body: NoteBody | None = None,
    ) -> Response:
        """Let no evidence make one customer of two. Who are one already: see unmerge."""
        return await people.decide(
            principal,
            request,
            lambda asking: asking.kept(DecisionKind.APART, customer_id, other_id),
            body=body,
        )

    @routes.delete(
        "/apart/{other_id}",
        summary="These two may be one again",
        responses=decided(),
        response_class=Response,
    )
    async def let_go(
        principal: writer, customer_id: CustomerId, other_id: OtherId, request: Keyed
    ) -> Response:
        """Let evidence count again. What there is joins them at once."""
        return await people.decide(
            principal,
            request,
            lambda asking: asking.kept(DecisionKind.OPEN, customer_id, other_id),
        )
