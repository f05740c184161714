"""Who is overtaken by an equal, and what waits beside somebody who is free, is found."""

from collections.abc import Callable
from typing import Any

import pytest

from assignment_laws.checking import check

Broken = Callable[..., list[str]]


def test_a_later_rank_that_went_first_is_found(story: Any, laws_broken: Broken) -> None:
    story.case(1, 1)
    story.case(1, 2)
    story.made(5, 2, "佐藤")
    story.routed(8, 1)
    assert laws_broken(story.events) == ["RANK"]


def test_what_nobody_could_have_seen_yet_excuses_a_later_rank(story: Any, moment: Any) -> None:
    story.case(1, 1)
    routed = story.events[-1].attributes.id
    story.case(1, 2)
    story.made(5, 2, "佐藤")
    story.routed(8, 1)
    late = check(story.events, public_at={routed: moment(5.5)})
    assert late.breaches == ()
    seen = check(story.events, public_at={routed: moment(4.9)})
    assert [breach.law.name for breach in seen.breaches] == ["RANK"]


@pytest.mark.parametrize(
    "other",
    [
        {"queue": "billing"},
        {"skills": {"network": 1}},
        {"units": 2},
        {"reserved_for": "鈴木", "reserved_until": 100},
        {"rank": 3},
    ],
)
def test_what_is_no_equal_may_be_overtaken(
    story: Any, moment: Any, laws_broken: Broken, other: dict[str, Any]
) -> None:
    if "reserved_until" in other:
        other = other | {"reserved_until": moment(100)}
    story.case(1, 1, **other)
    story.case(1, 2)
    story.made(5, 2, "佐藤")
    story.routed(8, 1, **other)
    assert laws_broken(story.events) == []


def test_who_let_a_case_go_may_get_a_later_one_until_his_pause_is_over(
    story: Any, laws_broken: Broken
) -> None:
    story.case(1, 1)
    offer = story.made(2, 1, "佐藤")
    story.declined(3, offer, 1, "佐藤", 10)
    story.case(4, 2)
    offer = story.made(6, 2, "佐藤")
    story.accepted(7, offer, 2, "佐藤")
    story.resolved(8, 2, "佐藤")
    story.case(9, 3)
    assert laws_broken(story.events) == []
    story.made(14.5, 3, "佐藤")
    story.routed(16, 1)
    assert laws_broken(story.events) == ["RANK"]


def test_what_a_person_gives_to_somebody_needs_no_rank_and_no_skill_but_room(
    story: Any, laws_broken: Broken
) -> None:
    story.case(1, 1)
    story.case(1, 2, skills={"network": 1})
    story.presence(2, "佐藤", "away")
    story.made(5, 2, "佐藤", by="高橋")
    story.routed(8, 1)
    assert laws_broken(story.events) == []
    story.made(9, 1, "佐藤", by="高橋")
    assert laws_broken(story.events) == ["CAPACITY"]


def test_what_another_queue_asks_for_counts_there(story: Any, laws_broken: Broken) -> None:
    story.case(1, 1)
    story.requeued(2, 1, "technical", skills={"network": 3})
    story.made(3, 1, "佐藤")
    assert laws_broken(story.events) == ["QUALIFIED"]


def test_a_case_that_waits_beside_somebody_free_is_found(story: Any, laws_broken: Broken) -> None:
    story.case(1, 1)
    assert laws_broken(story.events, until=10) == []
    assert laws_broken(story.events, until=12) == ["IDLE"]


def test_messages_that_come_meanwhile_do_not_make_the_wait_shorter(
    story: Any, laws_broken: Broken
) -> None:
    story.case(1, 1)
    story.routed(6, 1)
    story.agent(8, "佐藤", capacity=2)
    story.made(12, 1, "佐藤")
    assert laws_broken(story.events) == ["IDLE"]


@pytest.mark.parametrize(
    "profile",
    [{"capacity": 0}, {"queues": ("billing",)}, {"skills": {}}, {"channels": {"line": 0}}],
)
def test_who_cannot_take_a_case_is_not_idle(
    story: Any, laws_broken: Broken, profile: dict[str, Any]
) -> None:
    story.agent(0, "佐藤", **profile)
    story.case(1, 1, skills={"network": 1})
    assert laws_broken(story.events, until=60) == []


def test_pauses_reservations_and_wrap_up_excuse_until_they_are_over(
    story: Any, moment: Any, laws_broken: Broken
) -> None:
    story.agent(0, "佐藤", capacity=2)
    story.case(1, 1, reserved_for="鈴木", reserved_until=moment(30))
    story.case(1, 2)
    offer = story.made(1, 2, "佐藤")
    story.declined(2, offer, 2, "佐藤", 28)
    assert laws_broken(story.events, until=39) == []
    assert laws_broken(story.events, until=41) == ["IDLE"]
    story.presence(3, "佐藤", "online", wrap_up_until=moment(45))
    assert laws_broken(story.events, until=54) == []
    assert laws_broken(story.events, until=56) == ["IDLE"]


def test_time_beside_somebody_free_counts_in_one_piece(story: Any, laws_broken: Broken) -> None:
    story.case(1, 1)
    story.presence(8, "佐藤", "away")
    story.presence(20, "佐藤", "online")
    assert laws_broken(story.events, until=29) == []
    assert laws_broken(story.events, until=31) == ["IDLE"]
