"""Waiting and working that end early, when there is nothing to wait or work for any more."""

import asyncio
from collections.abc import Coroutine


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
