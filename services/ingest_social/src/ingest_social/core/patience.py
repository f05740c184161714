"""How long to leave a provider alone."""

LONGEST_PAUSE_SECONDS = 300.0
_MOST_DOUBLINGS = 10


def pause_seconds(failures: int, every: float) -> float:
    """Return the seconds until the next question: `every`, doubled with each failure in a row."""
    if not failures:
        return every
    return min(every * 2.0 ** min(failures - 1, _MOST_DOUBLINGS), max(LONGEST_PAUSE_SECONDS, every))
