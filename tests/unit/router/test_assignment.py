"""Who gets which case, as laws that hold whatever waits and whoever is there."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given, strategies as st
from msgspec.structs import replace

from common.core.work import Presence
from router.core.agents import Agent
from router.core.assignment import Board, Match, Why, lane_of, unbroken
from router.core.facts import Case, CaseState, Refusal

NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)
QUEUES = ("technical", "billing", "general")
SKILLS = ("japanese", "network", "english")


def a_case(number: int, **more: Any) -> Case:
    told: dict[str, Any] = {
        "queue": "technical",
        "skills": {},
        "channel": "line",
        "rank": NOW + timedelta(minutes=number),
    } | more
    return Case(
        case_id=UUID(int=number),
        tenant="acme",
        conversation=str(number),
        contact=f"line:main:U{number}",
        participants=(),
        customer=UUID(int=number),
        state=CaseState.WAITING,
        plan="standard",
        contract=None,
        priority=0,
        first_response_due=NOW,
        resolution_due=NOW,
        opened_at=NOW,
        decided_by=UUID(int=number),
        queued_at=NOW,
        **told,
    )


def an_agent(name: str, **more: Any) -> Agent:
    told: dict[str, Any] = {
        "queues": ("technical",),
        "free_since": NOW,
        "presence": Presence.ONLINE,
    } | more
    return Agent(tenant="acme", agent=name, seen_at=NOW, changed_at=NOW, **told)


def pairs(matches: Sequence[Match[Case]]) -> list[tuple[int, str]]:
    return [(match.case.case_id.int, match.agent.agent) for match in matches]


levels = st.dictionaries(st.sampled_from(SKILLS), st.integers(1, 5), max_size=2)
moments = st.integers(-60, 60).map(lambda minutes: NOW + timedelta(minutes=minutes))
names = st.sampled_from(["佐藤", "鈴木", "田中", "高橋", "伊藤"])
refusals = st.dictionaries(names, st.builds(Refusal, st.integers(1, 3), moments), max_size=2)


@st.composite
def some_cases(draw: st.DrawFn) -> list[Case]:
    return [
        a_case(
            number,
            queue=draw(st.sampled_from(QUEUES)),
            skills=draw(levels),
            channel=draw(st.sampled_from(["line", "email"])),
            units=draw(st.integers(1, 2)),
            rank=draw(moments),
            preferred=draw(st.none() | names),
            reserved_until=draw(st.none() | moments),
            refusals=draw(refusals),
        )
        for number in range(1, draw(st.integers(0, 12)) + 1)
    ]


@st.composite
def some_agents(draw: st.DrawFn) -> list[Agent]:
    return [
        an_agent(
            name,
            queues=tuple(draw(st.sets(st.sampled_from(QUEUES), max_size=3))),
            skills=draw(levels),
            capacity=draw(st.integers(0, 4)),
            channels=draw(st.dictionaries(st.just("email"), st.integers(0, 2))),
            used=draw(st.dictionaries(st.sampled_from(["line", "email"]), st.integers(1, 2))),
            presence=draw(st.sampled_from(Presence)),
            wrap_up_until=draw(st.none() | moments),
            free_since=draw(moments),
        )
        for name in draw(st.sets(names))
    ]


def qualifies(agent: Agent, case: Case) -> bool:
    able = all(agent.skills.get(skill, 0) >= level for skill, level in case.skills.items())
    return case.queue in agent.queues and able


def spurns(agent: Agent, case: Case) -> bool:
    """Whether the agent let the case go a moment ago."""
    refusal = case.refusals.get(agent.agent)
    return refusal is not None and refusal.until > NOW


def is_behind(case: Case, other: Case) -> bool:
    return lane_of(case) == lane_of(other) and (case.rank, case.case_id) > (
        other.rank,
        other.case_id,
    )


def reserved(case: Case, agents: Sequence[Agent]) -> bool:
    """Whether the case waits for somebody who is signed in and knows the customer."""
    if case.reserved_until is None or case.reserved_until <= NOW:
        return False
    known = [agent for agent in agents if agent.agent == case.preferred]
    return any(agent.presence is Presence.ONLINE and qualifies(agent, case) for agent in known)


def afterwards(agents: Sequence[Agent], matches: Sequence[Match[Case]]) -> list[Agent]:
    used = {agent.agent: dict(agent.used) for agent in agents}
    for match in matches:
        mine = used[match.agent.agent]
        mine[match.case.channel] = mine.get(match.case.channel, 0) + match.case.units
    return [replace(agent, used=used[agent.agent]) for agent in agents]


@given(some_agents(), some_cases())
def test_nobody_gets_what_he_may_not_have(agents: list[Agent], cases: list[Case]) -> None:
    matches = Board(agents, cases).assign(NOW)
    assert len({match.case.case_id for match in matches}) == len(matches)
    for match in matches:
        assert qualifies(match.agent, match.case)
        assert not spurns(match.agent, match.case)
        assert match.agent.takes(match.case.channel, match.case.units, NOW)
    before = {agent.agent: agent for agent in agents}
    for agent in afterwards(agents, matches):
        taken = agent.load() - before[agent.agent].load()
        assert not taken or agent.load() <= agent.capacity
        most = agent.channels.get("email")
        more = agent.used.get("email", 0) - before[agent.agent].used.get("email", 0)
        assert not more or most is None or agent.used["email"] <= most


@given(some_agents(), some_cases())
def test_no_case_waits_beside_somebody_who_could_take_it(
    agents: list[Agent], cases: list[Case]
) -> None:
    matches = Board(agents, cases).assign(NOW)
    given_away = {match.case.case_id for match in matches}
    left = afterwards(agents, matches)
    for case in cases:
        if case.case_id in given_away or reserved(case, left):
            continue
        assert not any(
            qualifies(agent, case)
            and agent.takes(case.channel, case.units, NOW)
            and not spurns(agent, case)
            for agent in left
        )


@given(some_agents(), some_cases())
def test_among_equals_the_earliest_rank_comes_first(agents: list[Agent], cases: list[Case]) -> None:
    plain = [replace(case, refusals={}, reserved_until=None, preferred=None) for case in cases]
    given_away = {match.case.case_id for match in Board(agents, plain).assign(NOW)}
    for case in plain:
        if case.case_id not in given_away:
            behind = [other for other in plain if lane_of(other) == lane_of(case)]
            assert all(
                (other.rank, other.case_id) < (case.rank, case.case_id)
                for other in behind
                if other.case_id in given_away
            )


@given(some_agents(), some_cases(), st.randoms(use_true_random=False))
def test_the_order_of_news_does_not_matter(
    agents: list[Agent], cases: list[Case], random: Any
) -> None:
    expected = pairs(Board(agents, cases).assign(NOW))
    random.shuffle(agents)
    random.shuffle(cases)
    assert pairs(Board(agents, cases).assign(NOW)) == expected


@given(some_agents(), some_cases())
def test_a_board_goes_on_where_it_stopped(agents: list[Agent], cases: list[Case]) -> None:
    board = Board(agents, cases)
    board.assign(NOW)
    assert board.assign(NOW) == []


@given(some_agents(), some_cases(), st.sets(st.integers(0, 9)))
def test_where_a_match_is_lost_nobody_behind_it_goes_first_and_everybody_else_goes(
    agents: list[Agent], cases: list[Case], lost: set[int]
) -> None:
    matches = Board(agents, cases).assign(NOW)
    gone = [match.case for place, match in enumerate(matches) if place in lost]
    kept = unbroken(matches, lambda match: match.case not in gone)
    behind = [match.case for match in matches if any(is_behind(match.case, one) for one in gone)]
    left_out = [match.case for match in matches if match.case in gone or match.case in behind]
    assert [match.case for match in kept] == [
        match.case for match in matches if match.case not in left_out
    ]


def test_nobody_of_a_lane_goes_before_its_first_whose_match_was_lost() -> None:
    agents = [an_agent("佐藤", capacity=2), an_agent("鈴木", capacity=2)]
    cases = [a_case(1), a_case(2), a_case(3, channel="email")]
    matches = Board(agents, cases).assign(NOW)
    kept = unbroken(matches, lambda match: match.case.case_id != UUID(int=1))
    assert [match.case.case_id.int for match in kept] == [3]


def test_who_has_been_free_longest_comes_first_and_who_has_less_to_do_before_him() -> None:
    rested = an_agent("佐藤", free_since=NOW - timedelta(hours=1), capacity=2, used={"line": 1})
    idle = an_agent("鈴木", free_since=NOW, capacity=2)
    matches = Board([rested, idle], [a_case(1), a_case(2)]).assign(NOW)
    assert pairs(matches) == [(1, "鈴木"), (2, "佐藤")]
    assert {match.why for match in matches} == {Why.FREE_LONGEST}


def test_who_knows_the_customer_comes_before_who_has_been_free_longest() -> None:
    agents = [an_agent("佐藤", free_since=NOW - timedelta(hours=1)), an_agent("鈴木")]
    (match,) = Board(agents, [a_case(1, preferred="鈴木")]).assign(NOW)
    assert (match.agent.agent, match.why) == ("鈴木", Why.KNOWS_CUSTOMER)


def test_a_case_waits_a_while_for_who_knows_the_customer_and_lets_others_pass() -> None:
    busy = an_agent("佐藤", used={"line": 1})
    waits = a_case(1, preferred="佐藤", reserved_until=NOW + timedelta(seconds=30))
    board = Board([busy, an_agent("鈴木")], [waits, a_case(2)])
    assert pairs(board.assign(NOW)) == [(2, "鈴木")]
    board.put_agent(an_agent("高橋"))
    assert pairs(board.assign(NOW + timedelta(seconds=30))) == [(1, "高橋")]


def test_who_left_or_changed_is_asked_no_more_for_what_he_could() -> None:
    board = Board([an_agent("佐藤"), an_agent("鈴木")], [a_case(1), a_case(2)])
    board.put_agent(an_agent("佐藤", presence=Presence.OFFLINE, version=2))
    board.put_agent(an_agent("鈴木", queues=("billing",), version=2))
    board.drop_case(UUID(int=2))
    assert board.assign(NOW) == []
    board.put_agent(an_agent("佐藤", version=3, capacity=2))
    assert pairs(board.assign(NOW)) == [(1, "佐藤")]


def test_a_case_that_moved_waits_in_its_new_lane_only() -> None:
    board = Board([an_agent("佐藤", capacity=3)], [a_case(1), a_case(2)])
    board.put_case(a_case(1, queue="billing"))
    board.put_case(a_case(2, rank=NOW))
    assert pairs(board.assign(NOW)) == [(2, "佐藤")]


def test_nobody_without_capacity_is_asked() -> None:
    assert Board([an_agent("佐藤", capacity=0)], [a_case(1)]).assign(NOW) == []


def test_a_lane_is_for_whoever_qualifies_whether_he_is_free_or_not() -> None:
    board: Board[Case] = Board([an_agent("佐藤", skills={"network": 2}, capacity=0)])
    assert board.is_for_somebody(lane_of(a_case(1, skills={"network": 2})))
    assert not board.is_for_somebody(lane_of(a_case(2, skills={"network": 3})))
    assert not board.is_for_somebody(lane_of(a_case(3, queue="billing")))


def test_cases_put_in_as_a_lane_are_matched_as_if_put_in_one_by_one() -> None:
    board: Board[Case] = Board([an_agent("佐藤", capacity=2)])
    cases = [a_case(2), a_case(1), a_case(3)]
    board.put_lane(lane_of(cases[0]), cases)
    assert pairs(board.assign(NOW)) == [(1, "佐藤"), (2, "佐藤")]
