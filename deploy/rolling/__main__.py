"""`python -m rolling`: every service replaced under load, with the figures at the end."""

from functools import partial
from typing import Annotated

import typer

from local_stack.report import Report
from local_stack.throwaway import rehearse
from outage.phases import CHANNELS
from rolling.findings import told
from rolling.run import Outcome, Plan, run, waited


def main(
    per_second: Annotated[float, typer.Option(help="messages a second")] = Plan.per_second,
    rounds: Annotated[int, typer.Option(help="one service after the other")] = Plan.rounds,
    together: Annotated[int, typer.Option(help="then all at once")] = Plan.together,
) -> None:
    """Replace every service while customers write; exit 1 unless nobody could tell."""
    plan = Plan(per_second=per_second, rounds=rounds, together=together)
    rehearse("rolling", partial(run, plan), show)


def show(outcome: Outcome, report: Report) -> None:
    """Print every figure."""
    rate = len(outcome.tries) / outcome.seconds
    report.show(
        f"{len(outcome.replacements)} replacements in {outcome.seconds:.0f} s, "
        f"under {rate:.0f} messages a second"
    )
    for channel in CHANNELS.values():
        took = waited(outcome.tries, channel)
        report.show(f"acknowledged   {channel:<6} {len(took)} times, {told(took)}")
    for phase in outcome.phases:
        report.show(f"{phase.name:<28} {told(waited(outcome.during(phase)))}")
    report.show(
        f"refused        {len(outcome.refusals)} tries, "
        f"{outcome.refused_connections} connections at the balancer"
    )
    for item in outcome.replacements:
        report.show(
            f"replaced       {item.service:<14} ready after {item.until_ready:.1f} s, "
            f"drained in {item.drain:.1f} s"
        )
    for group, seconds in sorted(outcome.pauses.items()):
        report.show(f"rebalanced     {group:<20} {len(seconds)} times, pauses {told(seconds)}")
    report.show(f"bus            {outcome.decided}; {outcome.repeated} records repeat an id")
    report.show(f"timeline       {outcome.verdict}")


if __name__ == "__main__":
    typer.run(main)
