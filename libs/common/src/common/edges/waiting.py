"""Waiting that ends early when there is nothing to wait for any more."""

import asyncio


async def pause(event: asyncio.Event, seconds: float) -> None:
    """Wait for so many seconds, or until `event` is set, e.g. because the service stops."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
