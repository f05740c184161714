"""Queues: where a case waits, and why not elsewhere."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from common.core.cases import QueueTrial, SkillRequirement
from router.core.calendars import BusinessHours
from router.core.facts import Roster
from router.core.matching import ReadyRule
from router.core.rules import Queue
from router.core.skills import qualifies, strictest
from router.core.wording import Wording


class Desk(Struct, frozen=True, kw_only=True):
    """A queue made ready: its hours and what it asks of whoever answers from it."""

    name: str
    queue: Queue
    hours: BusinessHours
    skills: tuple[SkillRequirement, ...]


class Placement(Struct, frozen=True):
    """The queue taken, why, every queue tried before it, and the skills asked for there."""

    queue: str
    reason: str
    trials: tuple[QueueTrial, ...]
    skills: tuple[SkillRequirement, ...]


class Candidate(Struct, frozen=True):
    """A queue to try, why it would be the one, and the skills that this reason asks for."""

    queue: str
    why: str
    needs: tuple[SkillRequirement, ...] = ()


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
            for overflow in desks[queue].queue.overflow:
                yield Candidate(overflow, why, ready.skills)
    if previous is not None and previous in desks:
        yield Candidate(previous, say.queue_previous)


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
    for candidate in _once(tried):
        desk = desks[candidate.queue]
        needs = strictest((*candidate.needs, *requirements, *desk.skills))
        takes, note = _consider(desk, needs, roster, say, now)
        reason = say.queue_because.format(why=candidate.why, note=note) if takes else note
        trials.append(QueueTrial(desk.name, takes, reason))
        if takes:
            return Placement(desk.name, reason, tuple(trials), needs)
    trials.append(QueueTrial(default, accepted=True, reason=say.queue_default))
    needs = strictest((*requirements, *desks[default].skills))
    return Placement(default, say.queue_default, tuple(trials), needs)


def staying(desk: Desk, requirements: tuple[SkillRequirement, ...], say: Wording) -> Placement:
    """Return the placement of a case that waits where some rule or person put it."""
    trials = (QueueTrial(desk.name, accepted=True, reason=say.queue_stays),)
    return Placement(desk.name, say.queue_stays, trials, strictest((*requirements, *desk.skills)))


def _once(tried: Iterable[Candidate]) -> Iterator[Candidate]:
    seen: set[str] = set()
    for candidate in tried:
        if candidate.queue not in seen:
            seen.add(candidate.queue)
            yield candidate


def _consider(
    desk: Desk,
    needs: tuple[SkillRequirement, ...],
    roster: Roster | None,
    say: Wording,
    now: datetime,
) -> tuple[bool, str]:
    """Return whether a queue takes the case, and what to say about it."""
    if not desk.hours.is_open(now):
        opens = desk.hours.local(desk.hours.opens(now))
        waits = desk.queue.when_closed == "wait"
        return waits, (say.queue_waits if waits else say.queue_closed).format(opens=opens)
    if roster is None:
        return True, say.staff_unknown
    profiles = roster.signed_in.get(desk.name, ())
    if not profiles:
        return False, say.queue_unstaffed
    count = sum(qualifies(profile, needs) for profile in profiles)
    if count:
        return True, say.staff_known.format(count=count, all=len(profiles))
    missing = ", ".join(f"{need.skill} ≥ {need.level}" for need in needs)
    return False, say.queue_unqualified.format(skills=missing)
