"""`python -m outage`: the outage test at full size, with the figures at the end."""

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from local_stack.report import Report
from outage.phases import Tally
from outage.run import Plan, run


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
    report = Report()
    home = Path(tempfile.mkdtemp(prefix="madoguchi-outage-"))
    home.chmod(0o755)  # PostgreSQL may run as another user
    plan = Plan(per_second, kafka_away_seconds=kafka_away, both_away_seconds=both_away)
    outcome = run(plan, home, report)
    show(report, "kafka away", outcome.kafka_away)
    show(report, "both away", outcome.both_away)
    report.show(f"answers with both away: {outcome.answers}")
    for complaint in outcome.complaints:
        report.show(f"NOT AS PROMISED: {complaint}")
    report.show(str(outcome.verdict))
    sys.exit(bool(outcome.complaints))


def show(report: Report, name: str, tallies: Mapping[str, Tally]) -> None:
    """Print a line a channel."""
    for channel, found in tallies.items():
        report.show(
            f"{name:<12} {channel:<6} {found.acknowledged} acknowledged, {found.refused} refused, "
            f"slowest acknowledgement {found.slowest * 1000:.0f} ms"
        )


if __name__ == "__main__":
    typer.run(main)
