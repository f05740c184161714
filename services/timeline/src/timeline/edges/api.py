"""What agents' tools ask: who is this, and what has happened so far."""

from typing import Annotated, TypeVar
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Path, Query
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.responses import Response

from common.edges.database import reading
from common.edges.tokens import Principal, TokenVerifier, bearer
from timeline.core.cursor import NEWEST, Cursor, read_cursor
from timeline.core.pages import page_of
from timeline.core.values import canonical
from timeline.edges.openapi import CUSTOMER_ANSWER, PAGE_ANSWER, refusals
from timeline.edges.reader import (
    amendments_of,
    current_id,
    customer_of,
    entries_before,
    holder_of,
)

Found = TypeVar("Found")

SCOPE = "timeline:read"
MOST_ENTRIES = 200

CustomerId = Annotated[UUID, Path(description="a customer's id, current or merged away")]
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
Limit = Annotated[int, Query(description="most entries on the page", ge=1, le=MOST_ENTRIES)]
Before = Annotated[
    str | None, Query(description="`next` of the page before; none = the newest", max_length=200)
]


def timeline_routes(engine: AsyncEngine, verifier: TokenVerifier, region: str) -> APIRouter:
    """Return `/v1/customers`; other tenants' customers do not exist.

    `region` is the ISO 3166 country of telephone numbers in queries that name none.
    """
    routes = APIRouter(prefix="/v1", tags=["timeline"], responses=refusals(401, 403, 404, 422, 503))
    reader = Annotated[Principal, Depends(bearer(verifier, SCOPE))]

    @routes.get(
        "/customers",
        summary="The customer a contact belongs to",
        responses={200: CUSTOMER_ANSWER, **refusals(400)},
        response_class=Response,
    )
    async def find(principal: reader, contact: ContactQuery) -> Response:
        address = canonical(_with_plus(contact), region)
        if address is None:
            raise HTTPException(400, "contact: not a contact, want kind:value")
        async with reading(engine, principal.tenant) as connection:
            holder = _existing(await holder_of(connection, principal.tenant, address))
            customer = await customer_of(connection, principal.tenant, holder)
        return _json(_existing(customer))

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
        return _json(_existing(customer))

    @routes.get(
        "/customers/{customer_id}/timeline",
        summary="A customer's history over all channels, newest first",
        responses={200: PAGE_ANSWER, **refusals(400)},
        response_class=Response,
    )
    async def timeline(
        principal: reader, customer_id: CustomerId, limit: Limit = 50, before: Before = None
    ) -> Response:
        """Give a page. The next ones stay as they are while new entries come."""
        cursor = _cursor(before)
        async with reading(engine, principal.tenant) as connection:
            current = _existing(await current_id(connection, principal.tenant, customer_id))
            entries = await entries_before(connection, current, cursor, limit + 1)
            amendments = await amendments_of(connection, principal.tenant, entries[:limit])
        return _json(page_of(entries, amendments, limit))

    return routes


def _cursor(before: str | None) -> Cursor:
    try:
        return NEWEST if before is None else read_cursor(before)
    except ValueError as error:
        raise HTTPException(400, "before: not a cursor of ours") from error


def _with_plus(contact: str) -> str:
    return contact.replace("tel: ", "tel:+", 1)  # a query string's bare plus arrives as a space


def _existing(found: Found | None) -> Found:
    if found is None:
        raise HTTPException(404, "no such customer")
    return found


def _json(answer: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json")
