"""Waiting and working beside others: until there is nothing to wait for any more, and by turns."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Iterable
from typing import TypeVar

TURN_SECONDS = 0.005

Item = TypeVar("Item")


async def by_turns(items: Iterable[Item], seconds: float = TURN_SECONDS) -> AsyncIterator[Item]:
    """Yield items to work on; after so many seconds of it whoever else waits gets the event loop."""
    since = time.perf_counter()
    for item in items:
        if time.perf_counter() - since >= seconds:
            await asyncio.sleep(0)
            since = time.perf_counter()
        yield item


async def pause(event: asyncio.Event, seconds: float) -> None:
    """Wait for so many seconds, or until `event` is set, e.g. because the service stops."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


async def work_until(event: asyncio.Event, *work: Coroutine[None, None, None]) -> None:
    """Do the work side by side until `event` is set, then cancel it. Raises what ends it before."""
    over = asyncio.create_task(event.wait())
    tasks = [asyncio.create_task(item) for item in work]
    try:
        done, _ = await asyncio.wait({over, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (over, *tasks):
            task.cancel()
        await asyncio.gather(over, *tasks, return_exceptions=True)
    for task in done:
        task.result()
