"""Several slow steps at the same time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor


def side_by_side(steps: Sequence[Callable[[], object]]) -> None:
    """Run `steps` at the same time; raise the first error once all have ended."""
    if steps:
        with ThreadPoolExecutor(len(steps)) as pool:
            for running in [pool.submit(step) for step in steps]:
                running.result()
