"""Counts out of Postgres, added up for the periods and dimensions that are asked for.

What a question costs depends on how much was counted in its time, not on how long the history is.
Percentiles are exact: of every duration in seconds there is a count, and they are laid out in order.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Row as Fetched, text
from sqlalchemy.ext.asyncio import AsyncConnection

from common.edges.database import ReadConnection
from timeline.core.figures import (
    DEFINITIONS,
    Definition,
    Dimension,
    Figure,
    Statistic,
    Unit,
    tally,
    value_of,
)
from timeline.core.figures_observations import Measure
from timeline.core.figures_periods import Period, Stretches
from timeline.core.figures_table import FiguresAnswer, Row
from timeline.core.figures_targets import Cell, StoredTarget, judged

MOST_ROWS = 20_000
LONGEST_SECONDS = 10

_STORED = (Dimension.CHANNEL, Dimension.QUEUE, Dimension.PLAN, Dimension.TEAM, Dimension.AGENT)
_RATED = ", ".join(f"'{measure}'" for measure in (Measure.CSAT3, Measure.CSAT5, Measure.NPS))
_TIME_LIMIT = text(f"SET LOCAL statement_timeout = '{LONGEST_SECONDS}s'")


class Question(Struct, frozen=True, kw_only=True):
    """What is asked. `only` are the members that count, by dimension; `""` is who belongs to none."""

    tenant: str
    figure: Figure
    period: Period
    zone: str
    first: date
    until: date
    by: tuple[Dimension, ...] = ()
    only: Mapping[Dimension, tuple[str, ...]] = {}


class TooManyRowsError(ValueError):
    """The answer would have more rows than anybody reads."""


_Key = tuple[Any, ...]  # the place of the span, then a member of each dimension asked for


class _Counted(Struct, frozen=True):
    count: int
    numerator: int | None
    values: dict[Statistic, float | None]


async def figures(
    connection: ReadConnection,
    question: Question,
    time: Stretches,
    targets: Sequence[StoredTarget],
    now: datetime,
) -> FiguresAnswer:
    """Return the answer to a question about this time. Raises TooManyRowsError.

    Without dimensions every period has a row; with them, those in which something counts.
    """
    definition = DEFINITIONS[question.figure]
    await connection.execute(_TIME_LIMIT)
    read = _durations if definition.unit is Unit.SECONDS else _tallies
    counted = await read(connection, question, definition, time)
    if not question.by:
        nothing = _nothing(definition)
        counted = {(place,): counted.get((place,), nothing) for place in range(len(time.spans))}
    rows = tuple(
        _row(question, time, key, counted[key], targets, now) for key in sorted(counted, key=_order)
    )
    return FiguresAnswer(
        figure=question.figure,
        unit=definition.unit,
        period=question.period,
        zone=question.zone,
        first=question.first,
        until=question.until,
        by=question.by,
        statistics=definition.statistics,
        rows=rows,
    )


async def _tallies(
    connection: AsyncConnection, question: Question, definition: Definition, time: Stretches
) -> dict[_Key, _Counted]:
    names = _columns(question)
    query = f"""
        SELECT {_place()}, {names}, measure,
               CASE WHEN measure IN ({_RATED}) THEN value ELSE 0 END AS score,
               CAST(sum(n) AS bigint) AS n
          FROM figure_count WHERE {_where(question)}
         GROUP BY place, hour, {names}, measure, score LIMIT :most
    """  # noqa: S608 - names of our own
    rows = await _fetched(connection, query, question, definition, time)
    by_key: defaultdict[_Key, list[tuple[str, int, int]]] = defaultdict(list)
    for row in rows:
        by_key[_key(question, row)].append((row.measure, row.score, row.n))
    counted: dict[_Key, _Counted] = {}
    for key, told in by_key.items():
        total = tally(definition, told)
        values = {Statistic.VALUE: value_of(total)}
        counted[key] = _Counted(total.count, total.numerator, values)
    return counted


async def _durations(
    connection: AsyncConnection, question: Question, definition: Definition, time: Stretches
) -> dict[_Key, _Counted]:
    names = _columns(question)
    query = f"""
        WITH laid AS (
          SELECT {_place()}, {names}, value, sum(n) AS n FROM figure_count
           WHERE {_where(question)} GROUP BY place, hour, {names}, value
        ), ranked AS (
          SELECT *, sum(n) OVER (PARTITION BY place, hour, {names} ORDER BY value) AS reached,
                 sum(n) OVER (PARTITION BY place, hour, {names}) AS total FROM laid
        )
        SELECT place, hour, {names}, CAST(max(total) AS bigint) AS n,
               CAST(sum(n * value) AS bigint) AS seconds,
               min(value) FILTER (WHERE reached * 2 >= total) AS median,
               min(value) FILTER (WHERE reached * 10 >= total * 9) AS p90
          FROM ranked GROUP BY place, hour, {names} LIMIT :most
    """  # noqa: S608 - names of our own
    rows = await _fetched(connection, query, question, definition, time)
    return {
        _key(question, row): _Counted(
            row.n,
            None,
            {
                Statistic.MEAN: row.seconds / row.n,
                Statistic.MEDIAN: float(row.median),
                Statistic.P90: float(row.p90),
            },
        )
        for row in rows
    }


async def _fetched(
    connection: AsyncConnection,
    query: str,
    question: Question,
    definition: Definition,
    time: Stretches,
) -> Sequence[Fetched[Any]]:
    asked: dict[str, Any] = {
        "tenant": question.tenant,
        "measures": sorted(definition.measures),
        "first": time.starts[0],
        "end": time.end,
        "starts": list(time.starts),
        "places": list(time.places),
        "hours": list(time.hours),
        "most": MOST_ROWS + 1,
        **{f"only_{name}": list(members) for name, members in question.only.items()},
    }
    rows = (await connection.execute(text(query), asked)).all()
    if len(rows) > MOST_ROWS:
        raise TooManyRowsError(f"more than {MOST_ROWS} rows: ask for less time or fewer dimensions")
    return rows


def _place() -> str:
    """Return SQL for the period and the hour of the day that a quarter lies in."""
    stretch = "width_bucket(quarter, CAST(:starts AS int[]))"
    return (
        f"(CAST(:places AS int[]))[{stretch}] AS place, (CAST(:hours AS int[]))[{stretch}] AS hour"
    )


def _columns(question: Question) -> str:
    """Return SQL for the members; never empty, so that it can stand in any list."""
    return ", ".join([*(name for name in _STORED if name in question.by), "tenant"])


def _where(question: Question) -> str:
    conditions = [
        "generation = (SELECT number FROM figure_generation WHERE live)",
        "tenant = :tenant AND measure = ANY(CAST(:measures AS text[]))",
        "quarter >= :first AND quarter < :end",
        *(f"{name} = ANY(CAST(:only_{name} AS text[]))" for name in question.only),
    ]
    return " AND ".join(conditions)


def _key(question: Question, row: Fetched[Any]) -> _Key:
    return row.place, *(getattr(row, name) for name in question.by)


def _order(key: _Key) -> _Key:
    place, *members = key
    return place, *((member == "", member) for member in members)


def _nothing(definition: Definition) -> _Counted:
    if definition.unit is Unit.SECONDS:
        return _Counted(0, None, dict.fromkeys(definition.statistics))
    empty = tally(definition, ())
    return _Counted(0, empty.numerator, {Statistic.VALUE: value_of(empty)})


def _row(
    question: Question,
    time: Stretches,
    key: _Key,
    counted: _Counted,
    targets: Iterable[StoredTarget],
    now: datetime,
) -> Row:
    span = time.spans[key[0]]
    by = {
        name: None if member == "" else member
        for name, member in zip(question.by, key[1:], strict=True)
    }
    return Row(
        start=span.start,
        end=span.end,
        complete=span.end <= now,
        by={str(name): member for name, member in by.items()},
        count=counted.count,
        numerator=counted.numerator,
        values=counted.values,
        targets=judged(counted.values, _cell(question, by), span.start.date(), targets),
    )


def _cell(question: Question, by: Mapping[Dimension, str | int | None]) -> Cell:
    """Return the members that a row is of, those included that alone are asked for."""
    alone = {
        name: members[0] or None for name, members in question.only.items() if len(members) == 1
    }
    return {str(name): member for name, member in {**by, **alone}.items()}
