"""How many people: what each number of them in a team brings about, over the same customers."""

from collections.abc import Collection, Sequence
from datetime import datetime
from operator import attrgetter

from msgspec import Struct

from router.core.simulation.figures import Promise, Waits, promise, waits_of
from router.core.simulation.ledger import Ledger


class Staffing(Struct, frozen=True, kw_only=True):
    """What so many people in a team bring about in the queues that it answers.

    `left` is the share of customers who gave up, `waiting` of those whom nobody had taken at the
    end; `occupancy` that of the team's capacity in use, None where nobody was there. Figures are
    over all `runs`, each of other customers.
    """

    team: str
    people: int
    runs: int
    arrived: int
    waits: Waits
    first_response: Promise
    left: float
    waiting: float
    occupancy: float | None


def staffing(
    team: str, people: int, queues: Collection[str], runs: Sequence[Ledger], end: datetime
) -> Staffing:
    """Return the figures of a team with so many people, from runs that ended at `end`."""
    stories = [story for run in runs for story in run.stories if story.queue in queues]
    hours = [own for run in runs for own in run.hours.values() if own.team == team]
    capacity = sum(own.capacity for own in hours)
    left = sum(story.left_at is not None for story in stories)
    waiting = sum(story.left_at is None and story.accepted_at is None for story in stories)
    return Staffing(
        team=team,
        people=people,
        runs=len(runs),
        arrived=len(stories),
        waits=waits_of(stories),
        first_response=promise(
            stories, attrgetter("first_response_due"), attrgetter("accepted_at"), end
        ),
        left=left / max(1, len(stories)),
        waiting=waiting / max(1, len(stories)),
        occupancy=sum(own.used for own in hours) / capacity if capacity else None,
    )
