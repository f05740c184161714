"""`/v1/customers/{id}/conversations`: what was said with a customer, one conversation at a time."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.responses import Response

from common.edges.database import reading
from common.edges.tokens import Principal, TokenVerifier, bearer
from timeline.core.conversations import conversations_of
from timeline.core.fold import present
from timeline.core.pages import page
from timeline.core.selection import Order, Selection
from timeline.core.values import utc
from timeline.edges.asked import (
    SCOPE,
    AskedPage,
    CustomerId,
    existing,
    json_answer,
    start_of,
)
from timeline.edges.conversations import talks
from timeline.edges.histories import IN_INDEX_ORDER, entries, holder
from timeline.edges.openapi import CONVERSATIONS_ANSWER, PAGE_ANSWER, refusals
from timeline.edges.reader import amendments_of

ConversationId = Annotated[UUID, Path(description="a conversation's id")]


class AskedConversations(AskedPage):
    """The parameters of a page of conversations."""

    before: str | None = Field(
        None, description="`next` of the page before; none = the newest", max_length=200
    )
    until: datetime | None = Field(None, description="as if what happened then or later had not")


class AskedConversation(AskedPage):
    """The parameters of a page of one conversation."""

    after: str | None = Field(
        None, description="`next` of the page before; none = the beginning", max_length=200
    )


def conversations_routes(engine: AsyncEngine, verifier: TokenVerifier) -> APIRouter:
    """Return a customer's conversations; other tenants' customers do not exist."""
    routes = APIRouter(
        prefix="/v1/customers/{customer_id}",
        tags=["timeline"],
        responses=refusals(400, 401, 403, 404, 422, 503),
    )
    reader = Annotated[Principal, Depends(bearer(verifier, SCOPE))]

    @routes.get(
        "/conversations",
        summary="A customer's conversations, the one with the newest message first",
        responses={200: CONVERSATIONS_ANSWER},
        response_class=Response,
    )
    async def conversations(
        principal: reader, customer_id: CustomerId, asked: Annotated[AskedConversations, Query()]
    ) -> Response:
        """Give a page. A conversation is a mail's thread, a chat, or a pair of numbers."""
        wanted = Selection(as_of=asked.moment, until=asked.until and utc(asked.until))
        mark = b"conversations" + wanted.mark
        start = start_of("before", asked.before, wanted, mark)
        tenant = principal.tenant
        async with reading(engine, tenant, **IN_INDEX_ORDER) as connection:
            held = existing(await holder(connection, tenant, customer_id, wanted.as_of))
            found, ended = await talks(connection, tenant, held, wanted, start, asked.limit + 1)
            last = [talk.last for talk in found[: asked.limit]]
            amendments = await amendments_of(connection, tenant, last, wanted.as_of)
        items = {item.id: item for item in present(last, amendments)}
        return json_answer(conversations_of(found, items, asked.limit, mark, ended))

    @routes.get(
        "/conversations/{conversation_id}",
        summary="What was written in a conversation, oldest first",
        responses={200: PAGE_ANSWER},
        response_class=Response,
    )
    async def conversation(
        principal: reader,
        customer_id: CustomerId,
        conversation_id: ConversationId,
        asked: Annotated[AskedConversation, Query()],
    ) -> Response:
        """Give a page, of this customer's part of it. One of nobody is empty.

        Pages may be short, or even empty, and still have a `next`: hand it back as `after`. The last
        page of a conversation that goes on has none; ask it again for what is new.
        """
        wanted = Selection(conversation=conversation_id, as_of=asked.moment, order=Order.OLDEST)
        start = start_of("after", asked.after, wanted)
        tenant = principal.tenant
        async with reading(engine, tenant, **IN_INDEX_ORDER) as connection:
            held = existing(await holder(connection, tenant, customer_id, wanted.as_of))
            found = await entries(connection, tenant, held, wanted, start, asked.limit)
            amendments = await amendments_of(connection, tenant, found.entries, wanted.as_of)
        return json_answer(page(found, amendments, wanted.order))

    return routes
