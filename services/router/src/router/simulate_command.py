"""`python -m router simulate`: what would happen under other rules, or with other people."""

import asyncio
import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec
import typer
from msgspec import Struct
from msgspec.structs import replace
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from common.core.errors import TransientError
from common.edges.database import create_reader_engine
from router.command_line import SERVICE, Spoken, listed, loaded, refuse
from router.core.loading import Loaded, RulesError
from router.core.policy import Policy, compiled
from router.core.rules import DURATION, seconds
from router.core.simulation.history import History
from router.core.simulation.load import Load, read_load
from router.core.simulation.report import Asked, Report
from router.core.simulation.staffing import Staffing
from router.core.wording import Language
from router.edges.recorded import recorded
from router.edges.simulating import Tell, generated_report, recorded_report, staffing_of
from router.edges.simulation_page import page
from router.edges.simulation_terminal import report_tables
from router.edges.simulation_words import WORDS
from router.rules_command import resolved
from router.settings import Settings


class Staffed(Struct, frozen=True):
    """The team whose number is asked for, how many more and fewer to try, over how many runs."""

    team: str | None
    around: int
    runs: int


def _duration(text: str) -> str:
    """Return a duration such as 1h30m as it is. Raises BadParameter."""
    if not re.match(DURATION, text):
        raise typer.BadParameter("a duration such as 30m, 8h or 1h30m")
    return text


def simulate(
    *,
    rules: Annotated[Path, typer.Option(help="the rules to try", exists=True)],
    start: Annotated[datetime, typer.Option("--from", help="first moment, by the company's clock")],
    end: Annotated[datetime, typer.Option("--to", help="the moment after the last")],
    against: Annotated[
        str | None,
        typer.Option(
            help="rules to compare with: a file, a version, or `current` for those in force"
        ),
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
    handling: Annotated[
        str, typer.Option(help="how long a case takes if no recorded one tells", parser=_duration)
    ] = "10m",
    lang: Annotated[Spoken | None, typer.Option(help="the company's language by default")] = None,
    json: Annotated[Path | None, typer.Option(help="write the report as JSON to this file")] = None,
    html: Annotated[Path | None, typer.Option(help="write the report as a page")] = None,
) -> None:
    """Print what would happen: waits, promises kept, occupancy, and what goes elsewhere."""
    tried = loaded(rules)
    language: Language = lang.value if lang else tried.rules.language
    candidate = compiled(tried.rules, tried.version)
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
        refuse("--to must be later than --from")
    current = _current(against)
    with _uncollected(), _progress() as tell:
        if load is not None:
            people = _read_load(load, tried)
            report = generated_report(asked, people, candidate, current, examples, tell)
            rows = _rows(asked, people, candidate, Staffed(team, around, runs), tell)
            report = replace(report, staffing=rows)
        else:
            history = _history(tenant, asked)
            otherwise, say = timedelta(seconds=seconds(handling)), WORDS[language]
            report = recorded_report(
                asked, history, candidate, current, examples, otherwise, say, tell
            )
    _show(report, language, zone, json, html)


def _rows(
    asked: Asked, load: Load, policy: Policy, staffed: Staffed, tell: Tell
) -> tuple[Staffing, ...]:
    if staffed.team is None:
        return ()
    if staffed.team not in load.teams:
        refuse(f"{asked.load} has no team called {staffed.team}")
    people = load.teams[staffed.team].people
    numbers = range(max(0, people - staffed.around), people + staffed.around + 1)
    return staffing_of(asked, load, policy, staffed.team, numbers, staffed.runs, tell)


def _history(tenant: str, asked: Asked) -> History:
    async def read() -> History:
        engine = create_reader_engine(Settings().database, SERVICE)
        try:
            return await recorded(engine, tenant, asked.start, asked.end)
        finally:
            await engine.dispose()

    try:
        return asyncio.run(read())
    except TransientError as error:
        refuse(str(error))


def _show(
    report: Report, language: Language, zone: ZoneInfo, json: Path | None, html: Path | None
) -> None:
    Console(soft_wrap=False).print(report_tables(report, language, zone))
    if json is not None:
        json.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2))
    if html is not None:
        html.write_text(page(report, language, zone), "utf-8")


def _current(against: str | None) -> Policy | None:
    if against is None:
        return None
    rules = resolved(against)
    return compiled(rules.rules, rules.version)


def _read_load(file: Path, rules: Loaded) -> Load:
    try:
        return read_load(file.read_bytes(), rules.rules)
    except RulesError as error:
        refuse(listed(file, error))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the collector of cycles away: it would look through millions of values, and find none."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


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
