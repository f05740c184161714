"""What waiting alone changes: less is asked of whoever answers, or another queue takes over.

`waited` is the time since the case was queued (`queued_at`), by the clock on the wall.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta

from common.core.cases import SkillRequirement
from router.core.facts import Case, Roster
from router.core.queues import Desk, Ease, WayOut
from router.core.rules import Refused
from router.core.skills import qualifies


def relaxed(case: Case, desk: Desk, waited: timedelta) -> tuple[dict[str, int], int] | None:
    """Return what is still asked, and how many steps were taken, None where nothing is due.

    Each step eases what the one before left; `case.ring` counts those that were taken.
    """
    due = sum(step.after <= waited for step in desk.relax)
    if due <= case.ring:
        return None
    skills = case.skills
    for step in _in_order(desk)[case.ring : due]:
        skills = _eased(skills, step)
    return skills, due


def next_relaxation(case: Case, desk: Desk) -> timedelta | None:
    """Return after how long a wait the next step is due, None after the last."""
    steps = _in_order(desk)
    return steps[case.ring].after if case.ring < len(steps) else None


def overflowed(
    case: Case,
    desk: Desk,
    desks: Mapping[str, Desk],
    default: str,
    waited: timedelta,
    is_open: Collection[str],
    roster: Roster | None,
) -> str | None:
    """Return the queue that takes a case over after this wait, None where it stays.

    `is_open` names the queues that are open now. Of the overflow the first counts whose time has
    come and which can take the case. After the queue's `max_age` any overflow that can take it
    counts, and the default queue, open or not, where none can.
    """
    too_old = desk.max_age is not None and waited >= desk.max_age
    why = condition(case, desk, is_open, roster)
    for way in desk.overflow:
        is_time = too_old or _is_time(way, waited, why)
        if is_time and condition(case, desks[way.to], is_open, roster) is None:
            return way.to
    return default if too_old and case.queue != default else None


def condition(
    case: Case, desk: Desk, is_open: Collection[str], roster: Roster | None
) -> Refused | None:
    """Return why nobody in a queue can take a case now, None where somebody can."""
    if desk.name not in is_open:
        return "closed"
    if roster is None:
        return None
    profiles = roster.signed_in.get(desk.name, ())
    if not profiles:
        return "unstaffed"
    needs = [SkillRequirement(skill, level, "") for skill, level in case.skills.items()]
    return None if any(qualifies(profile, needs) for profile in profiles) else "unqualified"


def overflow_times(desk: Desk) -> tuple[timedelta, ...]:
    """Return after which waits another queue may take over, in order.

    From such a wait on, a way out that asks for a condition has to be looked at again and again.
    """
    return tuple(sorted(set(_times(desk))))


def _times(desk: Desk) -> Iterator[timedelta]:
    yield from (way.after for way in desk.overflow if way.after is not None)
    if desk.max_age is not None:
        yield desk.max_age


def _is_time(way: WayOut, waited: timedelta, why: Refused | None) -> bool:
    if way.after is None or waited < way.after:
        return False
    return way.when is None or why in way.when


def _in_order(desk: Desk) -> list[Ease]:
    return sorted(desk.relax, key=lambda step: step.after)


def _eased(skills: Mapping[str, int], step: Ease) -> dict[str, int]:
    lowered = {skill: level + step.lower.get(skill, 0) for skill, level in skills.items()}
    return {
        skill: level for skill, level in lowered.items() if level > 0 and skill not in step.drop
    }
