"""Rate, errors and duration of what others ask of us, by HTTP or in a session."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.core.traces import read_trace_parent, trace_name
from common.edges import metrics
from common.edges.tracing import exemplar

UNMEASURED = ("/livez", "/readyz", "/metrics")
WEBHOOKS = "/v1/webhooks/"  # have metrics of their own, by provider and account
NO_ROUTE = "none"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_STREAM = (b"content-type", b"text/event-stream")


class Measured:
    """An ASGI application around another. A path as it was asked for is never a label."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, and count it."""
        if scope["type"] != "http" or _is_unmeasured(scope["path"]):
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        try:
            await self._app(scope, receive, answer.send)
        finally:
            answer.count(scope)


class _Answer:
    """What is sent, and when. Before anything is sent the status is that of a failure."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._began = _now()
        self._stream_began: float | None = None
        self._status = 500

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            if any(_is_stream(*header) for header in message.get("headers", ())):
                self._stream_began = _now()
        await self._send(message)

    def count(self, scope: Scope) -> None:
        route = getattr(scope.get("route"), "path", NO_ROUTE)
        method = scope["method"] if scope["method"] in METHODS else "other"
        seconds = (self._stream_began or _now()) - self._began
        metrics.http_requests.labels(route, method, self._status).inc()
        metrics.http_seconds.labels(route, method).observe(seconds, _callers_trace(scope))


class Taken:
    """How long a message of a session takes, from now on."""

    def __init__(self, protocol: str) -> None:
        self._protocol = protocol
        self._began = _now()

    def answered(self, *outcomes: str) -> None:
        """Count the answer; of LMTP there is one for each recipient."""
        for outcome in outcomes:
            metrics.session_messages.labels(self._protocol, outcome).inc()
        seconds = _now() - self._began
        metrics.session_seconds.labels(self._protocol).observe(seconds, exemplar())


def _is_unmeasured(path: str) -> bool:
    return path in UNMEASURED or path.startswith(WEBHOOKS)


def _is_stream(name: bytes, value: bytes) -> bool:
    return name.lower() == _STREAM[0] and value.startswith(_STREAM[1])


def _callers_trace(scope: Scope) -> dict[str, str] | None:
    """Return the trace that whoever asks is in, for an exemplar."""
    given = dict(scope["headers"]).get(b"traceparent", b"")
    context = read_trace_parent(given.decode("latin-1"))
    return {"trace_id": trace_name(context.trace_id)} if context else None


def _now() -> float:
    return asyncio.get_running_loop().time()
