"""Picked, assigned, handed over: by the same steps as matching, with room and skills looked at."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from common.core.work import OfferMade, Presence
from router.core.agents import Agent
from router.core.facts import Case, CaseState
from router.core.handing import assign, hand_over, moved, needs_in, no_room, pick, released
from router.core.lifecycle import hold, resolve
from router.core.offers import accept, offer
from router.core.policy import Policy
from router.core.steps import Change, ConflictError
from router.core.waking import Standing

NOW = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)


def agent(name: str = "tanaka", **fields: Any) -> Agent:
    known = Agent(
        tenant="acme",
        agent=name,
        free_since=NOW,
        seen_at=NOW,
        changed_at=NOW,
        skills={"billing": 2},
        queues=("billing", "technical"),
        presence=Presence.ONLINE,
        capacity=1,
    )
    return replace(known, **fields)


def offered(case: Case, to: Agent, policy: Policy) -> Standing:
    change = offer(case, to, policy.terms, NOW, "…")
    return Standing(case=change.case, agent=change.agent, offer=change.offer)


def assigned(case: Case, to: Agent, policy: Policy) -> Standing:
    held_out = offered(case, to, policy)
    assert held_out.agent is not None
    assert held_out.offer is not None
    change = accept(held_out.case, held_out.agent, held_out.offer, NOW)
    return Standing(case=change.case, agent=change.agent, offer=change.offer)


def counted(changes: list[Change], first: int) -> bool:
    """Whether the case's versions follow one another."""
    return [change.case.version for change in changes] == list(
        range(first + 1, first + 1 + len(changes))
    )


def test_who_picks_has_the_case_by_an_offer_of_his_own(
    waiting: Callable[..., Case], policy: Policy
) -> None:
    changes = pick(waiting(), agent(), policy, NOW)
    assert counted(changes, waiting().version)
    (made,) = changes[0].events
    assert isinstance(made, OfferMade)
    assert made.by == "tanaka"
    last = changes[-1]
    assert (last.case.state, last.case.agent) == (CaseState.ASSIGNED, "tanaka")
    assert last.agent is not None
    assert last.agent.load() == 1


def test_rules_may_let_nobody_pick(
    waiting: Callable[..., Case], ruled: Callable[..., Policy]
) -> None:
    strict = ruled("urgency:", "assignment: {pick: false}\nurgency:")
    with pytest.raises(ConflictError, match="pick"):
        pick(waiting(), agent(), strict, NOW)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"queues": ()}, "does not answer from billing"),
        ({"skills": {"billing": 1}}, "lacks billing ≥ 2"),
        ({"presence": Presence.AWAY}, "is not signed in"),
        ({"capacity": 0}, "no room"),
        ({"channels": {"line": 0}}, "no room"),
        ({"name": "田中", "capacity": 0}, "田中 has no room"),
    ],
)
def test_who_may_not_have_a_case_is_told_why(
    waiting: Callable[..., Case], policy: Policy, fields: dict[str, Any], why: str
) -> None:
    with pytest.raises(ConflictError, match=why):
        pick(waiting(), agent(**fields), policy, NOW)


def test_force_gives_a_case_to_who_does_not_qualify_and_says_so(
    waiting: Callable[..., Case], policy: Policy
) -> None:
    stranger = agent(queues=(), skills={}, presence=Presence.OFFLINE)
    standing = Standing(case=waiting())
    with pytest.raises(ConflictError):
        assign(standing, stranger, policy, NOW, "asked for", "sato", force=False)
    changes = assign(standing, stranger, policy, NOW, "asked for", "sato", force=True)
    (made,) = changes[0].events
    assert isinstance(made, OfferMade)
    assert made.reason == "asked for (although tanaka does not answer from billing)"
    with pytest.raises(ConflictError, match="no room"):
        assign(standing, agent(capacity=0), policy, NOW, "asked for", "sato", force=True)


def test_an_assigned_case_leaves_who_had_it(waiting: Callable[..., Case], policy: Policy) -> None:
    standing = assigned(waiting(), agent(), policy)
    changes = assign(standing, agent("mori"), policy, NOW, "ill", "sato", force=False)
    assert counted(changes, standing.case.version)
    freed, *_, given = changes
    assert freed.agent is not None
    assert (freed.agent.agent, freed.agent.load()) == ("tanaka", 0)
    assert given.case.agent == "mori"
    with pytest.raises(ConflictError, match="already"):
        assign(standing, agent(), policy, NOW, "again", "sato", force=False)


def test_who_is_being_offered_a_case_can_be_given_it(
    waiting: Callable[..., Case], policy: Policy
) -> None:
    """His offer is withdrawn first, and his room is counted without it."""
    standing = offered(waiting(), agent(), policy)
    assert standing.agent is not None
    changes = assign(standing, standing.agent, policy, NOW, "at once", "sato", force=False)
    versions = [change.agent.version for change in changes if change.agent]
    assert versions == [3, 4, 5]
    assert changes[-1].agent is not None
    assert changes[-1].agent.load() == 1


def test_a_case_handed_over_is_offered(waiting: Callable[..., Case], policy: Policy) -> None:
    standing = assigned(waiting(), agent(), policy)
    changes = hand_over(standing, agent("mori"), policy, NOW, "her customer", "tanaka")
    assert (changes[-1].case.state, changes[-1].case.agent) == (CaseState.OFFERED, "mori")
    with pytest.raises(ConflictError, match="already"):
        hand_over(standing, agent(), policy, NOW, "…", "tanaka")
    with pytest.raises(ConflictError, match="no room"):
        hand_over(standing, agent("mori", capacity=0), policy, NOW, "…", "tanaka")


def test_a_held_case_is_released_and_a_resolved_one_is_not(
    waiting: Callable[..., Case], policy: Policy
) -> None:
    on_hold = hold(waiting(), None, None, NOW, "parts").case
    changes, case = released(Standing(case=on_hold), NOW, "now", "sato")
    assert (len(changes), case.state) == (1, CaseState.WAITING)
    done = resolve(waiting(), None, policy.terms, NOW, "sato").case
    with pytest.raises(ConflictError, match="resolved"):
        released(Standing(case=done), NOW, "now", "sato")


@pytest.mark.parametrize("state", [CaseState.WAITING, CaseState.OFFERED, CaseState.ASSIGNED])
def test_a_case_moves_to_another_queue_from_wherever_it_is(
    waiting: Callable[..., Case], policy: Policy, state: CaseState
) -> None:
    standing = {
        CaseState.WAITING: Standing(case=waiting()),
        CaseState.OFFERED: offered(waiting(), agent(), policy),
        CaseState.ASSIGNED: assigned(waiting(), agent(), policy),
    }[state]
    changes = moved(standing, "technical", {"network": 2}, NOW, "not money", "sato")
    last = changes[-1]
    assert counted(changes, standing.case.version)
    assert (last.case.queue, last.case.skills, last.case.agent) == (
        "technical",
        {"network": 2},
        None,
    )


def test_a_queue_asks_for_its_own_skills_and_those_that_the_message_asked_for(
    waiting: Callable[..., Case], policy: Policy
) -> None:
    case = waiting(queue="technical", skills={"network": 3, "japanese": 3})
    held = {"outage", "japanese"}
    assert needs_in(case, "billing", held, policy) == {"japanese": 3, "billing": 1}
    assert needs_in(case, "technical", held, policy) == case.skills
    dropped = replace(case, queue="dropped")
    assert needs_in(dropped, "general", set(), policy) == case.skills


def test_room_is_counted_in_units_over_all_channels(
    waiting: Callable[..., Case], policy: Policy
) -> None:
    busy = agent(capacity=3, used={"email": 2})
    assert no_room(waiting(units=1), busy, policy) is None
    assert no_room(waiting(case_id=UUID(int=9), units=2), busy, policy) is not None
