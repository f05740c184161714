"""Who is signed in, as decisions see it: the skill profiles of each queue, not the people."""

from collections import defaultdict
from collections.abc import Iterable

from msgspec import Struct

from common.core.work import Presence
from router.core.agents import Agent
from router.core.facts import Roster


class Profile(Struct, frozen=True):
    """The queues that somebody answers from, and his skills."""

    queues: tuple[str, ...]
    skills: dict[str, int]


def roster_of(agents: Iterable[Agent], sequence: int = 0) -> Roster:
    """Return who of these is signed in. Whoever is away for a while is; he comes back."""
    there = (agent for agent in agents if agent.presence is not Presence.OFFLINE)
    return roster_from((Profile(agent.queues, agent.skills) for agent in there), sequence)


def roster_from(signed_in: Iterable[Profile], sequence: int = 0) -> Roster:
    """Return the roster of profiles that are signed in. The same twice in a queue are one there.

    They are in an order of their own: the same people give the same roster, byte for byte.
    """
    found: defaultdict[str, set[tuple[tuple[str, int], ...]]] = defaultdict(set)
    for profile in signed_in:
        skills = tuple(sorted(profile.skills.items()))
        for queue in profile.queues:
            found[queue].add(skills)
    return Roster(
        {
            queue: tuple(dict(skills) for skills in sorted(profiles))
            for queue, profiles in sorted(found.items())
        },
        sequence,
    )
