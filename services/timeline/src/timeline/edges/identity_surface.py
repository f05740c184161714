"""What the routes on who is who have in common."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from fastapi import Depends
from fastapi.params import Depends as Dependency
from msgspec import Struct
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from starlette.responses import Response

from common.core.identity_events import IdentityDecided
from common.edges.clock import Clock
from common.edges.idempotency import Answer, Asked, once
from common.edges.tokens import Principal, TokenVerifier, bearer
from timeline.core.identity import Merge
from timeline.core.settling import Settled
from timeline.core.values import storable
from timeline.edges.deciding import decide
from timeline.edges.decisions import Asking
from timeline.edges.identity_views import DecisionView, NoteBody, StepView
from timeline.edges.openapi import refusals

READ = "timeline:read"
WRITE = "timeline:write"

Make = Callable[[Asking], Awaitable[IdentityDecided]]
After = Callable[[Asking], Awaitable[None]]
Responses = dict[int | str, dict[str, object]]


class Identities(Struct, frozen=True):
    """The edges behind the routes. `after_commit` tells that something was committed."""

    reader: AsyncEngine
    writer: AsyncEngine
    verifier: TokenVerifier
    clock: Clock
    region: str
    after_commit: Callable[[], None]

    def readers(self) -> Dependency:
        """Let in whoever may see customers."""
        made: Dependency = Depends(bearer(self.verifier, READ))
        return made

    def writers(self) -> Dependency:
        """Let in whoever may say who is who."""
        made: Dependency = Depends(bearer(self.verifier, WRITE))
        return made

    async def decide(
        self,
        principal: Principal,
        request: Asked,
        make: Make,
        *,
        body: NoteBody | None = None,
        after: After | None = None,
    ) -> Response:
        """Carry a decision out, once per idempotency key; answer with what followed from it.

        `body` holds why, in the person's own words.
        """
        note = body.note if body else None

        async def work(connection: AsyncConnection) -> Answer:
            person = storable(principal.subject)
            asking = Asking(connection, principal.tenant, person, self.clock(), note)
            decision, settled = await decide(connection, principal.tenant, lambda: make(asking))
            if after is not None:
                await after(asking)
            return Answer(200, decision_view(decision, settled).model_dump_json().encode())

        answer = await once(
            self.writer, principal.tenant, principal.subject, request, self.clock(), work
        )
        self.after_commit()
        return answer


def decision_view(decision: UUID, settled: Settled) -> DecisionView:
    """Return what followed from a decision, as it is shown."""
    shown = [(isinstance(step, Merge), StepView.model_validate(step)) for step in settled.steps]
    return DecisionView(
        decision_id=decision,
        merged=[step for merged, step in shown if merged],
        unmerged=[step for merged, step in shown if not merged],
    )


def answers(model: type[BaseModel], description: str) -> dict[int | str, dict[str, object]]:
    """Return what the OpenAPI document says of an answer."""
    return {200: {"model": model, "description": description}}


def answer_of(model: BaseModel) -> Response:
    """Return an answer that is valid already: FastAPI would look at every field once more."""
    return Response(model.model_dump_json(), media_type="application/json")


def decided() -> dict[int | str, dict[str, object]]:
    """Return what the OpenAPI document says of the answer to a decision."""
    return {**answers(DecisionView, "What followed from it"), **refusals(400, 409)}
