"""A simulation's report as tables on a terminal."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
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
        yield _table(sheet)
        yield Padding(Text(sheet.note, style="dim"), (0, 0, 1, 0))
    for note in (*report.notes, say.assumed):
        yield Text(note, style="dim")


def _table(sheet: Sheet) -> Table:
    table = Table(title=sheet.title, box=box.SIMPLE_HEAD, title_justify="left")
    for index, head in enumerate(sheet.heads):
        table.add_column(head, justify="left" if index < sheet.texts else "right", overflow="fold")
    for row in sheet.rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
