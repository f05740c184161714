"""An agent comes, leaves and becomes another: counted once each, and nothing is left with him."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from common.core.work import Presence
from router.core.agents import Agent, Offer
from router.core.facts import Case, CaseState
from router.core.offers import accept, offer
from router.core.policy import Policy
from router.core.presence import Profile, leaving, newcomer, with_presence, with_profile
from router.core.steps import Change

NOW = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)
TANAKA = Profile(name="田中 一郎", skills={"network": 3}, queues=("vip", "technical"), capacity=3)


@pytest.fixture
def tanaka() -> Agent:
    changed = with_profile(newcomer("acme", "tanaka", NOW), TANAKA, NOW, "sato")
    assert changed is not None
    return changed[0]


def test_the_first_profile_is_version_one_and_told_whole(tanaka: Agent) -> None:
    changed = with_profile(newcomer("acme", "tanaka", NOW), TANAKA, NOW, "sato")
    assert changed is not None
    agent, event = changed
    assert (agent.version, event.agent_version, event.by) == (1, 1, "sato")
    assert agent.queues == event.queues == ("technical", "vip")
    assert agent == tanaka


def test_even_an_empty_profile_makes_somebody_of_a_newcomer() -> None:
    assert with_profile(newcomer("acme", "mori", NOW), Profile(capacity=0), NOW, None) is not None


def test_the_same_profile_again_is_no_change(tanaka: Agent) -> None:
    assert with_profile(tanaka, TANAKA, NOW + timedelta(hours=1), "sato") is None


def test_the_same_presence_again_is_no_change(tanaka: Agent) -> None:
    assert with_presence(tanaka, Presence.OFFLINE, NOW) is None


def test_who_comes_queues_up_behind_those_who_were_free(tanaka: Agent) -> None:
    later = NOW + timedelta(hours=1)
    came = with_presence(tanaka, Presence.ONLINE, later)
    assert came is not None
    assert came[0].free_since == came[0].seen_at == later
    left = with_presence(came[0], Presence.AWAY, later + timedelta(hours=1), "休憩")
    assert left is not None
    assert (left[0].free_since, left[1].reason) == (later, "休憩")


def test_who_leaves_lays_down_what_he_was_offered_and_what_he_has(
    tanaka: Agent, policy: Policy, waiting: Callable[..., Case]
) -> None:
    online = with_presence(tanaka, Presence.ONLINE, NOW)
    assert online is not None
    first = offer(waiting(), online[0], policy.terms, NOW, "…")
    taken = accept(*_of(first), NOW)
    assert taken.agent is not None
    second = offer(waiting(case_id=UUID(int=2)), taken.agent, policy.terms, NOW, "…")
    assert second.agent is not None
    changes = leaving(second.agent, [(taken.case, None), (second.case, second.offer)], NOW, "離席")
    assert [change.case.state for change in changes] == [CaseState.WAITING] * 2
    after = changes[-1].agent
    assert after is not None
    assert (after.load(), after.version) == (0, second.agent.version + 2)


def test_who_had_nothing_leaves_nothing(tanaka: Agent) -> None:
    assert leaving(tanaka, [], NOW, "離席") == []


def _of(change: Change) -> tuple[Case, Agent, Offer]:
    assert change.agent is not None
    assert change.offer is not None
    return change.case, change.agent, change.offer
