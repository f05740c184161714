"""Questions at a steady pace, from a process of their own, whatever the answers do (an open loop)."""

import asyncio
import gc
import multiprocessing
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection as Pipe

import uvloop

from bench.load import Outcome, percentile
from local_stack.ports import LOOPBACK
from pretend.connections import Connection, connect

CONNECTIONS = 64
GRACE_SECONDS = 0.2  # for whoever begins
COMES_FIRST = -10  # a niceness


def get(path: str, token: str) -> bytes:
    """Return a request as it goes over the socket."""
    return (
        f"GET {path} HTTP/1.1\r\nhost: {LOOPBACK}\r\nauthorization: Bearer {token}\r\n\r\n".encode()
    )


def ask(port: int, requests: Sequence[bytes], per_second: float) -> Outcome:
    """Send each request when its time has come; `seconds` count from then, or from when it left before.

    uvloop's timers are whole milliseconds: half of one is the most that a request leaves early.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    work = context.Process(target=_work, args=(port, requests, per_second, there), daemon=True)
    work.start()
    there.close()
    try:
        outcome: Outcome = here.recv()
    except EOFError:
        raise RuntimeError("the load generator has failed") from None
    work.join()
    return outcome


def milliseconds(outcome: Outcome, share: float) -> float:
    """Return below which time `share` (0 to 1) of the answers lay."""
    return percentile(outcome.seconds, share) * 1000


def _work(port: int, requests: Sequence[bytes], per_second: float, told: Pipe) -> None:
    gc.disable()
    # Customers have processors of their own: where we may, what is measured keeps nobody from asking.
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, COMES_FIRST)
    told.send(uvloop.run(_ask(port, requests, per_second)))


async def _ask(port: int, requests: Sequence[bytes], per_second: float) -> Outcome:
    outcome = Outcome()
    now = time.perf_counter  # uvloop's own clock counts whole milliseconds
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await connect(port))
    begins = now() + GRACE_SECONDS

    async def one(request: bytes, due: float) -> None:
        began = min(due, now())
        connection = await free.get()
        if await connection.send(request):
            outcome.accepted += 1
        else:
            outcome.refused += 1
        outcome.seconds.append(now() - began)
        free.put_nowait(connection)

    async with asyncio.TaskGroup() as tasks:
        for number, request in enumerate(requests):
            due = begins + number / per_second
            await asyncio.sleep(max(0.0, due - now()))
            tasks.create_task(one(request, due))
    outcome.lasted = now() - begins
    return outcome
