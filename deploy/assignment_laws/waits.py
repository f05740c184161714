"""Laws of who waits: nobody is overtaken by an equal, nothing waits beside somebody who is free."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, TypeVar

from msgspec import Struct

from assignment_laws.agents import AgentAt
from assignment_laws.breaches import Breach, Law
from assignment_laws.cases import CaseAt, Doing
from assignment_laws.histories import Histories, ordered
from assignment_laws.offers import state_before
from common.core.work import OfferMade, Presence

Span = tuple[datetime, datetime]
State = TypeVar("State", CaseAt, AgentAt)


class Wait(Struct, frozen=True):
    """A case that waited without a change."""

    case: CaseAt
    since: datetime
    until: datetime


def waits(of: Histories) -> Iterator[Wait]:
    """Yield every stretch in which a case waited without a change."""
    for states in of.cases.values():
        for state, end in _lasting(states, of.until):
            if state.doing is Doing.WAITING:
                yield Wait(state, state.at, end)


def overtaken(of: Histories, overlap: timedelta) -> Iterator[Breach]:
    """Yield offers made while an equal of an earlier rank waited whom the agent could have taken."""
    lanes: defaultdict[Any, list[Wait]] = defaultdict(list)
    for wait in waits(of):
        if wait.until - wait.since > overlap:
            lanes[wait.case.lane].append(wait)
    for moments in of.case_moments.values():
        for moment in ordered(moments):
            said = moment.says
            if isinstance(said, OfferMade) and said.by is None:  # a person may choose whom he likes
                yield from _overtaken(of, said, lanes, overlap)


def _overtaken(
    of: Histories, said: OfferMade, lanes: dict[Any, list[Wait]], overlap: timedelta
) -> Iterator[Breach]:
    case = state_before(of.cases[said.case_id], said.case_version)
    if case is None or case.lane not in lanes:
        return
    at = said.made_at
    for wait in lanes[case.lane]:
        known_since = wait.case.public_at or wait.since + overlap
        stood = known_since <= at and wait.until >= at + overlap
        if stood and wait.case.place < case.place and _is_for(wait.case, said.agent, at):
            before = (at - wait.since).total_seconds()
            after = (wait.until - at).total_seconds()
            what = (
                f"had waited {before:.1f} s, and did for {after:.1f} s more, when case "
                f"{case.case_id} of a later rank went to {said.agent}"
            )
            yield Breach(Law.RANK, of.tenant, f"case {wait.case.case_id}", at, what)


def _is_for(case: CaseAt, agent: str, at: datetime) -> bool:
    pause = case.pauses.get(agent)
    is_others = case.reserved_until is not None and at < case.reserved_until
    return (pause is None or pause <= at) and not (is_others and case.reserved_for != agent)


def idle(of: Histories, longest: timedelta) -> Iterator[Breach]:
    """Yield cases that waited longer than that beside somebody who could have taken them."""
    timelines = {name: list(_lasting(states, of.until)) for name, states in of.agents.items()}
    for states in of.cases.values():
        for stretch in _stretches(states, of.until):
            if stretch[-1].until - stretch[0].since <= longest:
                continue
            for name, timeline in timelines.items():
                yield from _beside(of, stretch, name, timeline, longest)


def _stretches(states: list[CaseAt], until: datetime) -> Iterator[list[Wait]]:
    """Yield each time that a case waited, changes on the way included."""
    stretch: list[Wait] = []
    for state, end in _lasting(states, until):
        if state.doing is Doing.WAITING:
            stretch.append(Wait(state, state.at, end))
        elif stretch:
            yield stretch
            stretch = []
    if stretch:
        yield stretch


def _lasting(states: list[State], until: datetime) -> Iterator[tuple[State, datetime]]:
    """Yield each state with when the next one began."""
    ends = [*(state.at for state in states[1:]), until]
    return zip(states, ends, strict=False)


def _beside(
    of: Histories,
    stretch: list[Wait],
    name: str,
    timeline: list[tuple[AgentAt, datetime]],
    longest: timedelta,
) -> Iterator[Breach]:
    together: Span | None = None
    for span in sorted(_shared(stretch, name, timeline)):
        joins = together is not None and span[0] <= together[1]
        together = (together[0], max(together[1], span[1])) if joins and together else span
        if together[1] - together[0] > longest:
            seconds = (together[1] - together[0]).total_seconds()
            what = f"waited {seconds:.1f} s beside {name}"
            case = stretch[0].case.case_id
            yield Breach(Law.IDLE, of.tenant, f"case {case}", together[0], what)
            return


def _shared(
    stretch: list[Wait], name: str, timeline: list[tuple[AgentAt, datetime]]
) -> Iterator[Span]:
    """Yield the times in which the agent could have taken the case."""
    begin, end = stretch[0].since, stretch[-1].until
    for agent, went in timeline:
        if went <= begin or agent.at >= end or agent.presence is not Presence.ONLINE:
            continue
        for wait in stretch:
            if _could(agent, wait.case):
                since = max(wait.since, agent.at, *_not_before(agent, wait.case, name))
                until = min(wait.until, went)
                if since < until:
                    yield since, until


def _could(agent: AgentAt, case: CaseAt) -> bool:
    able = case.queue in agent.queues and agent.meets(case.skills)
    return able and agent.has_room(case.channel, case.units)


def _not_before(agent: AgentAt, case: CaseAt, name: str) -> Iterator[datetime]:
    if agent.wrap_up_until is not None:
        yield agent.wrap_up_until
    if name in case.pauses:
        yield case.pauses[name]
    if case.reserved_until is not None and case.reserved_for != name:
        yield case.reserved_until
