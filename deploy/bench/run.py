"""`make bench`: every stage beside its limit, then the whole path, in one run on one machine."""

import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, TypeVar

import typer

from bench import (
    acknowledgement,
    deciding,
    large,
    mail_parsing,
    path,
    scale,
    stages,
    streams,
    webhooks,
)
from bench.crowd import Sizes
from bench.figures import Figure, merge, show
from common.edges.accounts import load_accounts
from local_stack.layout import ROOT, SERVICES
from local_stack.postgres import SETTINGS, PostgresServer
from local_stack.report import Report
from local_stack.stack import Stack
from local_stack.throwaway import throwaway_home, throwaway_stack

Found = TypeVar("Found")
LARGE = ("decide", "assign", "streams", *large.STAGES)


def main(
    *,
    at_scale: Annotated[bool, typer.Option("--scale", help="the large sizes instead")] = False,
    only: Annotated[str, typer.Option(help=f"of the large ones: {' '.join(LARGE)}")] = "",
    customers: Annotated[int, typer.Option(help="in the large timeline")] = large.CUSTOMERS,
    shared_buffers: Annotated[
        str, typer.Option(help="PostgreSQL's, for the large timeline: else 6/10 of the memory")
    ] = "",
    wal: Annotated[
        Path | None,
        typer.Option(help="a folder for its log meanwhile, where the disk stands still"),
    ] = None,
) -> None:
    """Measure on a stack of its own, print a table, and merge into build/bench.json."""
    report = Report()
    figures: list[Figure] = []
    with throwaway_stack(throwaway_home("bench"), report) as (stack, servers):
        roomy = _roomy(servers.postgres, shared_buffers, wal)
        measured = (
            _measure_large(stack, report, frozenset(only.split() or LARGE), customers, roomy)
            if at_scale
            else iter([_measure(stack, report)])
        )
        for some in measured:
            merge(some)  # what is known is kept, whatever the next stage does
            figures += some
    show(figures)


def _measure(stack: Stack, report: Report) -> list[Figure]:
    accounts = load_accounts(ROOT / "deploy" / "local" / "accounts.yaml", {})
    report.say("bench", "mails by size")
    mails = mail_parsing.measure()
    stack.start_schemas(report)
    report.say("bench", "router and timeline, each alone")
    figures = mails + stages.measure(stack)
    report.say("bench", "webhooks of ingest_sms alone, with Kafka and without")
    twilio = accounts.of_provider("twilio")[0]
    alone = stack.services["ingest_sms"]
    alone.start()
    alone.wait_until_ready()
    figures += webhooks.measure(stack, twilio)
    report.say("bench", "acknowledgements of ingest_sms at a steady pace")
    figures += acknowledgement.measure(stack, twilio)
    stack.start(report)
    report.say("bench", "the whole path, flooded and at half load")
    figures += path.measure(stack, accounts)
    return figures + [_memory(stack, name) for name in SERVICES]


def _measure_large(
    stack: Stack,
    report: Report,
    wanted: frozenset[str],
    customers: int,
    roomy: AbstractContextManager[None],
) -> Iterator[list[Figure]]:
    if unknown := wanted.difference(LARGE):
        raise typer.BadParameter(f"no stages: {', '.join(sorted(unknown))}")
    if "decide" in wanted:
        report.say("bench", "decisions with 200 rules")
        yield [_apart(deciding.decide_messages_per_s)]
    stack.start_schemas(report)
    if "assign" in wanted:
        report.say("bench", "assignment with 15,000 agents and 500,000 waiting cases")
        yield _apart(scale.measure, stack, Sizes())
    if "streams" in wanted:
        report.say("bench", "2,000 live streams on one process")
        yield _apart(streams.measure, stack)
    if asked := wanted.intersection(large.STAGES):
        with roomy:
            yield from large.measure(stack, report, asked, customers)


def _apart(measure: Callable[..., Found], *given: Any) -> Found:
    """Measure in a process of its own: the next stage gets its memory, and Python's own settings."""
    with ProcessPoolExecutor(1, get_context("fork")) as one:
        return one.submit(measure, *given).result()


@contextmanager
def _roomy(postgres: PostgresServer, shared_buffers: str, wal: Path | None) -> Iterator[None]:
    """Start the server anew with more memory, and its log elsewhere if so wanted; stop it in the end."""
    postgres.stop()
    postgres.settings = {
        **SETTINGS,
        "shared_buffers": shared_buffers or f"{_memory_mb() * 6 // 10}MB",
    }
    with TemporaryDirectory(dir=wal) as elsewhere:
        if wal:
            _move(postgres.data / "pg_wal", Path(elsewhere))
        postgres.start()
        try:
            yield
        finally:
            postgres.stop()


def _move(folder: Path, into: Path) -> None:
    """Move a folder elsewhere with its owner, and lead there from where it was."""
    into.chmod(0o755)  # PostgreSQL may run as another user
    subprocess.run(["mv", str(folder), str(into)], check=True)
    folder.symlink_to(into / folder.name)


def _memory_mb() -> int:
    """Return how much memory the machine has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20


def _memory(stack: Stack, name: str) -> Figure:
    identity = stack.services[name].daemon.identity
    status = Path(f"/proc/{identity.pid}/status").read_text() if identity else ""
    kilobytes = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")]
    return Figure(f"{name}_rss_mb", kilobytes[0] / 1024 if kilobytes else 0, "MB")


if __name__ == "__main__":
    typer.run(main)
