"""Waiting for something with a limit, never for ever."""

import time
from collections.abc import Callable

LEAST_SECONDS, MOST_SECONDS = 0.02, 0.2


def rest(waited: float) -> None:
    """Sleep until the next look, after `waited` seconds so far.

    What comes soon is seen soon; what takes long is not asked all the time, which would take the
    processor from those who are waited for.
    """
    time.sleep(min(MOST_SECONDS, max(LEAST_SECONDS, waited / 10)))


def wait_for(condition: Callable[[], bool], limit: float) -> bool:
    """Return True as soon as `condition()` holds, False if it does not within `limit` seconds."""
    began = time.monotonic()
    while not condition():
        waited = time.monotonic() - began
        if waited > limit:
            return False
        rest(waited)
    return True
