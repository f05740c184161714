"""`python -m router simulate`: what would happen under other rules, or with other people."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn
from zoneinfo import ZoneInfo

import msgspec
import typer
from msgspec.structs import replace
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from router.core.loading import Loaded, RulesError, load as load_rules
from router.core.policy import Policy, compiled
from router.core.simulation.load import Load, read_load
from router.core.simulation.report import Asked, Report
from router.core.wording import Language
from router.edges.simulating import Tell, generated_report, staffing_of
from router.edges.simulation_page import page
from router.edges.simulation_terminal import report_tables
from router.settings import Settings

CURRENT = "current"


class Spoken(StrEnum):
    """The languages that reports can be in."""

    EN = "en"
    JA = "ja"


def simulate(
    *,
    rules: Annotated[Path, typer.Option(help="the rules to try", exists=True)],
    start: Annotated[datetime, typer.Option("--from", help="first moment, by the company's clock")],
    end: Annotated[datetime, typer.Option("--to", help="the moment after the last")],
    against: Annotated[
        str | None,
        typer.Option(help="rules to compare with: a file, or `current` for those in force"),
    ] = None,
    load: Annotated[
        Path | None,
        typer.Option(help="a load file; without it, recorded history is used", exists=True),
    ] = None,
    team: Annotated[
        str | None, typer.Option(help="with --load: how many people does this team need?")
    ] = None,
    around: Annotated[int, typer.Option(help="people more and fewer to try", min=0)] = 2,
    runs: Annotated[int, typer.Option(help="with --team: runs of other customers", min=1)] = 5,
    seed: Annotated[int, typer.Option(help="with --load: which customers are drawn")] = 1,
    examples: Annotated[int, typer.Option(help="decisions to show side by side", min=0)] = 50,
    tenant: Annotated[str, typer.Option(help="whose recorded history")] = "acme",
    lang: Annotated[Spoken | None, typer.Option(help="the company's language by default")] = None,
    json: Annotated[Path | None, typer.Option(help="write the report as JSON to this file")] = None,
    html: Annotated[Path | None, typer.Option(help="write the report as a page")] = None,
) -> None:
    """Print what would happen: waits, promises kept, occupancy, and what goes elsewhere."""
    loaded = _loaded(rules)
    language: Language = lang.value if lang else loaded.rules.language
    candidate = compiled(loaded.rules, loaded.version, language)
    zone = ZoneInfo(candidate.desks[candidate.default_queue].hours.zone.key)
    asked = Asked(
        candidate=str(rules),
        start=start.replace(tzinfo=zone),
        end=end.replace(tzinfo=zone),
        current=against,
        load=str(load) if load else None,
        seed=seed if load else None,
    )
    if asked.end <= asked.start:
        _refuse("--to must be later than --from")
    current = _current(against, language)
    if load is None:
        _refuse("recorded history cannot be read yet: give a load file")
    people = _read_load(load, loaded)
    if team is not None and team not in people.teams:
        _refuse(f"{load} has no team called {team}")
    with _progress() as tell:
        report = generated_report(asked, people, candidate, current, examples, tell)
        if team is not None:
            least = max(0, people.teams[team].people - around)
            numbers = range(least, people.teams[team].people + around + 1)
            found = staffing_of(asked, people, candidate, team, numbers, runs, tell)
            report = replace(report, staffing=found)
    _show(report, language, zone, json, html)


def _show(
    report: Report, language: Language, zone: ZoneInfo, json: Path | None, html: Path | None
) -> None:
    Console(soft_wrap=False).print(report_tables(report, language, zone))
    if json is not None:
        json.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2))
    if html is not None:
        html.write_text(page(report, language, zone), "utf-8")


def _current(against: str | None, language: Language) -> Policy | None:
    if against is None:
        return None
    loaded = _loaded(Settings().rules if against == CURRENT else Path(against))
    return compiled(loaded.rules, loaded.version, language)


def _loaded(file: Path) -> Loaded:
    try:
        return load_rules(file.read_bytes())
    except RulesError as error:
        _refuse(_listed(file, error))
    except OSError as error:
        _refuse(f"{file}: {error.strerror}")


def _read_load(file: Path, rules: Loaded) -> Load:
    try:
        return read_load(file.read_bytes(), rules.rules)
    except RulesError as error:
        _refuse(_listed(file, error))


@contextmanager
def _progress() -> Iterator[Tell]:
    """Show a bar on the terminal's error stream that fills once for each run."""
    bar = Progress(
        TextColumn("simulating"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task("", total=1.0)
        yield lambda part: bar.update(task, completed=part)


def _listed(file: Path, error: RulesError) -> str:
    return "\n".join(f"{file}:{problem.line}: {problem.reason}" for problem in error.problems)


def _refuse(reason: str) -> NoReturn:
    typer.echo(reason, err=True)
    raise typer.Exit(1)
