"""Simulations from files: the load, the rules, randomness by a seed, and the answer as a report."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from random import Random

from msgspec import Struct

from router.core.policy import Policy
from router.core.simulation.comparing import differences
from router.core.simulation.figures import Figures, figures
from router.core.simulation.floor import Floor, Item
from router.core.simulation.generating import arrivals, shifts, staffed
from router.core.simulation.history import (
    Handling,
    History,
    arrivals as recorded_arrivals,
    handling,
    shifts as recorded_shifts,
)
from router.core.simulation.ledger import Ledger
from router.core.simulation.load import Load
from router.core.simulation.people import Chance
from router.core.simulation.replaying import Check, checked, replay
from router.core.simulation.report import Asked, Report
from router.core.simulation.staffing import Staffing, staffing
from router.edges.simulation_words import Words

TOLD_EVERY = 200  # arrivals; a progress bar need not move more often

Tell = Callable[[float], None]
"""Hears how much of a simulated time is over, from 0 to 1."""


class Span(Struct, frozen=True):
    """The simulated time, without its end."""

    start: datetime
    end: datetime


def watched(items: Iterable[Item], span: Span, tell: Tell) -> Iterator[Item]:
    """Yield the items, telling now and then how far they are."""
    for number, item in enumerate(items):
        if number % TOLD_EVERY == 0:
            tell((item.at - span.start) / (span.end - span.start))
        yield item
    tell(1.0)


def generated(load: Load, policy: Policy, span: Span, seed: str, tell: Tell) -> Ledger:
    """Run a load file through rules. The same seed draws the same customers, whatever the rules."""

    def chances(name: str) -> Chance:
        return Random(f"{seed} {name}")  # noqa: S311 - repeatable dice, no secret

    incoming = arrivals(load, span.start, span.end, chances)
    people = shifts(load, span.start, span.end)
    return Floor(policy).run(watched(incoming, span, tell), people, span.end)


def generated_report(
    asked: Asked, load: Load, candidate: Policy, current: Policy | None, examples: int, tell: Tell
) -> Report:
    """Return what a load would become under the candidate and, beside it, under other rules."""
    span, seed = Span(asked.start, asked.end), f"{asked.seed} 0"
    new = generated(load, candidate, span, seed, tell)
    after = figures(new, candidate.version, *_ends(span))
    if current is None:
        return Report(asked=asked, candidate=after)
    old = generated(load, current, span, seed, tell)
    return Report(
        asked=asked,
        candidate=after,
        current=figures(old, current.version, *_ends(span)),
        differences=differences(old.decisions, new.decisions, examples),
    )


def recorded_report(
    asked: Asked,
    history: History,
    candidate: Policy,
    current: Policy | None,
    examples: int,
    otherwise: timedelta,
    say: Words,
    tell: Tell,
) -> Report:
    """Return what a recorded time would have become; without `current`, beside what was decided.

    A case of which no handling time is known, nor any of another, takes `otherwise`.
    """
    takes = handling(history, otherwise)
    span = Span(history.start, history.end)

    def run(policy: Policy) -> Figures:
        incoming = watched(recorded_arrivals(history, takes), span, tell)
        ledger = Floor(policy).run(incoming, recorded_shifts(history), span.end)
        return figures(ledger, policy.version, *_ends(span))

    was = {kept.decision.message_event: kept.decision for kept in history.kept}
    before = replay(history, current) if current else was
    return Report(
        asked=asked,
        candidate=run(candidate),
        current=run(current) if current else None,
        differences=differences(before, replay(history, candidate), examples),
        notes=tuple(_notes(history, takes, checked(history, current or candidate), say)),
    )


def _notes(history: History, takes: Handling, check: Check, say: Words) -> Iterator[str]:
    yield say.replayed.format(same=check.same, differing=len(check.differing), others=check.others)
    yield say.learnt.format(known=len(takes.known), all=len(history.cases))
    yield say.endless
    if not history.roster:
        yield say.nobody_there


def staffing_of(
    asked: Asked,
    load: Load,
    policy: Policy,
    team: str,
    numbers: Sequence[int],
    runs: int,
    tell: Tell,
) -> tuple[Staffing, ...]:
    """Return what each number of people in a team brings about, all over the same customers."""
    span, queues = Span(asked.start, asked.end), load.teams[team].queues
    rows = []
    for people in numbers:
        other = staffed(load, team, people)
        ledgers = [
            generated(other, policy, span, f"{asked.seed} {run}", tell) for run in range(runs)
        ]
        rows.append(staffing(team, people, queues, ledgers, span.end))
    return tuple(rows)


def _ends(span: Span) -> tuple[datetime, datetime]:
    return span.start, span.end
