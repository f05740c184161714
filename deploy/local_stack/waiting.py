"""Waiting for something with a limit, never for ever."""

import time
from collections.abc import Callable

POLL_SECONDS = 0.05


def wait_for(condition: Callable[[], bool], limit: float) -> bool:
    """Return True as soon as `condition()` holds, False if it does not within `limit` seconds."""
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(POLL_SECONDS)
    return True
