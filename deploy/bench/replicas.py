"""`make bench-replicas`: what more replicas give, and how long nobody handles a partition when they change."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from bench import rebalancing, scaling
from bench.figures import Figure, merge, show
from local_stack.report import Report
from local_stack.stack import Stack
from local_stack.throwaway import throwaway_stack

STAGES = (*scaling.PLANS, "pauses")


def main(
    *,
    only: Annotated[str, typer.Option(help=f"of {' '.join(STAGES)}")] = " ".join(STAGES),
    seconds: Annotated[float, typer.Option(help="that each number of replicas is watched")] = 10,
    session: Annotated[
        float, typer.Option(help="seconds after which a silent replica counts as dead")
    ] = rebalancing.SESSION_SECONDS,
) -> None:
    """Measure on a stack of its own, print a table, and merge into build/bench.json."""
    wanted = frozenset(only.split())
    if unknown := wanted.difference(STAGES):
        raise typer.BadParameter(f"no stages: {', '.join(sorted(unknown))}")
    report = Report()
    home = Path(tempfile.mkdtemp(prefix="madoguchi-bench-"))
    home.chmod(0o755)  # PostgreSQL may run as another user
    figures: list[Figure] = []
    with throwaway_stack(home, report) as (stack, _):
        stack.start_schemas(report)
        for some in _measured(stack, report, wanted, seconds, session):
            merge(some)  # what is known is kept, whatever the next stage does
            figures += some
    show(figures)


def _measured(
    stack: Stack, report: Report, wanted: frozenset[str], seconds: float, session: float
) -> Iterator[list[Figure]]:
    for service, plan in scaling.PLANS.items():
        if service in wanted:
            watched = msgspec.structs.replace(plan, window=seconds)
            yield scaling.measure(stack, report, service, watched)
    if "pauses" in wanted:
        yield rebalancing.measure(stack, report, session)


if __name__ == "__main__":
    typer.run(main)
