"""A simulation's report as one HTML page that needs nothing else: no script, no network."""

from collections.abc import Iterator, Sequence
from html import escape
from zoneinfo import ZoneInfo

from router.core.simulation.figures import AgentFigures, Depth, Figures
from router.core.simulation.report import Report
from router.core.wording import Language
from router.edges.plots import Series, bars, columns, lines
from router.edges.simulation_sheets import Sheet, agents, asked, length, moment, sheets
from router.edges.simulation_words import WORDS, Words

TENTHS = 10
TICKS = 9

STYLE = """
:root { color-scheme: light dark; --ink: #1d2129; --paper: #ffffff; --faint: #5b6472;
  --rule: #d5dae2; --stripe: #f4f6f9; --candidate: #0b5fb0; --current: #b25a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --paper: #14171c; --faint: #a3acba;
  --rule: #363d49; --stripe: #1d222a; --candidate: #6cb2f5; --current: #f0a04b; } }
body { margin: 0 auto; padding: 2rem 1rem; max-width: 68rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.6 system-ui, "Hiragino Sans", "Noto Sans CJK JP", Meiryo, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .5rem; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .25rem; }
h3 { font-size: 1rem; margin: 1rem 0 0; font-weight: 600; }
p { margin: .25rem 0 .75rem; } .note { color: var(--faint); font-size: .9rem; }
.wide { overflow-x: auto; } .wide:focus-visible { outline: 2px solid var(--candidate); }
table { border-collapse: collapse; font-size: .85rem; width: 100%; }
th, td { padding: .35rem .6rem; border-bottom: 1px solid var(--rule); text-align: right;
  font-variant-numeric: tabular-nums; white-space: nowrap; vertical-align: top; }
thead th { color: var(--faint); font-weight: 600; white-space: normal; }
.text { text-align: left; } td.text { white-space: pre-line; overflow-wrap: anywhere; }
tbody th { text-align: left; font-weight: 600; white-space: pre-line; min-width: 6rem; }
tbody tr:nth-child(even) { background: var(--stripe); }
figure { margin: 0 0 .5rem; overflow-x: auto; } svg { width: 100%; min-width: 34rem; height: auto; }
svg text { font-size: 11px; fill: var(--faint); } .end { text-anchor: end; }
.middle { text-anchor: middle; } .grid { stroke: var(--rule); } .line { fill: none; stroke-width: 2; }
.line.candidate { stroke: var(--candidate); } .bar.candidate { fill: var(--candidate); }
.line.current { stroke: var(--current); stroke-dasharray: 5 3; } .bar.current { fill: var(--current); }
.key { display: inline-block; width: 1.6rem; height: 0; border-top: 3px solid var(--candidate);
  vertical-align: middle; margin: 0 .4rem 0 1rem; } .key.current { border-top: 3px dashed var(--current); }
summary { cursor: pointer; margin: 1rem 0 .5rem; } ul { padding-left: 1.2rem; }
"""


def page(report: Report, language: Language, zone: ZoneInfo) -> str:
    """Return the whole document. Texts of customers and rules are escaped; nothing in them runs."""
    say = WORDS[language]
    body = "\n".join(_body(report, say, zone))
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(say.title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _body(report: Report, say: Words, zone: ZoneInfo) -> Iterator[str]:
    both = _both(report, say)
    yield f"<h1>{escape(say.title)}</h1>"
    yield f"<p>{escape(asked(report, say, zone))}</p>"
    for sheet in sheets(report, say):
        yield _table(sheet)
        if sheet.title == say.queues:
            yield from _queue_plots(report, say, zone, both)
        if sheet.title == say.agents:
            yield from _busy(report, say, both)
    yield f"<h2>{escape(say.notes)}</h2>"
    notes = "".join(f"<li>{escape(note)}</li>" for note in (*report.notes, say.assumed))
    yield f"<ul>{notes}</ul>"


def _queue_plots(
    report: Report, say: Words, zone: ZoneInfo, both: Sequence[tuple[str, str, Figures]]
) -> Iterator[str]:
    yield _heading(say.waits, say.waits_note)
    yield _legend(both)
    yield _wait_bars(say, both)
    yield _heading(say.depth, say.depth_note.format(minutes=f"{report.candidate.interval / 60:g}"))
    yield _legend(both)
    yield from _depths(report, say, zone, both)


def _both(report: Report, say: Words) -> tuple[tuple[str, str, Figures], ...]:
    """Return name, CSS class and figures of what is compared; the candidate last, on top."""
    new = (say.candidate, "candidate", report.candidate)
    return ((say.current, "current", report.current), new) if report.current else (new,)


def _heading(title: str, note: str) -> str:
    return f'<h2>{escape(title)}</h2>\n<p class="note">{escape(note)}</p>'


def _legend(both: Sequence[tuple[str, str, Figures]]) -> str:
    if len(both) == 1:
        return ""
    keys = "".join(
        f'<span class="key {kind}" aria-hidden="true"></span>{escape(name)}'
        for name, kind, _ in both
    )
    return f'<p class="note">{keys}</p>'


def _table(sheet: Sheet) -> str:
    heads = "".join(
        f'<th scope="col"{_side(index, sheet)}>{escape(head)}</th>'
        for index, head in enumerate(sheet.heads)
    )
    rows = "\n".join(_row(row, sheet) for row in sheet.rows)
    return (
        f"{_heading(sheet.title, sheet.note)}\n"
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(sheet.title)}">'
        f"<table><thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
    )


def _row(row: tuple[str, ...], sheet: Sheet) -> str:
    cells = "".join(
        f"<td{_side(index, sheet)}>{_wrapped(cell)}</td>" for index, cell in enumerate(row) if index
    )
    return f'<tr><th scope="row">{escape(row[0])}</th>{cells}</tr>'


def _wrapped(cell: str) -> str:
    """Return a cell that breaks between what was and what would be."""
    return escape(cell).replace(" → ", " →<br>")


def _side(index: int, sheet: Sheet) -> str:
    return ' class="text"' if index < sheet.texts else ""


def _wait_bars(say: Words, both: Sequence[tuple[str, str, Figures]]) -> str:
    names = sorted({queue.queue for _, _, figures in both for queue in figures.queues})
    waits = [{queue.queue: queue.waits.p90 for queue in figures.queues} for _, _, figures in both]
    series = [
        Series(name, kind, tuple(found.get(queue) or 0.0 for queue in names))
        for (name, kind, _), found in zip(both, waits, strict=True)
    ]
    labels = [tuple(length(found.get(queue), say) for queue in names) for found in waits]
    said = "; ".join(
        f"{name}: {', '.join(f'{queue} {text}' for queue, text in zip(names, texts, strict=True))}"
        for (name, _, _), texts in zip(both, labels, strict=True)
    )
    return f"<figure>{bars(say.waits, said, names, series, labels)}</figure>"


def _depths(
    report: Report, say: Words, zone: ZoneInfo, both: Sequence[tuple[str, str, Figures]]
) -> Iterator[str]:
    span = (report.candidate.end - report.candidate.start) / (TICKS - 1)
    ticks = [moment(report.candidate.start + span * index, zone)[-5:] for index in range(TICKS)]
    for queue in sorted({depth.queue for _, _, figures in both for depth in figures.depths}):
        series = [
            Series(name, kind, tuple(float(most) for most in found.highest))
            for name, kind, figures in both
            if (found := _of(queue, figures))
        ]
        said = "; ".join(
            f"{one.name}: {say.depth_of.format(queue=queue, highest=round(max(one.values)))}"
            for one in series
        )
        plot = lines(queue, said, series, ticks, say.cases_waiting)
        yield f"<h3>{escape(queue)}</h3>\n<figure>{plot}</figure>"


def _of(queue: str, figures: Figures) -> Depth | None:
    return next((depth for depth in figures.depths if depth.queue == queue), None)


def _busy(report: Report, say: Words, both: Sequence[tuple[str, str, Figures]]) -> Iterator[str]:
    ticks = [f"{tenth * 10}–{tenth * 10 + 10} %" for tenth in range(TENTHS)]
    series = [Series(name, kind, _histogram(figures.agents)) for name, kind, figures in both]
    said = "; ".join(
        f"{one.name}: "
        + ", ".join(f"{tick} {many:g}" for tick, many in zip(ticks, one.values, strict=True))
        for one in series
    )
    yield f"<h3>{escape(say.load)}</h3>"
    yield f'<p class="note">{escape(say.load_note)}</p>'
    yield _legend(both)
    yield f"<figure>{columns(say.load, said, series, ticks, say.agents_axis)}</figure>"
    yield f"<details><summary>{escape(say.every_agent)}</summary>"
    yield _table(agents(report, say))
    yield "</details>"


def _histogram(found: Sequence[AgentFigures]) -> tuple[float, ...]:
    """Return how many agents are occupied to which tenth."""
    counts = [0.0] * TENTHS
    for one in found:
        if one.occupancy is not None:
            counts[min(TENTHS - 1, int(one.occupancy * TENTHS))] += 1
    return tuple(counts)
