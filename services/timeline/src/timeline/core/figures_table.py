"""Figures as an answer: a row a period and cell, as JSON and as a sheet."""

import csv
import io
from collections.abc import Iterable
from datetime import date, datetime

from msgspec import Struct, field

from timeline.core.figures import Dimension, Figure, Statistic, Unit
from timeline.core.figures_periods import Period
from timeline.core.figures_targets import Judged

# What a spreadsheet takes for the beginning of a formula (OWASP, CSV Injection); in Japanese input
# the full-width ones are the same keys.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
BYTE_ORDER_MARK = "\ufeff"


class Row(Struct, frozen=True, kw_only=True):
    """A period and a cell. `count` is how many there are, `numerator` how many of them are good.

    A member None is whatever has none: no agent yet, a team nobody told of. `complete`: its time is
    over, so that only what was late in coming will change it.
    """

    start: datetime
    end: datetime
    complete: bool
    by: dict[str, str | int | None]
    count: int
    numerator: int | None
    values: dict[Statistic, float | None]
    targets: dict[Statistic, Judged]


class FiguresAnswer(Struct, frozen=True, kw_only=True):
    """What was asked for and what is the case."""

    figure: Figure
    unit: Unit
    period: Period
    zone: str = field(name="tz")
    first: date = field(name="from")
    until: date
    by: tuple[Dimension, ...]
    statistics: tuple[Statistic, ...]
    rows: tuple[Row, ...]


def sheet(answer: FiguresAnswer, *, byte_order_mark: bool) -> bytes:
    """Return the answer as CSV (RFC 4180) in UTF-8: a header, then a line a row.

    With `byte_order_mark` Excel knows that it is UTF-8. A name that Excel would take for a formula
    is preceded by an apostrophe.
    """
    file = io.StringIO(newline="")
    writer = csv.writer(file)  # its defaults are RFC 4180's, CRLF included
    writer.writerow(_header(answer))
    writer.writerows(_line(answer, row) for row in answer.rows)
    mark = BYTE_ORDER_MARK if byte_order_mark else ""
    return (mark + file.getvalue()).encode()


def _header(answer: FiguresAnswer) -> list[str]:
    return [
        *("figure", "unit", "start", "end", "complete"),
        *answer.by,
        *("count", "numerator"),
        *answer.statistics,
        *(f"{part}_{statistic}" for statistic in answer.statistics for part in ("target", "kept")),
    ]


def _line(answer: FiguresAnswer, row: Row) -> list[object]:
    return [
        *(answer.figure, answer.unit, row.start.isoformat(), row.end.isoformat()),
        _truth(row.complete),
        *(_harmless(row.by[name]) for name in answer.by),
        *(row.count, _written(row.numerator)),
        *(_written(row.values[statistic]) for statistic in answer.statistics),
        *_judgements(answer.statistics, row),
    ]


def _judgements(statistics: Iterable[Statistic], row: Row) -> Iterable[object]:
    for statistic in statistics:
        judged = row.targets.get(statistic)
        yield _written(judged.target if judged else None)
        yield _truth(judged.kept if judged else None)


def _harmless(member: str | int | None) -> object:
    text = str(_written(member))
    return f"'{text}" if text.startswith(_FORMULA) else text


def _written(value: object) -> object:
    return "" if value is None else value


def _truth(value: bool | None) -> str:  # noqa: FBT001 - a value, not a switch
    return "" if value is None else str(value).lower()
