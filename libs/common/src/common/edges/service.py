"""Running a service: HTTP surface, background work, health, and an orderly end."""

import asyncio
import contextlib
import gc
import os
import resource
import signal
import socket
from collections.abc import Callable, Iterator

import structlog
import uvicorn
import uvloop
from fastapi import FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typing_extensions import override

from common.edges import metrics
from common.edges.components import Components, Work
from common.edges.measuring import Measured
from common.edges.tracing import close_tracing
from common.settings import CommonSettings

logger = structlog.get_logger()

_JSON = "application/json"
# Batches make thousands of values that live for moments and hold no cycles: by Python's own
# thresholds a third of a router's time went into looking for those.
COLLECTION = (20_000, 20, 50)

Check = Callable[[], str | None]


class Health:
    """`/livez`: this process should go on. `/readyz`: it can do its work; says what is missing."""

    def __init__(self) -> None:
        self._ready: dict[str, Check] = {}
        self._notes: dict[str, Check] = {}
        self._alive: dict[str, Check] = {}
        self.draining = False

    def needs(self, name: str, check: Check) -> None:
        """Be not ready while `check` returns what is missing."""
        self._ready[name] = check

    def mentions(self, name: str, check: Check) -> None:
        """Show what `check` returns without being unready for it."""
        self._notes[name] = check

    def dies_of(self, name: str, check: Check) -> None:
        """Ask to be restarted while `check` returns a complaint."""
        self._alive[name] = check

    def missing(self) -> dict[str, str]:
        """Return what keeps this process from its work."""
        draining = {"shutdown": "draining"} if self.draining else {}
        return draining | _complaints(self._ready)

    def notes(self) -> dict[str, str]:
        """Return what an operator should know."""
        return _complaints(self._notes)

    def show(self) -> None:
        """Show in the metrics what is missing and what is noted."""
        for gauge, checks in (
            (metrics.check_missing, self._ready),
            (metrics.check_noted, self._notes),
        ):
            found = _complaints(checks)
            for name in checks:
                gauge.labels(name).set(name in found)

    def fatal(self) -> dict[str, str]:
        """Return what only a restart can mend."""
        return _complaints(self._alive)


class LastAnswers:
    """While the process drains, each answer is the last on its connection.

    Whoever keeps connections open hears so with an answer, and opens the next one elsewhere: a
    connection that is just closed may meet a request that is on its way.
    """

    def __init__(self, app: ASGIApp, health: Health) -> None:
        self._app = app
        self._health = health

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Be an ASGI application."""

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start" and self._health.draining:
                message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
            await send(message)

        await self._app(scope, receive, told)


def health_routes(app: FastAPI, health: Health) -> None:
    """Add `/livez`, `/readyz` and `/metrics`."""

    @app.get(
        "/livez",
        tags=["operations"],
        response_class=PlainTextResponse,
        responses={503: {"description": "Only a restart helps", "content": {_JSON: {}}}},
    )
    async def livez() -> Response:
        fatal = health.fatal()
        return JSONResponse({"fatal": fatal}, 503) if fatal else PlainTextResponse("alive")

    @app.get(
        "/readyz",
        tags=["operations"],
        responses={503: {"description": "What is missing", "content": {_JSON: {}}}},
    )
    async def readyz() -> JSONResponse:
        missing = health.missing()
        body = {"ready": not missing, "missing": missing, "notes": health.notes()}
        return JSONResponse(body, 503 if missing else 200)

    @app.get("/metrics", tags=["operations"], response_class=PlainTextResponse)
    async def metrics(request: Request) -> Response:
        health.show()
        # Exemplars are in OpenMetrics only, which Prometheus asks for.
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(REGISTRY), media_type=media_type)


def instance_name(settings: CommonSettings) -> str:
    """Return a name for this process that its logs and stored objects carry."""
    return settings.instance or f"{socket.gethostname()}-{os.getpid()}"


def run(app: FastAPI, health: Health, components: Components, settings: CommonSettings) -> None:
    """Serve until SIGTERM or SIGINT. Components stop in the order given, each finishing its work.

    Before that, it goes on for `linger_seconds`, not ready any more: until everybody has heard so,
    requests still come.
    """
    gc.freeze()  # what was imported lives as long as the process: never look through it again
    gc.set_threshold(*COLLECTION)
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))  # each stream is one
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(app, health, components, settings))
    close_tracing()


async def _run(
    app: FastAPI, health: Health, components: Components, settings: CommonSettings
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    server = _server(LastAnswers(app, health), settings)
    serving = asyncio.create_task(server.serve(), name="http")
    work = Work(components)
    stopped = asyncio.create_task(stop.wait(), name="signal")
    tasks = {serving, stopped, *work.tasks}
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    health.draining = True
    logger.info("draining", cause=[task.get_name() for task in done])
    if done == {stopped}:
        more, _ = await asyncio.wait(
            tasks - done, timeout=settings.linger_seconds, return_when=asyncio.FIRST_COMPLETED
        )
        done |= more
    # New requests first, so that nothing is added to what the components have to finish.
    server.should_exit = True
    try:
        async with asyncio.timeout(settings.drain_seconds):
            await serving
            await work.finish()
    except TimeoutError:
        logger.error("drain took too long", limit_seconds=settings.drain_seconds)  # noqa: TRY400 - no stack needed
    stopped.cancel()
    for task in done - {stopped}:
        task.result()


class _QuietServer(uvicorn.Server):
    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals are ours


def _server(app: ASGIApp, settings: CommonSettings) -> uvicorn.Server:
    return _QuietServer(
        uvicorn.Config(
            Measured(app),
            host=settings.host,
            port=settings.port,
            http="httptools",
            loop="none",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=settings.keep_alive_seconds,
            timeout_graceful_shutdown=int(settings.drain_seconds),
        )
    )


def _complaints(checks: dict[str, Check]) -> dict[str, str]:
    found = {name: check() for name, check in checks.items()}
    return {name: complaint for name, complaint in found.items() if complaint is not None}
