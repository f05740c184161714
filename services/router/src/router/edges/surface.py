"""What every part of the HTTP surface needs: who may ask, where to read, and how to act."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol, TypeVar

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.params import Depends as Dependency
from msgspec import Struct
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from starlette.responses import Response

from common.edges.clock import Clock
from common.edges.idempotency import Answer, Asked, once
from common.edges.problems import problem
from common.edges.tokens import Principal, TokenVerifier, bearer
from router.core.policy import Policy
from router.core.steps import ConflictError
from router.edges.acting import persistently

READ = "routing:read"
AGENT = "routing:agent"
SUPERVISE = "routing:supervise"

Found = TypeVar("Found")
Act = Callable[[AsyncConnection, datetime], Awaitable[BaseModel | None]]


class Rules(Protocol):
    """Where the rules in force are."""

    @property
    def policy(self) -> Policy:
        """Return them, ready to decide with."""
        ...


class Surface(Struct, frozen=True):
    """The edges behind the routes. `after_commit` tells that something was committed."""

    reader: AsyncEngine
    writer: AsyncEngine
    verifier: TokenVerifier
    rules: Rules
    clock: Clock
    after_commit: Callable[[], None]

    def readers(self) -> Dependency:
        """Let in whoever may see queues, cases and agents."""
        return self._only(READ, SUPERVISE)

    def agents(self) -> Dependency:
        """Let in agents and supervisors."""
        return self._only(AGENT, SUPERVISE)

    def supervisors(self) -> Dependency:
        """Let in supervisors."""
        return self._only(SUPERVISE)

    def everybody(self) -> Dependency:
        """Let in whoever has to do with routing at all."""
        return self._only(READ, AGENT, SUPERVISE)

    async def act(self, principal: Principal, request: Asked, work: Act) -> Response:
        """Do something in one transaction, once per idempotency key; answer with what `work` returns."""

        async def answered(connection: AsyncConnection) -> Answer:
            shown = await work(connection, self.clock())
            if shown is None:
                return Answer(204, b"")
            return Answer(200, shown.model_dump_json().encode())

        response = await persistently(
            lambda: once(
                self.writer,
                principal.tenant,
                principal.subject,
                request,
                self.clock(),
                answered,
            )
        )
        self.after_commit()
        return response

    def _only(self, *scopes: str) -> Dependency:
        made: Dependency = Depends(bearer(self.verifier, *scopes))
        return made


def supervises(principal: Principal) -> bool:
    """Whether somebody may act for others."""
    return SUPERVISE in principal.scopes


def must_be_self(principal: Principal, agent: str) -> None:
    """Refuse an agent who asks about another one."""
    if principal.subject != agent and not supervises(principal):
        raise HTTPException(403, "an agent sees and does only what is his own")


def existing(found: Found | None, what: str) -> Found:
    """Return what was found, or refuse with 404."""
    if found is None:
        raise HTTPException(404, f"no such {what}")
    return found


def tell_conflicts(app: FastAPI) -> None:
    """Answer 409 and how things stand where what was asked does not fit any more."""

    @app.exception_handler(ConflictError)
    async def conflict(_request: Request, error: Exception) -> Response:
        return problem(409, str(error))
