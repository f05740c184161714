"""`make bench-replicas`: what more replicas give, and how long nobody handles a partition when they change."""

from collections.abc import Iterator, Mapping
from typing import Annotated

import msgspec
import typer

from bench import rebalancing, scaling
from bench.figures import Figure, merge, show
from local_stack.report import Report
from local_stack.stack import Stack
from local_stack.throwaway import throwaway_home, throwaway_stack

STAGES = (*scaling.PLANS, "pauses")


def main(
    *,
    only: Annotated[str, typer.Option(help=f"of {' '.join(STAGES)}")] = " ".join(STAGES),
    counts: Annotated[
        str, typer.Option(help="numbers of replicas, the first to compare with")
    ] = "1 2 4",
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
    figures: list[Figure] = []
    numbers = tuple(map(int, counts.split()))
    plans = {
        service: msgspec.structs.replace(plan, counts=numbers, window=seconds)
        for service, plan in scaling.PLANS.items()
        if service in wanted
    }
    with throwaway_stack(throwaway_home("bench"), report) as (stack, _):
        stack.start_schemas(report)
        for some in _measured(stack, report, plans, session if "pauses" in wanted else None):
            merge(some)  # what is known is kept, whatever the next stage does
            figures += some
    show(figures)


def _measured(
    stack: Stack, report: Report, plans: Mapping[str, scaling.Plan], session: float | None
) -> Iterator[list[Figure]]:
    if session is not None:
        yield rebalancing.measure(stack, report, session)
    for service, plan in plans.items():
        yield scaling.measure(stack, report, service, plan)


if __name__ == "__main__":
    typer.run(main)
