"""Plots as inline SVG: no script, no font and no picture from elsewhere, colours by the page's CSS.

Every plot has a title and a description that a screen reader says in its place.
"""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import count

from msgspec import Struct

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 720, 44, 12, 10, 28
STEPS = (1, 2, 5)


class Series(Struct, frozen=True):
    """Values of one kind; `kind` is the CSS class of its colour, `name` is said in the legend."""

    name: str
    kind: str
    values: tuple[float, ...]


def lines(title: str, said: str, series: Sequence[Series], ticks: Sequence[str], unit: str) -> str:
    """Return a stepped line for each series; `ticks` are spread evenly under the whole width."""
    height = 180
    top = nice(max((value for one in series for value in one.values), default=0))
    frame = [*_levels(top, height, unit), *_below(ticks, height)]
    paths = (
        f'<path class="line {one.kind}" d="{_stepped(one.values, top, height)}"/>' for one in series
    )
    return _svg(title, said, height, (*frame, *paths))


def bars(
    title: str,
    said: str,
    names: Sequence[str],
    series: Sequence[Series],
    labels: Sequence[tuple[str, ...]],
) -> str:
    """Return a group of horizontal bars for each name; `labels` are written beside the bars."""
    thick, left = 14, 130
    group = thick * len(series) + 12
    top = max((value for one in series for value in one.values), default=0) or 1
    scale = (WIDTH - left - 130) / top
    parts = []
    for row, name in enumerate(names):
        y = 6 + row * group
        middle = y + thick * len(series) / 2 + 4
        parts.append(f'<text class="end" x="{left - 8}" y="{middle:.1f}">{escape(name)}</text>')
        for place, one in enumerate(series):
            wide, above = one.values[row] * scale, y + place * thick
            parts.append(
                f'<rect class="bar {one.kind}" x="{left}" y="{above}" width="{wide:.1f}" '
                f'height="{thick - 3}"/><text x="{left + wide + 6:.1f}" y="{above + 9}">'
                f"{escape(labels[place][row])}</text>"
            )
    return _svg(title, said, 6 + len(names) * group, parts)


def columns(
    title: str, said: str, series: Sequence[Series], ticks: Sequence[str], unit: str
) -> str:
    """Return upright bars, one of each series over each tick."""
    height = 180
    top = nice(max((value for one in series for value in one.values), default=0))
    slot = (WIDTH - LEFT - RIGHT) / max(1, len(ticks))
    wide = slot * 0.8 / max(1, len(series))
    parts = [*_levels(top, height, unit)]
    for index, tick in enumerate(ticks):
        x = LEFT + index * slot
        for place, one in enumerate(series):
            y = _y(one.values[index], top, height)
            parts.append(
                f'<rect class="bar {one.kind}" x="{x + slot * 0.1 + place * wide:.1f}" '
                f'y="{y:.1f}" width="{wide - 1:.1f}" height="{height - BOTTOM - y:.1f}"/>'
            )
        parts.append(
            f'<text class="middle" x="{x + slot / 2:.1f}" y="{height - 10}">{escape(tick)}</text>'
        )
    return _svg(title, said, height, parts)


def nice(highest: float) -> float:
    """Return a round number that is not below the highest value: 1, 2 or 5 with zeros, times four."""
    for power in count(0):
        for step in STEPS:
            if step * 10**power * 4 >= highest:
                return float(step * 10**power * 4)
    raise AssertionError  # count never ends


def _svg(title: str, said: str, height: float, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(said)}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def _y(value: float, top: float, height: float) -> float:
    return height - BOTTOM - value / top * (height - BOTTOM - TOP)


def _levels(top: float, height: float, unit: str) -> Iterator[str]:
    for level in range(5):
        value = top * level / 4
        y = _y(value, top, height)
        yield f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
        yield f'<text class="end" x="{LEFT - 6}" y="{y + 4:.1f}">{value:g}</text>'
    yield f'<text x="{LEFT + 4}" y="{TOP + 10}">{escape(unit)}</text>'


def _below(ticks: Sequence[str], height: float) -> Iterator[str]:
    space = (WIDTH - LEFT - RIGHT) / max(1, len(ticks) - 1)
    for index, tick in enumerate(ticks):
        side = "end" if index == len(ticks) - 1 else "middle" if index else ""
        x = LEFT + index * space
        yield f'<text class="{side}" x="{x:.1f}" y="{height - 10}">{escape(tick)}</text>'


def _stepped(values: Sequence[float], top: float, height: float) -> str:
    wide = (WIDTH - LEFT - RIGHT) / max(1, len(values))
    steps = (
        f"{'M' if not index else 'V'}"
        + (f"{LEFT} " if not index else "")
        + f"{_y(value, top, height):.1f}H{LEFT + (index + 1) * wide:.1f}"
        for index, value in enumerate(values)
    )
    return "".join(steps)
