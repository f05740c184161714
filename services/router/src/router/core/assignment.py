"""Who gets which case: the earliest rank first, to whoever qualifies and has been free longest.

A board holds what waits and who takes work, of one tenant. Cases that ask for the same are a lane,
ordered by rank; agents who can do the same are a crew, ordered by load and by how long they have
been free. A round looks only at the first of each, so its cost follows what it assigns, not what
waits.

What a round leaves: no case waits beside an agent who qualifies, has room for it, has not let it go
a moment ago, and for whom it is not reserved. Within a lane a case is passed over for one of a later
rank for the last two reasons only.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from msgspec import Struct

from common.core.work import Presence
from router.core.agents import Agent, Burden, taking_on
from router.core.facts import Refusal

Skills = frozenset[tuple[str, int]]
Place = tuple[datetime, UUID]  # a case in its lane: rank and id
Standing = tuple[float, datetime, str, int]  # an agent in his crew: load, free since, id, version


class Why(StrEnum):
    """Why this agent and no other."""

    KNOWS_CUSTOMER = "knows_customer"
    FREE_LONGEST = "free_longest"


class Waits(Burden, Protocol):
    """What matching looks at of a case; facts says what each means."""

    @property
    def case_id(self) -> UUID: ...
    @property
    def skills(self) -> dict[str, int]: ...
    @property
    def rank(self) -> datetime: ...
    @property
    def preferred(self) -> str | None: ...
    @property
    def reserved_until(self) -> datetime | None: ...
    @property
    def refusals(self) -> dict[str, Refusal]: ...


AnyCase = TypeVar("AnyCase", bound=Waits)


class Match(Struct, Generic[AnyCase], frozen=True):
    """A case and whom it is to be offered to, both as they were before."""

    case: AnyCase
    agent: Agent
    why: Why


class Lane(Struct, frozen=True, cache_hash=True):
    """Cases that ask for the same and weigh the same: they differ in their rank only."""

    queue: str
    channel: str
    units: int
    skills: Skills


class Crew(Struct, frozen=True, cache_hash=True):
    """Agents of the same queues who can do the same."""

    queues: frozenset[str]
    skills: Skills

    def qualifies(self, lane: Lane) -> bool:
        """Whether its agents answer from a lane's queue and meet everything that it asks for."""
        mine = dict(self.skills)
        return lane.queue in self.queues and all(
            mine.get(skill, 0) >= level for skill, level in lane.skills
        )


class Board(Generic[AnyCase]):
    """What waits and who works, kept in order between rounds.

    Who becomes free by time alone (his wrap-up ends) is to be put in again.
    """

    def __init__(self, agents: Iterable[Agent] = (), cases: Iterable[AnyCase] = ()) -> None:
        self._cases: dict[UUID, tuple[AnyCase, Lane]] = {}
        self._lanes: defaultdict[Lane, list[Place]] = defaultdict(list)
        self._agents: dict[str, tuple[Agent, Crew]] = {}
        self._crews: dict[Crew, list[Standing]] = {}
        self._of_queue: defaultdict[str, list[Crew]] = defaultdict(list)
        self._able: defaultdict[str, dict[Lane, list[Crew]]] = defaultdict(dict)
        for agent in agents:
            self.put_agent(agent)
        for case in cases:
            self.put_case(case)

    def put_agent(self, agent: Agent) -> None:
        """Take an agent in, or as he stands now."""
        crew = _crew_of(agent)
        if crew not in self._crews:
            self._take_in(crew)
        self._seat(agent, crew)

    def put_case(self, case: AnyCase) -> None:
        """Take a waiting case in, or as it stands now."""
        self.put_lane(lane_of(case), (case,))

    def put_lane(self, lane: Lane, cases: Iterable[AnyCase]) -> None:
        """Take cases in that wait in this lane."""
        places = self._lanes[lane]
        for case in cases:
            self._cases[case.case_id] = case, lane
            heapq.heappush(places, (case.rank, case.case_id))

    def is_for_somebody(self, lane: Lane) -> bool:
        """Whether anybody on the board qualifies for a lane, free or not."""
        return bool(self._crews_for(lane))

    def drop_case(self, case_id: UUID) -> None:
        """Forget a case that no longer waits."""
        self._cases.pop(case_id, None)

    def assign(self, now: datetime) -> list[Match[AnyCase]]:
        """Match what can be matched now, earliest rank first.

        Matched cases leave the board; their agents stand on it as they are with one case more.
        """
        matches: list[Match[AnyCase]] = []
        passed: list[tuple[Lane, AnyCase]] = []
        heads = [(*head, lane) for lane in tuple(self._lanes) if (head := self._head(lane))]
        heapq.heapify(heads)
        while heads:
            _, case_id, lane = heapq.heappop(heads)
            case, _ = self._cases[case_id]
            found = self._match(case, lane, now)
            if found is None and not is_choosy(case, now):
                continue  # nobody is free for this lane
            del self._cases[case_id]
            if found is None:
                passed.append((lane, case))
            else:
                matches.append(found)
                name = found.agent.agent
                busy = taking_on(found.agent, lane.channel, lane.units)
                self._seat(busy, self._agents[name][1])
            if head := self._head(lane):
                heapq.heappush(heads, (*head, lane))
        for lane, case in passed:
            self.put_lane(lane, (case,))
        return matches

    def _seat(self, agent: Agent, crew: Crew) -> None:
        self._agents[agent.agent] = agent, crew
        heapq.heappush(self._crews[crew], _standing(agent))

    def _head(self, lane: Lane) -> Place | None:
        """Return the first of a lane that still waits in it."""
        places = self._lanes[lane]
        while places:
            rank, case_id = places[0]
            known = self._cases.get(case_id)
            if known is not None and known[0].rank == rank and known[1] == lane:
                return places[0]
            heapq.heappop(places)
        del self._lanes[lane]
        return None

    def _match(self, case: AnyCase, lane: Lane, now: datetime) -> Match[AnyCase] | None:
        known, crew = self._agents.get(case.preferred or "", (None, None))
        if known is not None and crew is not None and crew.qualifies(lane):
            if known.takes(lane.channel, lane.units, now) and not _refused(case, known, now):
                return Match(case, known, Why.KNOWS_CUSTOMER)
            if _is_reserved(case, now) and known.presence is Presence.ONLINE:
                return None
        free = (self._first(crew, case, lane, now) for crew in self._crews_for(lane))
        first = min((agent for agent in free if agent), key=_standing, default=None)
        return Match(case, first, Why.FREE_LONGEST) if first else None

    def _first(self, crew: Crew, case: AnyCase, lane: Lane, now: datetime) -> Agent | None:
        """Return the first of a crew who takes the case; whoever takes none leaves the order."""
        order = self._crews[crew]
        others: list[Standing] = []
        found = None
        while order and found is None:
            agent, _ = self._agents[order[0][2]]
            if agent.version != order[0][3]:
                heapq.heappop(order)
            elif agent.takes(lane.channel, lane.units, now) and not _refused(case, agent, now):
                found = agent
            elif agent.free_units(now):
                others.append(heapq.heappop(order))
            else:
                heapq.heappop(order)
        for standing in others:
            heapq.heappush(order, standing)
        return found

    def _take_in(self, crew: Crew) -> None:
        self._crews[crew] = []
        for queue in crew.queues:
            self._of_queue[queue].append(crew)
            self._able.pop(queue, None)

    def _crews_for(self, lane: Lane) -> list[Crew]:
        able = self._able[lane.queue]
        if lane not in able:
            able[lane] = [crew for crew in self._of_queue[lane.queue] if crew.qualifies(lane)]
        return able[lane]


def unbroken(
    matches: Iterable[Match[AnyCase]], holds: Callable[[Match[AnyCase]], bool]
) -> list[Match[AnyCase]]:
    """Return the matches that hold, but for those behind one of their lane that does not.

    Its case may still be the first of them: nobody overtakes it before that is known.
    """
    broken: set[Lane] = set()
    kept: list[Match[AnyCase]] = []
    for match in matches:
        if not holds(match):
            broken.add(lane_of(match.case))
        elif not broken or lane_of(match.case) not in broken:
            kept.append(match)
    return kept


def lane_of(case: Waits) -> Lane:
    """Return the lane in which a case waits."""
    return Lane(case.queue, case.channel, case.units, frozenset(case.skills.items()))


def _crew_of(agent: Agent) -> Crew:
    return Crew(frozenset(agent.queues), frozenset(agent.skills.items()))


def _standing(agent: Agent) -> Standing:
    load = agent.load() / agent.capacity if agent.capacity else 1.0
    return load, agent.free_since, agent.agent, agent.version


def _refused(case: Waits, agent: Agent, now: datetime) -> bool:
    refusal = case.refusals.get(agent.agent)
    return refusal is not None and now < refusal.until


def _is_reserved(case: Waits, now: datetime) -> bool:
    return case.reserved_until is not None and now < case.reserved_until


def is_choosy(case: Waits, now: datetime) -> bool:
    """Whether somebody may be free for the lane and yet not for this case."""
    return _is_reserved(case, now) or any(now < told.until for told in case.refusals.values())
