"""`python -m outage`: the outage test at full size, with the figures at the end."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated

import typer

from local_stack.report import Report
from local_stack.throwaway import rehearse
from outage.phases import Tally
from outage.run import Outcome, Plan, run


def main(
    per_second: Annotated[float, typer.Option(help="messages a second")] = Plan.per_second,
    kafka_away: Annotated[
        float, typer.Option(help="seconds without Kafka")
    ] = Plan.kafka_away_seconds,
    both_away: Annotated[
        float, typer.Option(help="seconds without Kafka and PostgreSQL")
    ] = Plan.both_away_seconds,
) -> None:
    """Take Kafka away, then PostgreSQL too, while customers write; exit 1 unless all was kept."""
    plan = Plan(per_second, kafka_away_seconds=kafka_away, both_away_seconds=both_away)
    rehearse("outage", partial(run, plan), show)


def show(outcome: Outcome, report: Report) -> None:
    """Print every figure."""
    _show_phase(report, "kafka away", outcome.kafka_away)
    _show_phase(report, "both away", outcome.both_away)
    report.show(f"answers with both away: {outcome.answers}")
    report.show(str(outcome.verdict))


def _show_phase(report: Report, name: str, tallies: Mapping[str, Tally]) -> None:
    """Print a line a channel."""
    for channel, found in tallies.items():
        report.show(
            f"{name:<12} {channel:<6} {found.acknowledged} acknowledged, {found.refused} refused, "
            f"slowest acknowledgement {found.slowest * 1000:.0f} ms"
        )


if __name__ == "__main__":
    typer.run(main)
