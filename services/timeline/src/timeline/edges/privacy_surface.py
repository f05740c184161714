"""What the routes on people's rights have in common."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from fastapi import FastAPI, HTTPException
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from starlette.responses import Response

from common.core.erasure import Marker
from common.edges.clock import Clock
from common.edges.idempotency import Answer, Asked, once
from common.edges.objects import ObjectStore
from common.edges.problems import Problem
from common.edges.tokens import Principal, TokenVerifier
from timeline.edges.erasure_asking import ErasureView, HoldView
from timeline.edges.openapi import refusals
from timeline.edges.privacy_answers import (
    ACCESS,
    ERASURE,
    EXPORT,
    HOLD,
    RETENTION,
    AccessPage,
    ExportView,
    RetentionView,
)

WRITE = "privacy:write"
READ = "privacy:read"
AUDIT = "audit:read"

_COMPONENTS = "#/components/schemas/{name}"
_SERVED = {
    ErasureView: ERASURE,
    HoldView: HOLD,
    RetentionView: RETENTION,
    ExportView: EXPORT,
    AccessPage: ACCESS,
}


class Rights(Struct, frozen=True):
    """The edges behind the routes. Without a `marker` nobody can be erased, and nothing is linked."""

    reader: AsyncEngine
    writer: AsyncEngine
    verifier: TokenVerifier
    objects: Callable[[], ObjectStore]
    marker: Marker | None
    clock: Clock
    after_commit: Callable[[], None]

    def key(self) -> Marker:
        """Return what hashes and signs. Raises HTTPException 409 where there is no key."""
        if self.marker is None:
            raise HTTPException(409, "no privacy key is configured: MADOGUCHI_PRIVACY_KEY")
        return self.marker

    async def act(
        self,
        principal: Principal,
        request: Asked,
        status: int,
        work: Callable[[AsyncConnection], Awaitable[Struct | None]],
    ) -> Response:
        """Do something in one transaction, once per idempotency key."""

        async def answered(connection: AsyncConnection) -> Answer:
            shown = await work(connection)
            return Answer(status, b"" if shown is None else msgspec.json.encode(shown))

        response = await once(
            self.writer, principal.tenant, principal.subject, request, self.clock(), answered
        )
        self.after_commit()
        return response


def told(served: type[Struct], description: str) -> dict[str, Any]:
    """Return what the OpenAPI document says of an answer in JSON."""
    schema = {"$ref": _COMPONENTS.format(name=served.__name__)}
    content = {"application/json": {"schema": schema, "example": _SERVED[served]}}
    return {"description": description, "content": content}


def refused(**reasons: str) -> dict[int | str, dict[str, Any]]:
    """Return what the OpenAPI document says of errors: `_409="why"`, and those of every route."""
    own: dict[int | str, dict[str, Any]] = {}
    for name, why in reasons.items():
        status = int(name.removeprefix("_"))
        example = {"type": "about:blank", "title": "…", "status": status, "detail": why}
        schema = {"$ref": _COMPONENTS.format(name=Problem.__name__)}
        content = {"application/problem+json": {"schema": schema, "example": example}}
        own[status] = {"description": why, "content": content}
    return {**refusals(400, 401, 403, 404, 422, 503), **own}


NO_KEY = refused(_409="No privacy key is configured")


def json(answer: Struct, status: int = 200) -> Response:
    """Return an answer in JSON."""
    return Response(msgspec.json.encode(answer), status, media_type="application/json")


def document_rights(app: FastAPI) -> None:
    """Let the app's OpenAPI document hold the schemas that these routes refer to."""
    generate = app.openapi
    _, schemas = msgspec.json.schema_components(list(_SERVED), ref_template=_COMPONENTS)

    def openapi() -> dict[str, Any]:
        document = generate()
        document["components"].setdefault("schemas", {}).update(schemas)
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it
