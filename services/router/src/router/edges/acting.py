"""What people do: one transaction each, begun again where somebody else was faster."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from common.core.errors import TransientError

ATTEMPTS = 5

Done = TypeVar("Done")


class MovedError(TransientError):
    """What was read before it was locked is no longer so: begin the transaction again."""


async def persistently(work: Callable[[], Awaitable[Done]]) -> Done:
    """Return what `work` does in a transaction of its own, begun again on a MovedError."""
    for _ in range(ATTEMPTS - 1):
        try:
            return await work()
        except MovedError:
            continue
    return await work()
