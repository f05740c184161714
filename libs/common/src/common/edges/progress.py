"""Notices a stuck consumer: no progress while there is something to do."""

import asyncio


class Progress:
    """Seconds are the event loop's, which never jump."""

    def __init__(self) -> None:
        self._advanced_at: float | None = None
        self._lag = 0
        self._obstacle: str | None = "not started"

    def advanced(self) -> None:
        """Note that a batch was committed."""
        self._advanced_at = _now()
        self._obstacle = None

    def polled(self, lag: int) -> None:
        """Note that Kafka answered and that `lag` records are still to be handled."""
        if lag == 0 or self._lag == 0:
            self._advanced_at = _now()  # nothing to do, or it has just come
        self._lag = lag
        self._obstacle = None

    def waiting(self, obstacle: str) -> None:
        """Note that something is in the way."""
        self._obstacle = obstacle

    @property
    def behind(self) -> bool:
        """Return whether records were left to be handled when Kafka answered last."""
        return self._lag > 0

    def complaint(self, stuck_after_seconds: float) -> str | None:
        """Return what is wrong, or None."""
        if self._obstacle is not None:
            return self._obstacle
        if self._lag and self._advanced_at is not None:
            still = _now() - self._advanced_at
            if still > stuck_after_seconds:
                return f"no progress for {still:.0f} s with {self._lag} records waiting"
        return None


def _now() -> float:
    return asyncio.get_running_loop().time()
