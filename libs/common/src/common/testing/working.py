"""A service's background work, or its live streams behind its HTTP surface, for the length of a test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from common.edges.components import Component, Components, Work, together
from common.edges.consuming import ConsumingService

ENDING_SECONDS = 20  # for streams that are open at the end


@asynccontextmanager
async def working(components: Components) -> AsyncIterator[None]:
    """Let components work until the end of the block. Raises what one of them failed of."""
    work = Work(components)
    try:
        yield
    finally:
        await work.finish()
        for task in work.tasks:
            task.result()


@asynccontextmanager
async def streaming(service: ConsumingService, hub: type[Component]) -> AsyncIterator[str]:
    """Serve on a free port while only the component of this type works; yield the address."""
    every = (part for one in service.components for part in together(one))
    config = uvicorn.Config(
        service.app,
        port=0,
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=ENDING_SECONDS,
    )
    server = uvicorn.Server(config)
    socket = config.bind_socket()
    async with working([next(part for part in every if isinstance(part, hub))]):
        serving = asyncio.create_task(server.serve([socket]))
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
        service.health.draining = True
        server.should_exit = True
        await serving
