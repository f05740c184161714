"""`/v1/accounts`: a company, its people, and what happened with all of them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from common.edges.database import reading
from common.edges.tokens import Principal
from timeline.core.pages import page
from timeline.core.values import storable
from timeline.edges.access_watch import shows
from timeline.edges.accounts_questions import account_of, contacts_of, people_of, whose
from timeline.edges.accounts_views import AccountView, PeoplePage
from timeline.edges.asked import AskedTimeline, existing, json_answer, start_of
from timeline.edges.histories import IN_INDEX_ORDER, Holder, entries
from timeline.edges.identity_surface import Identities, answer_of, answers
from timeline.edges.openapi import PAGE_ANSWER, refusals
from timeline.edges.reader import amendments_of

NOBODY = UUID(int=0)  # a history of many has no one customer
LEFT_OUT = "Madoguchi-Contacts-Left-Out"

AccountRef = Annotated[
    str,
    Path(
        description="the company's id in the system that publishes profiles",
        min_length=1,
        max_length=500,
        examples=["A-77"],
    ),
]


def account_routes(people: Identities) -> APIRouter:
    """Return the routes; other tenants' companies do not exist."""
    routes = APIRouter(
        prefix="/v1/accounts/{account_ref}",
        tags=["companies"],
        responses=refusals(401, 403, 404, 422, 503),
    )
    _who(routes, people)
    _history(routes, people)
    return routes


def _who(routes: APIRouter, people: Identities) -> None:
    reader = Annotated[Principal, people.readers()]

    @routes.get(
        "",
        summary="A company and its contracts",
        responses=answers(AccountView, "The company"),
        response_class=Response,
    )
    async def show(principal: reader, account_ref: AccountRef) -> Response:
        async with reading(people.reader, principal.tenant) as connection:
            ref = storable(account_ref)
            found = existing(await account_of(connection, principal.tenant, ref), "account")
        return answer_of(found)

    @routes.get(
        "/people",
        summary="Who belongs to a company",
        responses=answers(PeoplePage, "A page of people"),
        response_class=Response,
    )
    async def members(
        principal: reader,
        account_ref: AccountRef,
        request: Request,
        after: Annotated[UUID | None, Query(description="`next` of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=200, description="most people on the page")] = 50,
    ) -> Response:
        """Tell whom profiles that name the company are about."""
        tenant, ref = principal.tenant, storable(account_ref)
        async with reading(people.reader, tenant) as connection:
            existing(await account_of(connection, tenant, ref), "account")
            found = await people_of(connection, tenant, ref, after, limit + 1)
        shown = list(found[:limit])
        shows(request, [one.customer_id for one in shown])
        answer = PeoplePage(
            people=shown, next=shown[-1].customer_id if len(found) > limit else None
        )
        return answer_of(answer)


def _history(routes: APIRouter, people: Identities) -> None:
    reader = Annotated[Principal, people.readers()]
    header = {LEFT_OUT: {"schema": {"type": "integer"}, "description": "contacts not looked at"}}

    @routes.get(
        "/timeline",
        summary="What happened with all people of a company, newest first",
        responses={200: {**PAGE_ANSWER, "headers": header}, **refusals(400)},
        response_class=Response,
    )
    async def timeline(
        principal: reader,
        account_ref: AccountRef,
        asked: Annotated[AskedTimeline, Query()],
        request: Request,
    ) -> Response:
        """Give a page, with the filters and cursors of a customer's history.

        Who belongs to the company is asked today, also with `as_of`. Of a company with more than
        5000 contacts the newest of them are looked at, and a header says how many were not.
        """
        wanted = asked.selection
        start = start_of("before", asked.before, wanted)
        tenant, ref = principal.tenant, storable(account_ref)
        async with reading(people.reader, tenant, **IN_INDEX_ORDER) as connection:
            existing(await account_of(connection, tenant, ref), "account")
            contacts, left_out = await contacts_of(connection, tenant, ref)
            held = Holder(NOBODY, tuple(contacts))
            found = await entries(connection, tenant, held, wanted, start, asked.limit)
            seen = await whose(connection, tenant, [entry.contact for entry in found.entries])
            shows(request, seen)
            said = await amendments_of(connection, tenant, found.entries, wanted.as_of)
        answer = json_answer(page(found, said))
        if left_out:
            answer.headers[LEFT_OUT] = str(left_out)
        return answer
