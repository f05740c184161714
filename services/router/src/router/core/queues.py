"""Queues: where a case waits, and why not elsewhere."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import get_args

from msgspec import Struct

from common.core.cases import QueueTrial, SkillRequirement
from router.core.calendars import BusinessHours
from router.core.facts import Roster
from router.core.matching import ReadyRule
from router.core.rules import Queue, Refused
from router.core.skills import qualifies, strictest
from router.core.wording import Wording

ALWAYS: frozenset[Refused] = frozenset(get_args(Refused))


class WayOut(Struct, frozen=True):
    """Which queue takes over, in which conditions of the first (None: in any, once `after` is over)."""

    to: str
    when: frozenset[Refused] | None
    after: timedelta | None


class Ease(Struct, frozen=True):
    """What is asked less after so long: levels to lower, skills to ask for no more."""

    after: timedelta
    lower: dict[str, int]
    drop: frozenset[str]


class Desk(Struct, frozen=True, kw_only=True):
    """A queue made ready: its hours, what it asks of whoever answers from it, and where to go on."""

    name: str
    queue: Queue
    hours: BusinessHours
    skills: tuple[SkillRequirement, ...]
    overflow: tuple[WayOut, ...] = ()
    relax: tuple[Ease, ...] = ()
    max_age: timedelta | None = None


class Placement(Struct, frozen=True):
    """The queue taken, why, every queue tried before it, and the skills asked for there."""

    queue: str
    reason: str
    trials: tuple[QueueTrial, ...]
    skills: tuple[SkillRequirement, ...]


class Candidate(Struct, frozen=True):
    """A queue to try, why it would be the one, and the skills that this reason asks for.

    One that takes over from another queue does so only where that was refused for one of `when`.
    """

    queue: str
    why: str
    needs: tuple[SkillRequirement, ...] = ()
    instead_of: str | None = None
    when: frozenset[Refused] = ALWAYS


def candidates(
    matched: Sequence[ReadyRule], previous: str | None, desks: Mapping[str, Desk], say: Wording
) -> Iterator[Candidate]:
    """Yield the queues to try, best first.

    Each matched rule's queue, then that queue's overflow chain, before the next rule's; then the
    queue in which a reopened case was before. The skills of a rule that names a queue are asked
    for only there: a case that goes to the technicians needs nobody who is good with bills.
    """
    for ready in matched:
        if queue := ready.rule.queue:
            why = say.queue_rule.format(rule=ready.rule.id, sentence=ready.rule.sentence)
            yield Candidate(queue, why, ready.skills)
            why = say.queue_overflow.format(queue=queue, rule=ready.rule.id)
            yield from ways_out(desks[queue], why, ready.skills)
    if previous is not None and previous in desks:
        yield Candidate(previous, say.queue_previous)


def ways_out(desk: Desk, why: str, needs: tuple[SkillRequirement, ...] = ()) -> Iterator[Candidate]:
    """Yield the queues that take over at once where a queue cannot take a case."""
    for way in desk.overflow:
        if way.after is None:
            yield Candidate(way.to, why, needs, desk.name, way.when or ALWAYS)


def place(
    tried: Iterable[Candidate],
    requirements: tuple[SkillRequirement, ...],
    desks: Mapping[str, Desk],
    default: str,
    roster: Roster | None,
    say: Wording,
    now: datetime,
) -> Placement:
    """Return the first queue that is open now and staffed by somebody who qualifies.

    A queue that waits while closed counts as open then. Where none will do, the default queue
    takes the case, open or not.
    """
    trials: list[QueueTrial] = []
    refused: dict[str, Refused] = {}
    for candidate in tried:
        if candidate.queue in refused or not _takes_over(candidate, refused):
            continue
        desk = desks[candidate.queue]
        needs = strictest((*candidate.needs, *requirements, *desk.skills))
        why_not, note = consider(desk, needs, roster, say, now)
        if why_not is None:
            reason = say.queue_because.format(why=candidate.why, note=note)
            trials.append(QueueTrial(desk.name, accepted=True, reason=reason))
            return Placement(desk.name, reason, tuple(trials), needs)
        refused[desk.name] = why_not
        trials.append(QueueTrial(desk.name, accepted=False, reason=note))
    trials.append(QueueTrial(default, accepted=True, reason=say.queue_default))
    needs = strictest((*requirements, *desks[default].skills))
    return Placement(default, say.queue_default, tuple(trials), needs)


def staying(desk: Desk, requirements: tuple[SkillRequirement, ...], say: Wording) -> Placement:
    """Return the placement of a case that waits where some rule or person put it."""
    trials = (QueueTrial(desk.name, accepted=True, reason=say.queue_stays),)
    return Placement(desk.name, say.queue_stays, trials, strictest((*requirements, *desk.skills)))


def answering(
    queues: Iterable[str], team: str | None, teams: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """Return the queues somebody answers from: those of his profile and those of his team."""
    return tuple(dict.fromkeys((*queues, *teams.get(team or "", ()))))


def _takes_over(candidate: Candidate, refused: Mapping[str, Refused]) -> bool:
    first = candidate.instead_of
    return first is None or first not in refused or refused[first] in candidate.when


def consider(
    desk: Desk,
    needs: tuple[SkillRequirement, ...],
    roster: Roster | None,
    say: Wording,
    now: datetime,
) -> tuple[Refused | None, str]:
    """Return why a queue cannot take a case, None where it can, and what to say about it."""
    if not desk.hours.is_open(now):
        opens = desk.hours.local(desk.hours.opens(now))
        waits = desk.queue.when_closed == "wait"
        note = (say.queue_waits if waits else say.queue_closed).format(opens=opens)
        return None if waits else "closed", note
    if roster is None:
        return None, say.staff_unknown
    profiles = roster.signed_in.get(desk.name, ())
    if not profiles:
        return "unstaffed", say.queue_unstaffed
    count = sum(qualifies(profile, needs) for profile in profiles)
    if count:
        return None, say.staff_known.format(count=count, all=len(profiles))
    missing = ", ".join(f"{need.skill} ≥ {need.level}" for need in needs)
    return "unqualified", say.queue_unqualified.format(skills=missing)
