"""What an error looks like to a client: one shape for all (RFC 9457, Problem Details)."""

from http import HTTPStatus
from typing import Any, cast

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.responses import Response

from common.core.errors import TransientError

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 1


class Problem(Struct, frozen=True, kw_only=True):
    """What went wrong. `title` goes with the `status`, `detail` says it for this request."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    """Return the answer that tells of a problem."""
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
    return Response(msgspec.json.encode(body), status, headers, MEDIA_TYPE)


def tell_problems(app: FastAPI) -> None:
    """Make every error of this surface a Problem."""

    @app.exception_handler(HTTPException)
    async def refused(_request: Request, error: Exception) -> Response:
        known = cast("HTTPException", error)
        return problem(known.status_code, str(known.detail), dict(known.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def malformed(_request: Request, error: Exception) -> Response:
        return problem(422, "; ".join(map(_fault, cast("RequestValidationError", error).errors())))

    @app.exception_handler(TransientError)
    async def unavailable(_request: Request, _error: Exception) -> Response:
        return problem(503, "the database is away", {"Retry-After": str(RETRY_SECONDS)})


def _fault(fault: dict[str, Any]) -> str:
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
