"""A sheet is CSV by RFC 4180 that a spreadsheet reads as text and numbers, and runs nothing."""

import csv
import io
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, strategies as st
from tests.unit.timeline.telling import after

from timeline.core.figures import Dimension, Figure, Statistic, Unit
from timeline.core.figures_periods import Period
from timeline.core.figures_table import FiguresAnswer, Row, sheet
from timeline.core.figures_targets import Judged


def answer(**row: Any) -> FiguresAnswer:
    given: dict[str, Any] = {
        "start": after(0),
        "end": after(60),
        "complete": False,
        "by": {"queue": "返品"},
        "count": 3,
        "numerator": -1,
        "values": {Statistic.VALUE: -33.5},
        "targets": {Statistic.VALUE: Judged(UUID(int=1), 10.0, kept=False)},
    } | row
    return FiguresAnswer(
        figure=Figure.NPS,
        unit=Unit.POINTS,
        period=Period.HOUR,
        zone="UTC",
        first=date(2026, 3, 2),
        until=date(2026, 3, 3),
        by=(Dimension.QUEUE,),
        statistics=(Statistic.VALUE,),
        rows=(Row(**given),),
    )


def read_back(written: bytes) -> dict[str, str]:
    [row] = csv.DictReader(io.StringIO(written.decode("utf-8-sig"), newline=""))
    return row


def test_a_sheet_has_a_line_a_row_with_its_target_beside() -> None:
    assert sheet(answer(), byte_order_mark=False).decode() == (
        "figure,unit,start,end,complete,queue,count,numerator,value,target_value,kept_value\r\n"
        "nps,points,2026-03-02T01:00:00+00:00,2026-03-02T02:00:00+00:00,false,返品,3,-1,-33.5,10.0,false\r\n"
    )


def test_what_is_not_known_is_an_empty_field() -> None:
    bare = answer(by={"queue": None}, numerator=None, values={Statistic.VALUE: None}, targets={})
    row = read_back(sheet(bare, byte_order_mark=True))
    assert [row[name] for name in ("queue", "numerator", "value", "target_value", "kept_value")] == [
        "", "", "", "", "",
    ]  # fmt: skip


def test_the_mark_that_excel_wants_is_written_where_it_is_asked_for() -> None:
    assert sheet(answer(), byte_order_mark=True).startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize(
    "name", ["=1+1", "+81", "-2", "@SUM(A1)", "\t=1", "＝1", "＋1", "－1", "＠x"]
)
def test_a_name_that_would_be_a_formula_is_text(name: str) -> None:
    row = read_back(sheet(answer(by={"queue": name}), byte_order_mark=False))
    assert row["queue"] == f"'{name}"


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_whatever_a_queue_is_called_comes_back_as_one_field(name: str) -> None:
    row = read_back(sheet(answer(by={"queue": name}), byte_order_mark=False))
    assert row["queue"] in (name, f"'{name}")
    assert row["count"] == "3"
