"""A customer at a glance."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from common.edges.clock import Clock
from common.edges.sessions import Questions
from common.edges.tokens import Principal, TokenVerifier, bearer
from timeline.core.head import head_of
from timeline.edges.asked import SCOPE, CustomerId, existing, json_answer
from timeline.edges.head import known_of
from timeline.edges.openapi import HEAD_ANSWER, refusals


def head_routes(questions: Questions, verifier: TokenVerifier, clock: Clock) -> APIRouter:
    """Return `/v1/customers/{id}/head`; other tenants' customers do not exist."""
    routes = APIRouter(prefix="/v1", tags=["timeline"], responses=refusals(401, 403, 404, 422, 503))
    reader = Annotated[Principal, Depends(bearer(verifier, SCOPE))]

    @routes.get(
        "/customers/{customer_id}/head",
        summary="A customer at a glance: open cases, last agents, satisfaction, signs of leaving",
        responses={200: HEAD_ANSWER},
        response_class=Response,
    )
    async def head(principal: reader, customer_id: CustomerId) -> Response:
        """Give each figure with its definition and the events behind it.

        Cases and answers are those that the figures have counted, a moment behind the history.
        """
        known = existing(await known_of(questions, principal.tenant, customer_id))
        return json_answer(head_of(known, clock()))

    return routes
