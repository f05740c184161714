"""The same request twice counts once: header `Idempotency-Key` on requests that change something.

Follows draft-ietf-httpapi-idempotency-key-header. The key is the client's, optional, and kept with
the answer in the transaction of the effect, so there is never one without the other. Only what took
effect is kept: a refused request changed nothing, and may be tried again under its key.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated

import structlog
from fastapi import Header, HTTPException, Request
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from starlette.responses import Response

from common.edges.clock import Clock
from common.edges.database import acting, done_unless_passing
from common.edges.waiting import pause

logger = structlog.get_logger()

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT = timedelta(hours=24)
SWEEP_SECONDS = 600
SWEPT_AT_ONCE = 5000

# The draft writes a key as a quoted string; most clients send it bare. Both are the same key.
_PATTERN = r'^"?[A-Za-z0-9_:./+=-]{1,200}"?$'

_TRY = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:tenant || '|' || :key, 2))")
_FIND = text(
    "SELECT route, fingerprint, status, body FROM idempotency WHERE tenant = :tenant AND key = :key"
)
_KEEP = text(
    "INSERT INTO idempotency (tenant, key, route, fingerprint, status, body, at) "
    "VALUES (:tenant, :key, :route, :fingerprint, :status, :body, :at)"
)
_SWEEP = text(
    "DELETE FROM idempotency WHERE (tenant, key) IN "
    "(SELECT tenant, key FROM idempotency WHERE at < :before ORDER BY at LIMIT :most)"
)


class Asked(Struct, frozen=True):
    """A request that changes something. Two are the same if their `fingerprint` is."""

    key: str | None
    route: str
    fingerprint: bytes


class Answer(Struct, frozen=True):
    """What a request was answered: JSON, or nothing."""

    status: int
    body: bytes


async def asked(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            pattern=_PATTERN,
            description=(
                "any text of yours, new for each intent, such as a UUID: within 24 hours the same "
                "request with the same key takes effect once and is answered the same"
            ),
            examples=["8e03978e-40d5-43e8-bc93-6894a57f9324"],
        ),
    ] = None,
) -> Asked:
    """Return what makes a request the same as another: what is asked. A FastAPI dependency."""
    route = f"{request.method} {request.url.path}"
    parts = (route.encode(), request.url.query.encode(), await request.body())
    digest = hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts))
    return Asked((idempotency_key or "").strip('"') or None, route, digest.digest())


async def once(
    engine: AsyncEngine,
    tenant: str,
    subject: str,
    request: Asked,
    now: datetime,
    act: Callable[[AsyncConnection], Awaitable[Answer]],
) -> Response:
    """Do what is asked in one transaction of `tenant`, or return what it was answered before.

    Raises HTTPException: 409 while the same key is at work, 422 where it was another request's.
    What `act` raises undoes everything, the key included.
    """
    async with acting(engine, tenant) as connection:
        if request.key is None:
            return _response(await act(connection))
        route = f"{subject} {request.route}"
        before = await _claim(connection, tenant, request.key, route, request.fingerprint)
        if before is not None:
            return _response(before, {REPLAYED: "true"})
        answer = await act(connection)
        await connection.execute(
            _KEEP,
            {
                "tenant": tenant,
                "key": request.key,
                "route": route,
                "fingerprint": request.fingerprint,
                "status": answer.status,
                "body": answer.body,
                "at": now,
            },
        )
    return _response(answer)


async def _claim(
    connection: AsyncConnection, tenant: str, key: str, route: str, fingerprint: bytes
) -> Answer | None:
    """Keep a key to this transaction; return what was answered if it was used before."""
    named = {"tenant": tenant, "key": key}
    if not (await connection.execute(_TRY, named)).scalar_one():
        raise HTTPException(409, "a request with this Idempotency-Key is being handled")
    found = (await connection.execute(_FIND, named)).one_or_none()
    if found is None:
        return None
    if (found.route, found.fingerprint) != (route, fingerprint):
        raise HTTPException(422, "this Idempotency-Key was used for another request")
    return Answer(found.status, found.body)


class IdempotencySweep:
    """Forgets keys after their time; a component."""

    name = "idempotency sweep"

    def __init__(self, engine: AsyncEngine, clock: Clock, kept: timedelta = KEPT) -> None:
        self._engine = engine
        self._clock = clock
        self._kept = kept

    async def run(self, stopping: asyncio.Event) -> None:
        """Sweep now and then until `stopping` is set."""
        while not stopping.is_set():
            await done_unless_passing(self.name, self._sweep_all(stopping))
            await pause(stopping, SWEEP_SECONDS)

    async def _sweep_all(self, stopping: asyncio.Event) -> None:
        while await self.sweep() == SWEPT_AT_ONCE and not stopping.is_set():
            pass

    async def sweep(self) -> int:
        """Forget some keys that are old enough. Return how many."""
        parameters = {"before": self._clock() - self._kept, "most": SWEPT_AT_ONCE}
        async with self._engine.begin() as connection:
            return (await connection.execute(_SWEEP, parameters)).rowcount


def _response(answer: Answer, headers: dict[str, str] | None = None) -> Response:
    media_type = "application/json" if answer.body else None
    return Response(answer.body, answer.status, headers, media_type)
