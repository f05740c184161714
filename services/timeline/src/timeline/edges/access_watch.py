"""Sees who is let in by which route, and lets no answer leave before that is on record.

It stands around the whole surface, so that a route that is added later is watched as well.
"""

import asyncio
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.core.errors import TransientError
from common.edges.clock import Clock
from common.edges.problems import problem
from common.edges.tokens import ADMITTED, Principal
from timeline.core.access import Access
from timeline.edges.access_log import AccessLog

LONGEST = 200
_SHOWN = "shown_customers"
_CUSTOMER = "customer_id"
_MOST_SHOWN = 200


def shows(request: Request, customers: Iterable[UUID]) -> None:
    """Say whose data an answer holds, where the route's path does not name them."""
    setattr(request.state, _SHOWN, list(dict.fromkeys(customers))[:_MOST_SHOWN])


class AccessWatch:
    """An ASGI middleware."""

    def __init__(self, app: ASGIApp, log: AccessLog, clock: Clock) -> None:
        self._app = app
        self._log = log
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does, after the record; 503 where none can be written."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        watch = _Watch(self._log, self._clock, scope)
        scope.setdefault("state", {})[ADMITTED] = watch.admitted
        refused = False

        async def guarded(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start":
                try:
                    await watch.recorded()
                except TransientError:
                    refused = True
                    await problem(503, "access cannot be recorded now; try again")(
                        scope, receive, send
                    )
            if not refused:
                await send(message)

        try:
            await self._app(scope, receive, guarded)
        finally:
            # Else scope and watch hold each other, and all that was kept for the request stays
            # until the garbage collector looks for such, which stops everybody for 10 ms.
            del scope["state"][ADMITTED]


class _Watch:
    """What is on record of one request."""

    def __init__(self, log: AccessLog, clock: Clock, scope: Scope) -> None:
        self._log = log
        self._clock = clock
        self._scope = scope
        self._principal: Principal | None = None
        self._records: list[asyncio.Future[None]] = []

    def admitted(self, principal: Principal) -> None:
        """Begin to record, while the answer is being made, where the path says whom it is about."""
        if self._principal is not None:
            return
        self._principal = principal
        if (customer := _id(self._scope.get("path_params", {}).get(_CUSTOMER))) is not None:
            self._add(principal, customer)

    async def recorded(self) -> None:
        """Return when all is committed. Raises TransientError."""
        if self._principal is None:
            return  # nobody was let in
        if not self._records:
            shown: list[UUID | None] = list(self._scope["state"].get(_SHOWN, ())) or [None]
            for customer in shown:
                self._add(self._principal, customer)
        await self._log.committed(self._records)

    def _add(self, principal: Principal, customer: UUID | None) -> None:
        access = Access(
            tenant=principal.tenant,
            at=self._clock(),
            subject=_storable(principal.subject),
            route=_storable(f"{self._scope['method']} {self._scope['path']}"),
            customer=customer,
            request_id=_request_id(self._scope),
        )
        self._records.append(self._log.add(access))


def _id(value: Any) -> UUID | None:
    try:
        return UUID(str(value)) if value else None
    except ValueError:
        return None


def _request_id(scope: Scope) -> str:
    """Return what the caller or a proxy names the request: `x-request-id`, else `traceparent`."""
    headers = dict(scope["headers"])
    given: bytes = headers.get(b"x-request-id") or headers.get(b"traceparent") or b""
    return _storable(given.decode("latin-1"))


def _storable(text: str) -> str:
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()[:LONGEST]
