"""What people do with a case that the matcher would have done otherwise: pick, assign, transfer.

Each is made of the same steps as everything else: a case given to somebody is offered to him and
accepted at once, in one transaction, so its history reads the same.
"""

from collections.abc import Collection
from datetime import datetime

from common.core.work import Presence
from router.core.agents import Agent, OfferState
from router.core.facts import Case, CaseState
from router.core.lifecycle import requeue
from router.core.offers import accept, offer, withdraw
from router.core.policy import Policy
from router.core.steps import Change, ConflictError, must_be
from router.core.waking import Standing


def released(
    standing: Standing, now: datetime, reason: str, by: str | None
) -> tuple[list[Change], Case]:
    """Let a case wait, whoever has it or is offered it. Raises ConflictError where it is resolved."""
    case, holder, made = standing.case, standing.agent, standing.offer
    if case.state is CaseState.WAITING:
        return [], case
    if holder is not None and made is not None and made.state is OfferState.MADE:
        change = withdraw(case, holder, made, now, reason, by)
    else:
        change = requeue(case, holder, case.queue, now, reason, by)
    return [change], change.case


def moved(
    standing: Standing, queue: str, needs: dict[str, int], now: datetime, reason: str, by: str
) -> list[Change]:
    """Let a case wait in another queue. Raises ConflictError where it is resolved."""
    case, holder = standing.case, standing.agent
    before: list[Change] = []
    if case.state is CaseState.OFFERED:
        before, case = released(standing, now, reason, by)
        holder = None
    asked = needs if needs != case.skills else None
    return [*before, requeue(case, holder, queue, now, reason, by, asked)]


def pick(case: Case, agent: Agent, policy: Policy, now: datetime) -> list[Change]:
    """Let an agent take a waiting case from a queue of his. Raises ConflictError where he may not."""
    must_be(case, CaseState.WAITING)
    if not policy.pick:
        raise ConflictError("the rules let nobody pick (assignment.pick)")
    _refuse(hindrance(case, agent, policy) or no_room(case, agent, policy))
    return _given(case, agent, policy, now, policy.say.agent_picked, agent.agent)


def assign(
    standing: Standing,
    agent: Agent,
    policy: Policy,
    now: datetime,
    reason: str,
    by: str,
    *,
    force: bool,
) -> list[Change]:
    """Give a case to an agent, whoever has it now; he is not asked.

    `force` gives it to somebody who does not qualify or is not there, and says so in the event;
    it never goes over his capacity. Raises ConflictError where it cannot be.
    """
    case = standing.case
    if case.state is CaseState.ASSIGNED and case.agent == agent.agent:
        raise ConflictError(f"the case is assigned to {agent.agent} already")
    before, case = released(standing, now, reason, by)
    agent = _as_left(before, agent)
    hindered = hindrance(case, agent, policy)
    _refuse(None if force else hindered)
    _refuse(no_room(case, agent, policy))
    if hindered:
        reason = policy.say.agent_forced.format(reason=reason, obstacle=hindered)
    return [*before, *_given(case, agent, policy, now, reason, by)]


def hand_over(
    standing: Standing, agent: Agent, policy: Policy, now: datetime, reason: str, by: str
) -> list[Change]:
    """Offer a case to an agent in place of whoever has it; if he does not want it, it waits.

    Raises ConflictError where he has it, does not qualify, is not there, or has no room.
    """
    case = standing.case
    if case.agent == agent.agent:
        raise ConflictError(f"the case is {case.state} to {agent.agent} already")
    before, case = released(standing, now, reason, by)
    _refuse(hindrance(case, agent, policy) or no_room(case, agent, policy))
    return [*before, offer(case, agent, policy.terms, now, reason, by)]


def hindrance(case: Case, agent: Agent, policy: Policy) -> str | None:
    """Return why a case is not for an agent, in a sentence; None where it is."""
    say, name = policy.say, agent.name or agent.agent
    if case.queue not in agent.queues:
        return say.agent_of_other_queues.format(agent=name, queue=case.queue)
    missing = [
        f"{skill} ≥ {level}"
        for skill, level in case.skills.items()
        if agent.skills.get(skill, 0) < level
    ]
    if missing:
        return say.agent_unqualified.format(agent=name, skills=", ".join(missing))
    if agent.presence is not Presence.ONLINE:
        return say.agent_not_there.format(agent=name)
    return None


def no_room(case: Case, agent: Agent, policy: Policy) -> str | None:
    """Return that a case would be too much for an agent, in a sentence; None where it is not."""
    if agent.has_room(case.channel, case.units):
        return None
    return policy.say.agent_full.format(agent=agent.name or agent.agent)


def needs_in(case: Case, queue: str, matched: Collection[str], policy: Policy) -> dict[str, int]:
    """Return the skills that a case asks for in another queue.

    What its old queue asked, and rules that named a queue, stays behind; `matched` are the ids of
    the rules that its decision found to hold.
    """
    if queue == case.queue:
        return case.skills
    rules = [ready for ready in policy.rules if ready.rule.id in matched]
    local = {need.skill for ready in rules if ready.rule.queue for need in ready.skills}
    if case.queue in policy.desks:
        local |= {need.skill for need in policy.desks[case.queue].skills}
    needs = {skill: level for skill, level in case.skills.items() if skill not in local}
    general = [need for ready in rules if not ready.rule.queue for need in ready.skills]
    for need in (*general, *policy.desks[queue].skills):
        needs[need.skill] = max(need.level, needs.get(need.skill, 0))
    return needs


def _given(
    case: Case, agent: Agent, policy: Policy, now: datetime, reason: str, by: str
) -> list[Change]:
    held_out = offer(case, agent, policy.terms, now, reason, by)
    assert held_out.agent is not None  # noqa: S101 - an offer is made to somebody
    assert held_out.offer is not None  # noqa: S101
    return [held_out, accept(held_out.case, held_out.agent, held_out.offer, now)]


def _as_left(changes: list[Change], agent: Agent) -> Agent:
    """Return an agent as these steps left him."""
    for change in changes:
        if change.agent is not None and change.agent.agent == agent.agent:
            agent = change.agent
    return agent


def _refuse(obstacle: str | None) -> None:
    if obstacle:
        raise ConflictError(obstacle)
