"""What agents' tools ask: who is this, and what has happened so far."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from starlette.responses import Response

from common.edges.database import reading
from common.edges.tokens import Principal, TokenVerifier, bearer
from timeline.core.pages import page
from timeline.core.values import canonical
from timeline.edges.access_watch import shows
from timeline.edges.asked import (
    SCOPE,
    AskedTimeline,
    CustomerId,
    existing,
    json_answer,
    start_of,
)
from timeline.edges.histories import IN_INDEX_ORDER, entries, holder, whole_page
from timeline.edges.openapi import CUSTOMER_ANSWER, PAGE_ANSWER, refusals
from timeline.edges.plain_pages import plain_pages
from timeline.edges.reader import amendments_of, customer_of, holder_of
from timeline.edges.readers import Readers

ContactQuery = Annotated[
    str,
    Query(
        description="kind and value, as anybody would write them",
        min_length=3,
        max_length=400,
        openapi_examples={
            "mail": {"value": "email:hanako.suzuki@example.jp"},
            "telephone": {"value": "tel:090-1234-5678", "summary": "as written in Japan"},
            "line": {"value": "line:1657000000:U4af4980629"},
        },
    ),
]


def timeline_routes(readers: Readers, verifier: TokenVerifier, region: str) -> APIRouter:
    """Return `/v1/customers`; other tenants' customers do not exist.

    `region` is the ISO 3166 country of telephone numbers in queries that name none.
    """
    routes = APIRouter(prefix="/v1", tags=["timeline"], responses=refusals(401, 403, 404, 422, 503))
    reader = Annotated[Principal, Depends(bearer(verifier, SCOPE))]
    engine = readers.engine

    @routes.get(
        "/customers",
        summary="The customer a contact belongs to",
        responses={200: CUSTOMER_ANSWER, **refusals(400)},
        response_class=Response,
    )
    async def find(principal: reader, contact: ContactQuery, request: Request) -> Response:
        address = canonical(_with_plus(contact), region)
        if address is None:
            raise HTTPException(400, "contact: not a contact, want kind:value")
        async with reading(engine, principal.tenant) as connection:
            found = existing(await holder_of(connection, principal.tenant, address))
            shows(request, [found])
            customer = await customer_of(connection, principal.tenant, found)
        return json_answer(existing(customer))

    @routes.get(
        "/customers/{customer_id}",
        summary="Who a customer is",
        responses={200: CUSTOMER_ANSWER},
        response_class=Response,
    )
    async def show(principal: reader, customer_id: CustomerId) -> Response:
        """Answer for an id that was merged away with the customer it became."""
        async with reading(engine, principal.tenant) as connection:
            customer = await customer_of(connection, principal.tenant, customer_id)
        return json_answer(existing(customer))

    async def answered(principal: Principal, customer_id: UUID, asked: AskedTimeline) -> Response:
        wanted = asked.selection
        start = start_of("before", asked.before, wanted)
        tenant, moment = principal.tenant, wanted.as_of
        if not wanted.chosen:
            whole = await whole_page(readers, tenant, customer_id, wanted, start, asked.limit)
            return json_answer(page(*existing(whole)))
        async with reading(engine, tenant, **IN_INDEX_ORDER) as connection:
            held = existing(await holder(connection, tenant, customer_id, moment))
            found = await entries(connection, tenant, held, wanted, start, asked.limit)
            amendments = await amendments_of(connection, tenant, found.entries, moment)
        return json_answer(page(found, amendments))

    async def timeline(
        principal: reader, customer_id: CustomerId, asked: Annotated[AskedTimeline, Query()]
    ) -> Response:
        """Give a page. The next ones stay as they are while new entries come.

        With filters a page may be short, or even empty, and still have a `next`. A cursor belongs
        to the filters that it was made for.
        """
        return await answered(principal, customer_id, asked)

    routes.add_api_route(
        "/customers/{customer_id}/timeline",
        timeline,
        methods=["GET"],
        summary="A customer's history over all channels, newest first",
        responses={200: PAGE_ANSWER, **refusals(400)},
        response_class=Response,
        route_class_override=plain_pages(verifier, answered),
    )
    return routes


def _with_plus(contact: str) -> str:
    return contact.replace("tel: ", "tel:+", 1)  # a query string's bare plus arrives as a space
