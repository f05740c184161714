"""What time alone changes: when a case or an agent has to be looked at next, and what is due then.

A row's `wake_at` is the first such moment. Whoever is late finds everything that was due until now,
in the order of its times; who looks too early finds nothing and sleeps again.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from common.core.work import AgentPresenceChanged, Presence
from router.core.agents import Agent, Offer
from router.core.facts import Case, CaseState, Roster
from router.core.lifecycle import requeue
from router.core.offers import expire
from router.core.patience import minutes, move_on, moves_at, relax, relaxes_at
from router.core.policy import Policy
from router.core.presence import leaving, with_presence
from router.core.sla import Threshold, next_threshold, told
from router.core.steps import Change


class Standing(Struct, frozen=True, kw_only=True):
    """A case as it stands, with whoever it is offered to and the offer."""

    case: Case
    agent: Agent | None = None
    offer: Offer | None = None


Step = Callable[[Standing, Policy, datetime], Change]


def wake_of(case: Case, policy: Policy, now: datetime, *, looked: bool = False) -> datetime | None:
    """Return the first moment at which time alone changes something about a case.

    What should have happened already counts, and is not later than `now`. Whoever has just
    `looked` what is due has found what can happen now.
    """
    moments = [at for at, _ in _changing(case, policy)]
    moments += (at for at in _matching_again(case) if at > now)
    moments += moves_at(case, policy, now, looked=looked)
    return min(moments, default=None)


def asleep(case: Case, policy: Policy, now: datetime, *, looked: bool = False) -> Case:
    """Return a case that sleeps until something about it is due."""
    return replace(case, wake_at=wake_of(case, policy, now, looked=looked))


def woken(
    standing: Standing, policy: Policy, roster: Roster | None, now: datetime
) -> tuple[Change, ...]:
    """Return what is due by now, step by step. An offered case comes with its agent and offer."""
    changes = _woken(standing, policy, now)
    case = changes[-1].case if changes else standing.case
    moved = move_on(case, policy, roster, now)
    return (*changes, moved) if moved else changes


def _woken(standing: Standing, policy: Policy, now: datetime) -> tuple[Change, ...]:
    changes: list[Change] = []
    while step := _due(standing.case, policy, now):
        change = step(standing, policy, now)
        changes.append(change)
        standing = Standing(
            case=change.case,
            agent=change.agent or standing.agent,
            offer=change.offer or standing.offer,
        )
    return tuple(changes)


def is_news(before: Case, after: Case, now: datetime) -> bool:
    """Whether matching has to look at a case that was woken.

    It waits anew, elsewhere or for somebody else, or a pause or reservation was over meanwhile.
    """
    if after.state is not CaseState.WAITING:
        return False
    if (before.state, before.queue, before.skills) != (after.state, after.queue, after.skills):
        return True
    since = before.wake_at
    return since is not None and any(since <= at <= now for at in _matching_again(after))


def agent_wake_of(agent: Agent, policy: Policy, now: datetime) -> datetime | None:
    """Return the first moment at which time alone changes something about an agent."""
    if agent.presence is Presence.OFFLINE:
        return agent.seen_at + policy.take_back if agent.used else None
    gone = agent.seen_at + policy.heartbeat
    back = agent.wrap_up_until
    return gone if back is None or back <= now else min(gone, back)


def agent_asleep(agent: Agent, policy: Policy, now: datetime) -> Agent:
    """Return an agent who sleeps until something about him is due."""
    return replace(agent, wake_at=agent_wake_of(agent, policy, now))


def winds_up_no_more(agent: Agent, now: datetime) -> bool:
    """Whether an agent's wrap-up was over since he fell asleep: he takes work again."""
    since, until = agent.wake_at, agent.wrap_up_until
    return since is not None and until is not None and since <= until <= now


def vanished(
    agent: Agent, policy: Policy, now: datetime
) -> tuple[Agent, AgentPresenceChanged] | None:
    """Return an agent without a sign of life as offline, and what to tell; None where he is there."""
    if agent.presence is Presence.OFFLINE or now < agent.seen_at + policy.heartbeat:
        return None
    reason = policy.say.agent_gone.format(minutes=minutes(policy.heartbeat))
    return with_presence(agent, Presence.OFFLINE, now, reason)


def let_go(
    agent: Agent,
    offered: Iterable[tuple[Case, Offer]],
    accepted: Iterable[Case],
    policy: Policy,
    now: datetime,
) -> list[Change]:
    """Return how somebody who is offline lets go: of what he is offered at once, of his cases later.

    A customer whose agent lost his connection is better served by him than by a stranger.
    """
    if agent.presence is not Presence.OFFLINE:
        return []
    changes = leaving(agent, offered, now, policy.say.agent_left)
    if now >= agent.seen_at + policy.take_back:
        agent = (changes[-1].agent if changes else None) or agent
        reason = policy.say.case_of_gone.format(minutes=minutes(policy.take_back))
        changes += leaving(agent, ((case, None) for case in accepted), now, reason)
    return changes


def _due(case: Case, policy: Policy, now: datetime) -> Step | None:
    at, step = min(_changing(case, policy), key=lambda due: due[0], default=(now, None))
    return step if at <= now else None


def _changing(case: Case, policy: Policy) -> Iterator[tuple[datetime, Step]]:
    """Yield when the case becomes another, whatever the matcher does, and how."""
    if threshold := next_threshold(case, policy):
        yield threshold.at, partial(_tell, threshold)
    if case.offered_until is not None:
        yield case.offered_until, _expire
    if case.state is CaseState.HELD and case.held_until is not None:
        yield case.held_until, _release
    if relaxation := relaxes_at(case, policy):
        yield relaxation, _relax


def _matching_again(case: Case) -> Iterator[datetime]:
    """Yield when somebody may be offered a waiting case who was not before."""
    if case.state is not CaseState.WAITING:
        return
    if case.reserved_until is not None:
        yield case.reserved_until
    for refusal in case.refusals.values():
        yield refusal.until


def _tell(threshold: Threshold, standing: Standing, _: Policy, __: datetime) -> Change:
    return told(standing.case, threshold)


def _expire(standing: Standing, policy: Policy, now: datetime) -> Change:
    assert standing.agent is not None  # noqa: S101 - an offer is made to somebody
    assert standing.offer is not None  # noqa: S101
    return expire(standing.case, standing.agent, standing.offer, policy.terms, now)


def _release(standing: Standing, policy: Policy, now: datetime) -> Change:
    return requeue(standing.case, None, standing.case.queue, now, policy.say.hold_over)


def _relax(standing: Standing, policy: Policy, now: datetime) -> Change:
    change = relax(standing.case, policy, now)
    assert change is not None  # noqa: S101 - its time has come
    return change
