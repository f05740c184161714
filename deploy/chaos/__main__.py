"""`python -m chaos`: the crash test at full size, with the figures at the end."""

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from chaos.run import Plan, run
from local_stack.report import Report


def main(
    messages: Annotated[int, typer.Option(help="messages to write")] = Plan.messages,
    per_second: Annotated[float, typer.Option(help="messages a second")] = Plan.per_second,
    kills: Annotated[int, typer.Option(help="SIGKILLs of services")] = Plan.kills,
    seed: Annotated[int, typer.Option(help="order of the kills")] = Plan.seed,
) -> None:
    """Kill services, Kafka and PostgreSQL while customers write; exit 1 unless the timeline is exact."""
    report = Report()
    plan = Plan(messages=messages, per_second=per_second, kills=kills, seed=seed)
    home = Path(tempfile.mkdtemp(prefix="madoguchi-chaos-"))
    home.chmod(0o755)  # PostgreSQL may run as another user
    verdict, deeds = run(plan, home, report)
    report.show(f"{len(deeds)} deeds: {', '.join(deeds)}")
    report.show(f"{'exact' if verdict.is_exact else 'NOT EXACT'}: {verdict}")
    sys.exit(not verdict.is_exact)


if __name__ == "__main__":
    typer.run(main)
