"""`python -m restore`: a backup under load, everything destroyed, restored, with the figures at the end."""

from functools import partial
from typing import Annotated

import typer

from local_stack.report import Report
from local_stack.throwaway import rehearse
from restore.run import Outcome, Plan, run

MEGABYTE = 1_000_000


def main(
    *,
    per_second: Annotated[float, typer.Option(help="messages a second")] = Plan.per_second,
    since: Annotated[
        float, typer.Option(help="seconds between backup and disaster")
    ] = Plan.since_seconds,
    archive: Annotated[
        bool, typer.Option("--archive", help="archive the log, too, and replay it first")
    ] = Plan.archive,
) -> None:
    """Lose PostgreSQL with all data while customers write; exit 1 unless all comes back."""
    plan = Plan(per_second=per_second, since_seconds=since, archive=archive)
    rehearse("restore", partial(run, plan), show)


def show(outcome: Outcome, report: Report) -> None:
    """Print every figure."""
    loss = outcome.loss
    lost = loss.events_before - loss.events_restored
    size = loss.backup_bytes / MEGABYTE
    report.show(f"backup     {size:.0f} MB in {loss.backup_seconds:.1f} s, under load")
    report.show(
        f"lost       {lost} of {loss.events_before} events of the timeline came after what was "
        "restored; Kafka told them anew"
    )
    report.show(
        f"           {loss.unpublished} messages were in an inbox of PostgreSQL only, and are lost "
        "with it unless its log was archived"
    )
    report.show(
        f"restored   {loss.inbox_rows} rows of inboxes, {loss.outbox_rows} of outboxes, published "
        f"again: {outcome.repeated} records on the bus repeat an id"
    )
    report.show(
        f"away       {loss.away_seconds:.1f} s until every service was ready; the timeline was "
        f"exact {loss.caught_up_seconds:.1f} s after the last message"
    )
    report.show(f"bus        {outcome.decided}")
    report.show(f"row by row {outcome.difference}")
    report.show(f"timeline   {outcome.verdict}")


if __name__ == "__main__":
    typer.run(main)
