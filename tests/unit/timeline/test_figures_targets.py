"""Which target counts for a row, and on which side of it a figure keeps it."""

from datetime import date
from typing import Any

import pytest
from tests.unit.timeline.telling import after

from timeline.core.figures import DEFINITIONS, Figure, Sense, Statistic, Unit, tally, value_of
from timeline.core.figures_observations import Measure
from timeline.core.figures_periods import Period
from timeline.core.figures_targets import (
    Judged,
    StoredTarget,
    Target,
    judged,
    target_id,
    target_view,
)

DAY = date(2026, 3, 2)


def target(goal: float | None, **given: Any) -> StoredTarget:
    told: dict[str, Any] = {
        "figure": Figure.CSAT,
        "statistic": Statistic.VALUE,
        "period": Period.DAY,
        "since": date(2026, 1, 1),
        "target": goal,
    }
    made = Target(**(told | given))
    return StoredTarget(target_id("acme", made), made, "supervisor-3", after(0))


def goal_of(cell: dict[str, Any], *targets: StoredTarget) -> float | None:
    found = judged({Statistic.VALUE: 85.0}, cell, DAY, targets).get(Statistic.VALUE)
    return found.target if found else None


def test_the_newest_target_that_is_in_force_counts() -> None:
    old, new = target(80), target(90, since=DAY)
    coming = target(95, since=date(2026, 3, 3))
    assert goal_of({}, old, coming, new) == 90
    assert goal_of({}, coming) is None
    assert goal_of({}, old, target(None, since=DAY)) is None


def test_a_members_own_target_counts_before_the_one_for_all_in_the_order_of_dimensions() -> None:
    everybody = target(80)
    queue = target(90, dimension="queue", member="返品")
    line = target(70, dimension="channel", member="line")
    nobody = target(60, dimension="team", member="")
    assert goal_of({"channel": "line", "queue": "返品"}, everybody, queue, line) == 70
    assert goal_of({"queue": "返品", "channel": "line"}, everybody, queue, line) == 90
    assert goal_of({"queue": "請求"}, everybody, queue, line) == 80
    assert goal_of({"team": None}, everybody, nobody) == 60
    assert goal_of({"queue": "請求"}, queue) is None


@pytest.mark.parametrize(
    ("figure", "value", "kept"),
    [
        (Figure.CSAT, 80.0, True),
        (Figure.CSAT, 79.9, False),
        (Figure.REOPEN_RATE, 80.0, True),
        (Figure.REOPEN_RATE, 80.1, False),
        (Figure.CSAT, None, None),
    ],
)
def test_a_target_is_kept_on_the_side_that_is_better(
    figure: Figure,
    value: float | None,
    kept: bool | None,  # noqa: FBT001 - a case of the test
) -> None:
    one = target(80, figure=figure)
    assert judged({Statistic.VALUE: value}, {}, DAY, [one]) == {
        Statistic.VALUE: Judged(one.id, 80, kept)
    }


def test_targets_that_differ_have_names_that_differ() -> None:
    targets = [
        target(1),
        target(1, dimension="team", member=""),
        target(1, dimension="queue", member=""),
        target(1, since=DAY),
        target(1, period=Period.WEEK),
    ]
    assert len({one.id for one in targets}) == 5
    assert target(2).id == target(1).id


def test_every_figure_has_a_definition_whose_good_ones_are_counted() -> None:
    assert set(DEFINITIONS) == set(Figure)
    measures = {measure for one in DEFINITIONS.values() for measure in one.measures}
    assert measures == set(Measure)
    assert DEFINITIONS[Figure.NPS].sense is Sense.AT_LEAST


def test_nps_takes_detractors_from_promoters_and_leaves_the_rest() -> None:
    told = [("nps", score, 1) for score in range(11)]
    counted = tally(DEFINITIONS[Figure.NPS], told)
    assert (counted.count, counted.numerator) == (11, 2 - 7)
    assert DEFINITIONS[Figure.NPS].unit is Unit.POINTS


def test_a_part_of_nothing_is_no_rate_and_a_count_of_nothing_is_zero() -> None:
    assert value_of(tally(DEFINITIONS[Figure.CSAT], ())) is None
    assert value_of(tally(DEFINITIONS[Figure.CASES_OPENED], ())) == 0


def test_a_target_is_shown_with_its_unit_and_its_better_side() -> None:
    seconds = target(300, figure=Figure.FIRST_RESPONSE_TIME, statistic=Statistic.MEDIAN)
    shown = target_view(seconds)
    assert (shown.id, shown.target, shown.unit, shown.sense) == (
        seconds.id,
        300,
        Unit.SECONDS,
        Sense.AT_MOST,
    )
    assert DEFINITIONS[shown.figure].statistics == (
        Statistic.MEAN,
        Statistic.MEDIAN,
        Statistic.P90,
    )
    assert DEFINITIONS[Figure.CSAT].statistics == (Statistic.VALUE,)
