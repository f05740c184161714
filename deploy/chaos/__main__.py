"""`python -m chaos`: the crash test at full size, with the figures at the end."""

from functools import partial
from typing import Annotated

import typer

from chaos.run import Outcome, Plan, run
from local_stack.report import Report
from local_stack.throwaway import rehearse


def main(
    messages: Annotated[int, typer.Option(help="messages to write at least")] = Plan.messages,
    per_second: Annotated[float, typer.Option(help="messages a second")] = Plan.per_second,
    kills: Annotated[int, typer.Option(help="SIGKILLs of services")] = Plan.kills,
    seed: Annotated[int, typer.Option(help="order of the kills")] = Plan.seed,
) -> None:
    """Kill services, Kafka and PostgreSQL while customers write; exit 1 unless the timeline is exact."""
    plan = Plan(messages=messages, per_second=per_second, kills=kills, seed=seed)
    rehearse("chaos", partial(run, plan), show)


def show(outcome: Outcome, report: Report) -> None:
    """Print every figure."""
    report.show(f"{len(outcome.deeds)} deeds: {', '.join(outcome.deeds)}")
    report.show(str(outcome.verdict))


if __name__ == "__main__":
    typer.run(main)
