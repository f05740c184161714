"""A simulation's report as tables on a terminal."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from router.core.simulation.report import Report
from router.core.wording import Language
from router.edges.simulation_sheets import Sheet, asked, sheets
from router.edges.simulation_words import WORDS


def report_tables(report: Report, language: Language, zone: ZoneInfo) -> RenderableType:
    """Return the report as a supervisor reads it on a terminal."""
    return Group(*_parts(report, language, zone))


def _parts(report: Report, language: Language, zone: ZoneInfo) -> Iterator[RenderableType]:
    say = WORDS[language]
    yield Text(asked(report, say, zone), style="bold")
    for sheet in sheets(report, say):
        yield Text(f"\n{sheet.title}", style="bold")
        yield _table(sheet)
        yield Text(sheet.note, style="dim")
    for note in (*report.notes, say.assumed):
        yield Text(f"\n{note}", style="dim")


def _table(sheet: Sheet) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    for index, head in enumerate(sheet.heads):
        table.add_column(head, justify="left" if index < sheet.texts else "right", overflow="fold")
    for row in sheet.rows:
        table.add_row(*(Text(cell.replace(" → ", "\N{NO-BREAK SPACE}→\n")) for cell in row))
    return table
