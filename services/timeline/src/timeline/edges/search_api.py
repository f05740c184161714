"""`GET /v1/search`: where words stand in what was written."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.responses import Response

from common.core.events import Direction
from common.edges.database import ReadConnection, reading
from common.edges.tokens import Principal, TokenVerifier, bearer
from timeline.core.search_cursor import Order, SearchCursor, beginning, read_search_cursor
from timeline.core.search_hits import Hits
from timeline.core.search_query import read_query
from timeline.core.values import canonical, storable, utc
from timeline.edges.access_watch import shows
from timeline.edges.openapi import HITS_ANSWER, refusals
from timeline.edges.reader import current_id
from timeline.edges.search import Filters, Search, contact_row, contacts_of_customer, search

SCOPE = "timeline:read"
MOST_HITS = 100
LONGEST_QUESTION = 200
RETRY_SECONDS = 1

_CANCELED = "57014"  # query_canceled: the statement took longer than it may


class Asked(BaseModel):
    """The parameters of a search."""

    model_config = ConfigDict(frozen=True)

    q: str = Field(
        description="words, all of which must be found; a phrase in quotes",
        min_length=1,
        max_length=LONGEST_QUESTION,
        examples=["返品"],
    )
    channel: str | None = Field(None, description="only of this channel", max_length=40)
    direction: Direction | None = Field(None, description="only what customers, or we, wrote")
    kind: str | None = Field(None, description="only of this kind", max_length=100)
    customer: UUID | None = Field(None, description="only this customer's, current or merged away")
    contact: str | None = Field(None, description="only this contact's", max_length=400)
    case: UUID | None = Field(None, description="only messages of this case")
    since: datetime | None = Field(None, description="what happened then or later")
    until: datetime | None = Field(None, description="what happened before then")
    order: Order = Field(Order.NEWEST, description="what comes first")
    limit: int = Field(20, description="most hits on the page", ge=1, le=MOST_HITS)
    before: str | None = Field(
        None, description="`next` of the page before; none = the first", max_length=200
    )


def search_routes(engine: AsyncEngine, verifier: TokenVerifier, region: str) -> APIRouter:
    """Return `/v1/search`. `engine` is a pool of its own: searches wait for each other only."""
    routes = APIRouter(prefix="/v1", tags=["search"], responses=refusals(401, 403, 404, 422, 503))
    reader = Annotated[Principal, Depends(bearer(verifier, SCOPE))]

    @routes.get(
        "/search",
        summary="Messages and activities in which words stand, in any language",
        responses={200: HITS_ANSWER, **refusals(400)},
        response_class=Response,
    )
    async def find(
        principal: reader, asked: Annotated[Asked, Query()], request: Request
    ) -> Response:
        """Give a page. Two characters are enough in every script; width and case do not matter."""
        try:
            query = read_query(asked.q)
        except ValueError as error:
            raise HTTPException(422, f"q: {error}") from error
        after = _after(asked)
        async with reading(engine, principal.tenant) as connection:
            filters = await _filters(connection, principal.tenant, asked, region)
            wanted = Search(
                tenant=principal.tenant,
                query=query,
                filters=filters,
                after=after,
                limit=asked.limit,
            )
            hits = await _in_time(connection, wanted)
        shows(request, (hit.customer for hit in hits.hits))
        return Response(msgspec.json.encode(hits), media_type="application/json")

    return routes


def _after(asked: Asked) -> SearchCursor:
    if asked.before is None:
        return beginning(asked.order)
    try:
        return read_search_cursor(asked.before, asked.order)
    except ValueError as error:
        raise HTTPException(400, f"before: {error}") from error


async def _filters(connection: ReadConnection, tenant: str, asked: Asked, region: str) -> Filters:
    return Filters(
        channel=asked.channel and storable(asked.channel),
        direction=asked.direction,
        kind=asked.kind and storable(asked.kind),
        case=asked.case,
        since=asked.since and utc(asked.since),
        until=asked.until and utc(asked.until),
        contacts=await _contacts(connection, tenant, asked, region),
    )


async def _contacts(
    connection: ReadConnection, tenant: str, asked: Asked, region: str
) -> tuple[int, ...] | None:
    """Return the contacts that are asked for, None for all. Who has several filters has them all."""
    wanted: list[set[int]] = []
    if asked.customer is not None:
        current = await current_id(connection, tenant, asked.customer)
        if current is None:
            raise HTTPException(404, "no such customer")
        wanted.append(set(await contacts_of_customer(connection, tenant, current)))
    if asked.contact is not None:
        address = canonical(asked.contact.replace("tel: ", "tel:+", 1), region)
        if address is None:
            raise HTTPException(400, "contact: not a contact, want kind:value")
        wanted.append(set(await contact_row(connection, tenant, address)))
    return tuple(sorted(set.intersection(*wanted))) if wanted else None


async def _in_time(connection: ReadConnection, wanted: Search) -> Hits:
    try:
        return await search(connection, wanted)
    except DBAPIError as error:
        if _sqlstate(error) != _CANCELED:
            raise
        raise HTTPException(
            503,
            "the search took too long: add a word or narrow the time",
            {"Retry-After": str(RETRY_SECONDS)},
        ) from error


def _sqlstate(error: DBAPIError) -> Any:
    return getattr(error.orig, "sqlstate", None)
