"""A simulation's report as sheets of words, for the terminal and for the page alike."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from router.core.simulation.comparing import Brief, Differences
from router.core.simulation.figures import AgentFigures, Figures, QueueFigures
from router.core.simulation.report import Report
from router.core.simulation.staffing import Staffing
from router.edges.simulation_words import Words

Cells = tuple[str, ...]

MINUTE, HOUR = 60, 3600


class Sheet(Struct, frozen=True, kw_only=True):
    """A table. The first `texts` columns are words, the others figures; the first names the row."""

    title: str
    note: str
    heads: Cells
    rows: tuple[Cells, ...]
    texts: int = 1


def asked(report: Report, say: Words, zone: ZoneInfo) -> str:
    """Return the question in a sentence."""
    question = report.asked
    sentence = say.asked_load if question.load else say.asked_recorded
    sentence = sentence.format(
        candidate=question.candidate,
        load=question.load,
        seed=question.seed,
        start=moment(question.start, zone),
        end=moment(question.end, zone),
    )
    if question.current is None:
        return sentence
    versus = say.versus.format(current=question.current, candidate=question.candidate)
    return sentence + versus


def sheets(report: Report, say: Words) -> Iterator[Sheet]:
    """Yield every table of a report but those of single agents."""
    if report.staffing:
        yield _staffing(report.staffing, say)
    yield _queues(report.candidate, report.current, say)
    yield _teams(report.candidate, report.current, say)
    if report.differences is not None and report.differences.examples:
        yield _moves(report.differences, say)
        yield _examples(report.differences, say)


def agents(report: Report, say: Words) -> Sheet:
    """Return what every agent did."""
    heads = (say.agent, say.signed_in, say.accepted, say.occupancy)
    return _sheet(
        say.every_agent,
        say.agents_note,
        heads,
        {one.agent: _agent(one, say) for one in report.current.agents} if report.current else None,
        {one.agent: _agent(one, say) for one in report.candidate.agents},
        say,
    )


def length(seconds: float | None, say: Words) -> str:
    """Return a length of time as people say it."""
    if seconds is None:
        return say.nobody
    whole = round(seconds)
    if whole >= HOUR:
        return say.hours.format(hours=whole // HOUR, minutes=whole % HOUR // MINUTE)
    if whole >= MINUTE:
        return say.minutes.format(minutes=whole // MINUTE, seconds=whole % MINUTE)
    return say.seconds.format(seconds=whole)


def share(part: float | None, say: Words) -> str:
    """Return a share as per cent."""
    return say.nobody if part is None else f"{part:.1%}"


def moment(at: datetime, zone: ZoneInfo) -> str:
    """Return a moment by the clock of the company."""
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def _queues(new: Figures, old: Figures | None, say: Words) -> Sheet:
    return _sheet(
        say.queues,
        say.queues_note,
        (
            *(say.queue, say.arrived, say.left, say.waiting, say.mean, say.p50, say.p90, say.p99),
            *(say.first_response, say.resolution, say.deepest),
        ),
        _by_queue(old, say) if old else None,
        _by_queue(new, say),
        say,
    )


def _by_queue(figures: Figures, say: Words) -> dict[str, Cells]:
    each = {queue.queue: _queue(queue, say) for queue in figures.queues}
    return {**each, say.all_queues: _queue(figures.total, say)}


def _queue(figures: QueueFigures, say: Words) -> Cells:
    waits = figures.waits
    return (
        str(figures.arrived),
        str(figures.left),
        str(figures.waiting),
        *(length(wait, say) for wait in (waits.mean, waits.p50, waits.p90, waits.p99)),
        share(figures.first_response.share, say),
        share(figures.resolution.share, say),
        str(figures.deepest),
    )


def _agent(figures: AgentFigures, say: Words) -> Cells:
    return (
        length(figures.signed_in, say),
        str(figures.accepted),
        share(figures.occupancy, say),
    )


def _teams(new: Figures, old: Figures | None, say: Words) -> Sheet:
    return _sheet(
        say.agents,
        say.agents_note,
        (say.team, say.people, say.signed_in, say.accepted, say.occupancy),
        _by_team(old, say) if old else None,
        _by_team(new, say),
        say,
    )


def _by_team(figures: Figures, say: Words) -> dict[str, Cells]:
    teams: defaultdict[str, list[AgentFigures]] = defaultdict(list)
    for one in figures.agents:
        teams[one.team or say.nobody].append(one)
    return {team: _team(members, say) for team, members in sorted(teams.items())}


def _team(members: Sequence[AgentFigures], say: Words) -> Cells:
    there = [one for one in members if one.occupancy is not None]
    signed_in = sum(one.signed_in for one in there)
    busy = sum((one.occupancy or 0.0) * one.signed_in for one in there)
    return (
        str(len(members)),
        length(signed_in, say),
        str(sum(one.accepted for one in members)),
        share(busy / signed_in if signed_in else None, say),
    )


def _moves(found: Differences, say: Words) -> Sheet:
    return Sheet(
        title=say.moves,
        note=say.moves_note.format(
            moved=found.moved, messages=found.messages, changed=found.changed
        ),
        heads=(say.from_queue, say.to_queue, say.count),
        rows=tuple((old, new, str(count)) for old, new, count in found.moves),
        texts=2,
    )


def _examples(found: Differences, say: Words) -> Sheet:
    return Sheet(
        title=say.examples,
        note=say.examples_note.format(shown=len(found.examples), all=found.moved + found.changed),
        heads=(say.message, say.current, say.candidate),
        rows=tuple(
            (
                f"{shown.contact}\n{shown.message_event}",
                _decision(shown.current, say),
                _decision(shown.candidate, say),
            )
            for shown in found.examples
        ),
        texts=3,
    )


def _decision(brief: Brief, say: Words) -> str:
    skills = ", ".join(f"{skill} {level}" for skill, level in brief.skills.items())
    lines = [
        f"{brief.queue}: {brief.reason}",
        f"{brief.plan}, {say.priority.format(points=brief.priority)}",
        say.rules.format(rules=", ".join(brief.rules) or say.nobody),
    ]
    return "\n".join([*lines, say.skills.format(skills=skills)] if skills else lines)


def _staffing(rows: Sequence[Staffing], say: Words) -> Sheet:
    return Sheet(
        title=say.staffing,
        note=say.staffing_note.format(team=rows[0].team, runs=rows[0].runs),
        heads=(
            *(say.people, say.mean, say.p50, say.p90, say.p99),
            *(say.first_response, say.left, say.waiting, say.occupancy),
        ),
        rows=tuple(
            (
                str(row.people),
                *(length(one, say) for one in _lengths(row)),
                share(row.first_response.share, say),
                share(row.left, say),
                share(row.waiting, say),
                share(row.occupancy, say),
            )
            for row in rows
        ),
    )


def _lengths(row: Staffing) -> tuple[float | None, ...]:
    return row.waits.mean, row.waits.p50, row.waits.p90, row.waits.p99


def _sheet(
    title: str,
    note: str,
    heads: Cells,
    old: Mapping[str, Cells] | None,
    new: Mapping[str, Cells],
    say: Words,
) -> Sheet:
    """Return a table of what is new, with what was before it in each cell that differs."""
    missing = (say.nobody,) * (len(heads) - 1)
    before = new if old is None else old
    names = (*(name for name in before if name not in new), *new)
    return Sheet(
        title=title,
        note=note,
        heads=heads,
        rows=tuple(
            (name, *map(_versus, before.get(name, missing), new.get(name, missing)))
            for name in names
        ),
    )


def _versus(old: str, new: str) -> str:
    return new if old == new else f"{old} → {new}"
