"""How long to leave somebody alone who has just failed us."""

_MOST_DOUBLINGS = 20


def pause_seconds(failures: int, first: float, longest: float) -> float:
    """Return the seconds before the next try: `first`, doubled with each further failure in a row."""
    return min(longest, first * 2.0 ** min(max(failures - 1, 0), _MOST_DOUBLINGS))
