"""The one webhook edge: everything that is not a provider's own habit."""

import re
from collections.abc import Mapping
from time import perf_counter
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from common.core.adapters import (
    Adapter,
    Answer,
    ChannelAccount,
    Original,
    Outcome,
    with_certificate,
)
from common.core.errors import BackPressureError, TransientError
from common.edges import metrics
from common.edges.accounts import Accounts
from common.edges.certificates import Certificates
from common.edges.clock import Clock
from common.edges.credentials import Credentials
from common.edges.outbound import Outbound
from common.edges.ports import Accepting
from common.edges.problems import MEDIA_TYPE, problem
from common.edges.tracing import exemplar

logger = structlog.get_logger()

PATH = "/v1/webhooks/{provider}/{account}"
_WEBHOOK = re.compile(r"/v1/webhooks/([^/]+)/([^/]+)")

CONFIRMATION_LIMIT_BYTES = 65_536


_TEXT: dict[str, Any] = {"text/plain": {"schema": {"type": "string"}}}
_ANYTHING: dict[str, Any] = {
    "application/json": {"schema": {}},
    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
}
_TAKEN: dict[str, Any] = {
    "description": "Taken, and durable",
    # The latter: what Twilio does with a customer's message, which is nothing.
    "content": _TEXT | {"text/xml": {"schema": {"type": "string"}}},
}
_OURS: dict[str, Any] = {
    "description": "Taken, or the answer to a provider's check of our address",
    "content": _TAKEN["content"] | {"application/json": {"schema": {"type": "object"}}},
}
_REFUSED: dict[int | str, dict[str, Any]] = {
    401: {"description": "The signature is missing or wrong; nothing was stored", "content": _TEXT},
    403: {"description": "The signature is wrong; nothing was stored", "content": _TEXT},
    404: {"description": "No such account", "content": {MEDIA_TYPE: {}}},
    406: {"description": "The body is over the limit: Mailgun's last word", "content": _TEXT},
    413: {"description": "The body is over the limit", "content": _TEXT},
    503: {"description": "Nothing can be stored now; deliver again", "content": _TEXT},
}


class TooLargeError(Exception):
    """The body is over the limit; reading stopped there."""


class WebhookEdge:
    """Authenticates over the raw bytes, keeps the message durably, then answers."""

    def __init__(
        self,
        adapters: Mapping[str, Adapter],
        accounts: Accounts,
        intake: Accepting,
        clock: Clock,
        outbound: Outbound,
        limit_bytes: int,
    ) -> None:
        self._adapters = adapters
        self._accounts = accounts
        self._intake = intake
        self._clock = clock
        self._outbound = outbound
        self._certificates = Certificates(outbound)
        self._credentials = Credentials(
            account for provider in adapters for account in accounts.of_provider(provider)
        )
        self._limit = limit_bytes

    def complaint(self) -> str | None:
        """Return which accounts' credentials seem not to work, or None."""
        return self._credentials.complaint()

    async def handle(self, request: Request, provider: str, account: str) -> Response:
        """Answer one request of a provider."""
        adapter = self._adapters.get(provider)
        known = self._accounts.find(provider, account)
        if adapter is None or known is None:
            metrics.webhook_requests.labels("unknown", "unknown", "unknown").inc()
            return problem(404, "no such account")
        began = perf_counter()
        outcome, response = await self._handle(request, adapter, known)
        metrics.webhook_seconds.labels(provider).observe(perf_counter() - began, exemplar())
        metrics.webhook_requests.labels(provider, account, outcome).inc()
        return response

    async def _handle(
        self, request: Request, adapter: Adapter, account: ChannelAccount
    ) -> tuple[str, Response]:
        try:
            body = await read_body(request, self._limit)
        except TooLargeError:
            return Outcome.TOO_LARGE, _response(adapter.answer(Outcome.TOO_LARGE))
        original = _original(request, account, body, self._clock)
        challenge = adapter.challenge(original, account)
        if challenge is not None:
            return "challenge", _response(challenge)
        outcome = await self._accept(adapter, original, account)
        return outcome, _response(adapter.answer(outcome))

    async def _accept(
        self, adapter: Adapter, original: Original, account: ChannelAccount
    ) -> Outcome:
        try:
            if not await self._authentic(adapter, original, account):
                return Outcome.UNAUTHENTIC
            await self._intake.accept(original, account)
            # Last: a call that fails makes the provider deliver again, which changes nothing else.
            if url := adapter.confirmation(original, account):
                await self._outbound.get(url, CONFIRMATION_LIMIT_BYTES)
        except (TransientError, BackPressureError) as error:
            logger.warning("message not taken", provider=account.provider, error=str(error))
            return Outcome.UNAVAILABLE
        return Outcome.ACCEPTED

    async def _authentic(
        self, adapter: Adapter, original: Original, account: ChannelAccount
    ) -> bool:
        """Whether the provider sent this. Raises TransientError where that cannot be told now."""
        trusting = account
        if url := adapter.certificate(original, account):
            pem = await self._certificates.find(url, original.received_at)
            trusting = with_certificate(account, url, pem)
        authentic = adapter.authentic(original, trusting)
        note = self._credentials.accepted if authentic else self._credentials.refused
        note(account)
        return authentic


class WebhookGate:
    """Hands webhooks to the edge and everything else on.

    Routing and FastAPI's search for parameters are a third of what a request costs, and a webhook
    has none: its route below is there for the OpenAPI document.
    """

    def __init__(self, app: ASGIApp, edge: WebhookEdge) -> None:
        self._app = app
        self._edge = edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer `GET` and `POST /v1/webhooks/{provider}/{account}`."""
        if scope["type"] == "http" and scope["method"] in ("GET", "POST"):
            match = _WEBHOOK.fullmatch(scope["path"])
            if match:
                response = await self._edge.handle(Request(scope, receive), *match.groups())
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)


def add_webhook_routes(app: FastAPI, edge: WebhookEdge) -> None:
    """Add `/v1/webhooks/{provider}/{account}`; GET is for checks of the address, and for Vonage."""
    app.add_middleware(WebhookGate, edge=edge)

    @app.post(
        PATH,
        operation_id="receive_webhook",
        summary="Receive what a provider delivers",
        tags=["webhooks"],
        response_class=PlainTextResponse,
        responses=_REFUSED | {200: _TAKEN},
        openapi_extra={"requestBody": {"content": _ANYTHING}},
    )
    async def receive(request: Request, provider: str, account: str) -> Response:
        """Take the raw bytes, whatever they are: signatures cover them."""
        return await edge.handle(request, provider, account)

    @app.get(
        PATH,
        operation_id="check_webhook",
        summary="Answer a provider's check of our address",
        tags=["webhooks"],
        response_class=PlainTextResponse,
        responses=_REFUSED | {200: _OURS},
    )
    async def check(request: Request, provider: str, account: str) -> Response:
        """Answer the challenge in the query, or take what a provider delivers by GET."""
        return await edge.handle(request, provider, account)


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """Return the raw body. Raises TooLargeError without reading past the limit."""
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > limit_bytes:
        raise TooLargeError
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit_bytes:
            raise TooLargeError
    return bytes(body)


def _original(request: Request, account: ChannelAccount, body: bytes, clock: Clock) -> Original:
    query = request.url.query
    return Original(
        provider=account.provider,
        account=account.account,
        received_at=clock(),
        body=body,
        headers={name.lower(): value for name, value in request.headers.items()},
        url=f"{account.public_url}?{query}" if query else account.public_url,
        method=request.method,
    )


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, media_type=answer.media_type)
