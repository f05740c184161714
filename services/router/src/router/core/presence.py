"""Agents come, leave, and become others: what changes about them, and what they leave behind."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from common.core.work import AgentChanged, AgentPresenceChanged, Presence
from router.core.agents import Agent, Offer
from router.core.facts import Case
from router.core.lifecycle import requeue
from router.core.offers import withdraw
from router.core.steps import Change


class Profile(Struct, frozen=True, kw_only=True):
    """Who an agent is and what he can take, as the company says. Capacity is in units of work."""

    name: str | None = None
    team: str | None = None
    skills: dict[str, int] = {}
    queues: tuple[str, ...] = ()
    capacity: int = 1
    channels: dict[str, int] = {}


def newcomer(tenant: str, agent: str, now: datetime) -> Agent:
    """Return somebody of whom nothing is known yet but the id, and who is not there."""
    return Agent(
        tenant=tenant,
        agent=agent,
        capacity=0,
        free_since=now,
        seen_at=now,
        changed_at=now,
        version=0,
    )


def with_profile(
    agent: Agent, profile: Profile, now: datetime, by: str | None
) -> tuple[Agent, AgentChanged] | None:
    """Return the agent with a profile and what to tell of it; None where it is what he has."""
    wanted = replace(
        agent,
        name=profile.name,
        team=profile.team,
        skills=profile.skills,
        queues=tuple(sorted(set(profile.queues))),
        capacity=profile.capacity,
        channels=profile.channels,
    )
    if wanted == agent and agent.version:
        return None
    changed = replace(wanted, changed_at=now, version=agent.version + 1)
    event = AgentChanged(
        agent=changed.agent,
        changed_at=now,
        agent_version=changed.version,
        name=changed.name,
        team=changed.team,
        skills=changed.skills,
        queues=changed.queues,
        capacity=changed.capacity,
        channels=changed.channels,
        by=by,
    )
    return changed, event


def with_presence(
    agent: Agent, presence: Presence, now: datetime, reason: str | None = None
) -> tuple[Agent, AgentPresenceChanged] | None:
    """Return the agent with a presence and what to tell of it; None where it is the one he has.

    Whoever comes online queues up behind those who have been free for longer.
    """
    if presence is agent.presence:
        return None
    comes = presence is Presence.ONLINE
    changed = replace(
        agent,
        presence=presence,
        seen_at=now,
        changed_at=now,
        free_since=now if comes else agent.free_since,
        version=agent.version + 1,
    )
    event = AgentPresenceChanged(
        agent=changed.agent,
        presence=presence,
        changed_at=now,
        agent_version=changed.version,
        wrap_up_until=changed.wrap_up_until,
        reason=reason,
    )
    return changed, event


def leaving(
    agent: Agent, held: Iterable[tuple[Case, Offer | None]], now: datetime, reason: str
) -> list[Change]:
    """Take from somebody what is held out to him (with its offer) and what he has (without).

    It waits again where it was: customers must not wait for who is not there.
    """
    changes: list[Change] = []
    for case, made in held:
        if made is None:
            change = requeue(case, agent, case.queue, now, reason)
        else:
            change = withdraw(case, agent, made, now, reason)
        agent = change.agent or agent
        changes.append(change)
    return changes
