"""Laws of single offers: to whom, and whether he may have it."""

from collections.abc import Iterator
from itertools import pairwise

from assignment_laws.agents import AgentAt
from assignment_laws.breaches import Breach, Law
from assignment_laws.cases import CaseAt, Doing
from assignment_laws.histories import Histories, ordered
from common.core.work import OfferMade, Presence


def one_agent(of: Histories) -> Iterator[Breach]:
    """Yield cases that were offered to one while another had them, and the like."""
    for case_id, states in of.cases.items():
        for before, after in pairwise(states):
            if wrong := _two_have_it(before, after):
                yield Breach(Law.ONE_AGENT, of.tenant, f"case {case_id}", after.at, wrong)
    for agent, at_times in of.agents.items():
        for state in at_times:
            if state.never_had is not None:
                what = f"gave back case {state.never_had} that he did not have"
                yield Breach(Law.ONE_AGENT, of.tenant, f"agent {agent}", state.at, what)


def _two_have_it(before: CaseAt, after: CaseAt) -> str | None:
    if after.doing is Doing.OFFERED and before.doing is not Doing.WAITING:
        is_same = before.offer == after.offer and before.doing is Doing.OFFERED
        return None if is_same else f"offered to {after.agent} while {before.doing} {before.agent}"
    if after.doing is Doing.ASSIGNED and before.doing is not Doing.ASSIGNED:
        is_his = before.doing is Doing.OFFERED and before.agent == after.agent
        return None if is_his else f"accepted by {after.agent} while {before.doing} {before.agent}"
    return None


def allowed(of: Histories) -> Iterator[Breach]:
    """Yield offers to whom they must not go: capacity, skills, queue, presence as they were then."""
    for agent, states in of.agents.items():
        by_version = {state.version: (before, state) for before, state in pairwise(states)}
        for moment in ordered(of.agent_moments[agent]):
            said = moment.says
            if isinstance(said, OfferMade):
                before, after = by_version.get(said.agent_version, (None, None))
                for law, what in _wrong(of, said, before, after):
                    yield Breach(law, of.tenant, f"agent {agent}", moment.at, what)


def _wrong(
    of: Histories, said: OfferMade, before: AgentAt | None, after: AgentAt | None
) -> Iterator[tuple[Law, str]]:
    if before is None or after is None:
        yield Law.PRESENT, "offered something before anything else was told of him"
        return
    yield from _too_much(said, after)
    if said.by is not None:
        return  # a person may give a case to whom he likes, and is named for it
    yield from _absent(said, before)
    case = state_before(of.cases.get(said.case_id, []), said.case_version)
    if case is None:
        return  # the beginnings' law tells it
    if not before.meets(case.skills):
        yield Law.QUALIFIED, f"case {case.case_id} asks for {case.skills}, he has {before.skills}"
    if case.queue != said.queue:
        yield Law.MEMBERSHIP, f"case {case.case_id} waited in {case.queue}, not in {said.queue}"
    elif case.queue not in before.queues:
        yield Law.MEMBERSHIP, f"case {case.case_id} waited in {case.queue}"


def _too_much(said: OfferMade, after: AgentAt) -> Iterator[tuple[Law, str]]:
    if after.load() > after.capacity:
        yield Law.CAPACITY, f"{after.load()} units of {after.capacity}"
    most = after.channels.get(said.channel)
    if most is not None and after.load(said.channel) > most:
        yield Law.CAPACITY, f"{after.load(said.channel)} units of {most} in {said.channel}"


def _absent(said: OfferMade, before: AgentAt) -> Iterator[tuple[Law, str]]:
    if before.presence is not Presence.ONLINE:
        yield Law.PRESENT, f"he was {before.presence}"
    elif before.wrap_up_until is not None and said.made_at < before.wrap_up_until:
        yield Law.PRESENT, f"he was winding up until {before.wrap_up_until.isoformat()}"


def state_before(states: list[CaseAt], version: int) -> CaseAt | None:
    """Return a case as it was just before a version."""
    return next((state for state in reversed(states) if state.version < version), None)
