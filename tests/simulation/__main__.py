"""`make theory`: long runs of the simulator beside the formulas."""

from collections.abc import Callable, Iterator

from rich.console import Console
from rich.table import Table
from tests.simulation.theory import (
    ERLANG_C,
    Interval,
    erlang_a,
    erlang_c,
    impatient,
    left,
    share,
    stories,
    waited,
    waits,
    wallace_whitt,
)

CUSTOMERS, BATCHES = 300_000, 40

Row = tuple[str, Callable[[], Interval], float | None]


def rows() -> Iterator[Row]:
    """Yield what to measure, how, and what the formula says."""
    yield (
        "Erlang C, 10 agents, 8 Erlang: P(wait)",
        lambda: share(stories(ERLANG_C, CUSTOMERS, 1), waited, BATCHES),
        erlang_c(10, 8),
    )
    for rate in (0.5, 2.5):
        yield (
            f"Erlang A, 50 agents, 50 Erlang, impatience {rate}: P(leave)",
            lambda rate=rate: share(stories(impatient(rate), CUSTOMERS, 1), left, BATCHES),  # type: ignore[misc]  # the default keeps the loop's value
            erlang_a(50, 50, rate),
        )
    formula = erlang_c(90, 84) / (90 - 84)
    for each, value in ((6, formula), (2, None), (1, None)):
        yield (
            f"Wallace-Whitt, 90 agents, {each} of 6 skills: mean wait",
            lambda each=each: waits(stories(wallace_whitt(each), CUSTOMERS, 1), BATCHES),  # type: ignore[misc]  # as above
            value,
        )


def main() -> None:
    """Print one line a system as soon as it is known."""
    console = Console()
    for name, measure, formula in rows():
        found = measure()
        table = Table.grid(padding=(0, 2))
        said = "" if formula is None else f"formula {formula:.4f}"
        table.add_row(f"{name:62}", f"{found.mean:.4f} ± {found.half:.4f}", said)
        console.print(table)


if __name__ == "__main__":
    main()
