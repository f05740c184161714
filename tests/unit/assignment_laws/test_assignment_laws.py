"""The checker finds each law's breach in a history made for it, and nothing in an honest one."""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from assignment_laws.checking import check
from common.core.events import Channel
from common.core.work import SlaAtRisk, SlaBreached, Target

Broken = Callable[..., list[str]]


def test_an_honest_morning_breaks_nothing(story: Any) -> None:
    story.case(1, 1)
    story.case(1, 2)
    offer = story.made(2, 1, "佐藤")
    story.accepted(5, offer, 1, "佐藤")
    story.resolved(60, 1, "佐藤")
    offer = story.made(61, 2, "佐藤")
    story.declined(65, offer, 2, "佐藤", 60)
    offer = story.made(126, 2, "佐藤")
    story.expired(156, offer, 2, "佐藤")
    story.presence(157, "佐藤", "away")
    story.held(158, 2)
    story.requeued(160, 2, "technical")
    story.presence(170, "佐藤", "online")
    offer = story.made(171, 2, "佐藤")
    story.withdrawn(172, offer, 2, "佐藤")
    offer = story.made(173, 2, "佐藤")
    story.accepted(174, offer, 2, "佐藤")
    story.routed(175, 2)
    story.held(176, 2, "佐藤")
    story.routed(177, 2, queues=())  # a reaction wakes nobody
    story.resolved(190, 2, None)
    story.reopened(191, 2)
    verdict = check(story.events)
    assert verdict.breaches == ()
    assert (verdict.cases, verdict.agents, verdict.offers, verdict.accepted) == (2, 1, 5, 2)


def test_what_is_published_again_is_no_breach_and_what_is_told_differently_is(
    story: Any, laws_broken: Broken
) -> None:
    story.case(1, 1)
    story.events.append(story.events[-1])
    assert laws_broken(story.events) == []
    forged = story.events[-1]
    story.events.append(replace(forged, value=forged.value.replace(b"technical", b"billing")))
    assert laws_broken(story.events) == ["ONE_STORY"]


def test_events_of_newer_versions_of_the_router_are_passed_over(
    story: Any, laws_broken: Broken
) -> None:
    story.case(1, 1)
    story.events.append(replace(story.events[-1], data=None))
    assert laws_broken(story.events) == []


def test_a_missing_version_is_found(story: Any, laws_broken: Broken) -> None:
    story.case(1, 1)
    story.skip(number=1)
    story.routed(2, 1)
    assert laws_broken(story.events) == ["VERSIONS"]


def test_a_missing_version_of_an_agent_is_found(story: Any, laws_broken: Broken) -> None:
    story.skip(name="佐藤")
    story.presence(2, "佐藤", "away")
    assert laws_broken(story.events) == ["VERSIONS"]


def test_a_version_that_is_told_twice_is_found(story: Any, laws_broken: Broken) -> None:
    story.case(1, 1)
    story.again(number=1)
    story.routed(2, 1)
    assert laws_broken(story.events) == ["VERSIONS"]


def test_remarks_may_share_a_version_unless_they_repeat(
    story: Any, moment: Any, laws_broken: Broken
) -> None:
    story.case(1, 1)
    both = {
        "case_id": UUID(int=1),
        "contact": "tel:+819012345678",
        "target": Target.RESOLUTION,
        "due": moment(5),
        "at": moment(5),
        "queue": "technical",
        "plan": "default",
        "case_version": 2,
    }
    story.tell(5, SlaAtRisk(**both))
    story.tell(5, SlaBreached(**both))
    assert laws_broken(story.events) == []
    story.tell(5, SlaBreached(**both))
    assert laws_broken(story.events) == ["VERSIONS"]


def test_a_case_that_nobody_opened_is_found(story: Any, laws_broken: Broken) -> None:
    story.routed(1, 1)
    assert laws_broken(story.events) == ["BEGINNING"]


def test_a_case_that_is_offered_before_it_is_routed_is_found(
    story: Any, laws_broken: Broken
) -> None:
    story.opened(1, 1)
    story.made(2, 1, "佐藤")
    assert laws_broken(story.events) == ["BEGINNING"]


@pytest.mark.parametrize("answer", ["accepts", "has not answered"])
def test_a_case_offered_to_a_second_agent_is_found(
    story: Any, laws_broken: Broken, answer: str
) -> None:
    story.agent(0, "鈴木")
    story.presence(0, "鈴木", "online")
    story.case(1, 1)
    offer = story.made(2, 1, "佐藤")
    if answer == "accepts":
        story.accepted(3, offer, 1, "佐藤")
    story.made(4, 1, "鈴木")
    assert laws_broken(story.events) == ["ONE_AGENT"]


def test_a_case_accepted_by_whom_it_was_not_offered_to_is_found(
    story: Any, laws_broken: Broken
) -> None:
    story.agent(0, "鈴木")
    story.presence(0, "鈴木", "online")
    story.case(1, 1)
    offer = story.made(2, 1, "佐藤")
    story.accepted(3, offer, 1, "鈴木")
    assert laws_broken(story.events) == ["ONE_END", "ONE_AGENT"]


def test_a_case_given_back_by_who_never_had_it_is_found(story: Any, laws_broken: Broken) -> None:
    story.case(1, 1)
    story.resolved(2, 1, "佐藤")
    assert laws_broken(story.events) == ["ONE_AGENT"]


def test_too_much_work_is_found(story: Any, laws_broken: Broken) -> None:
    story.case(1, 1)
    story.case(1, 2)
    story.made(2, 1, "佐藤")
    story.made(2, 2, "佐藤")
    assert laws_broken(story.events) == ["CAPACITY"]


def test_too_much_of_one_channel_is_found(story: Any, laws_broken: Broken) -> None:
    story.agent(0, "佐藤", capacity=5, channels={"line": 1})
    story.case(1, 1)
    story.case(1, 2)
    story.case(1, 3, Channel.EMAIL)
    story.made(2, 1, "佐藤")
    story.made(2, 3, "佐藤")
    assert laws_broken(story.events) == []
    story.made(2, 2, "佐藤")
    assert laws_broken(story.events) == ["CAPACITY"]


def test_less_capacity_takes_nothing_from_what_he_has(story: Any, laws_broken: Broken) -> None:
    story.case(1, 1)
    offer = story.made(2, 1, "佐藤")
    story.agent(3, "佐藤", capacity=0)
    story.accepted(4, offer, 1, "佐藤")
    assert laws_broken(story.events) == []


def test_an_unqualified_agent_is_found_as_he_was_when_it_was_offered(
    story: Any, laws_broken: Broken
) -> None:
    story.agent(0, "佐藤", skills={"network": 2})
    story.case(1, 1, skills={"network": 3})
    story.made(2, 1, "佐藤")
    story.agent(3, "佐藤", skills={"network": 5})
    assert laws_broken(story.events) == ["QUALIFIED"]


def test_relaxed_requirements_count_from_when_they_were_relaxed(
    story: Any, laws_broken: Broken
) -> None:
    story.agent(0, "佐藤", skills={"network": 2})
    story.case(1, 1, skills={"network": 3})
    story.relaxed(2, 1, {"network": 2})
    story.made(3, 1, "佐藤")
    assert laws_broken(story.events) == []


def test_a_queue_that_is_not_his_is_found(story: Any, laws_broken: Broken) -> None:
    story.agent(0, "佐藤", queues=("billing",))
    story.case(1, 1)
    story.made(2, 1, "佐藤")
    assert laws_broken(story.events) == ["MEMBERSHIP"]


def test_an_offer_that_names_another_queue_is_found(story: Any, laws_broken: Broken) -> None:
    story.case(1, 1)
    story.requeued(2, 1, "billing")
    story.made(3, 1, "佐藤")
    assert laws_broken(story.events) == ["MEMBERSHIP"]


@pytest.mark.parametrize("presence", ["away", "offline"])
def test_an_offer_to_somebody_who_is_not_there_is_found(
    story: Any, laws_broken: Broken, presence: str
) -> None:
    story.presence(1, "佐藤", presence)
    story.case(1, 1)
    story.made(2, 1, "佐藤")
    assert laws_broken(story.events) == ["PRESENT"]


def test_an_offer_to_somebody_who_winds_up_is_found(
    story: Any, moment: Any, laws_broken: Broken
) -> None:
    story.case(1, 1)
    story.case(1, 2)
    offer = story.made(2, 1, "佐藤")
    story.accepted(3, offer, 1, "佐藤")
    story.resolved(10, 1, "佐藤", wrap_up_until=moment(30))
    story.made(20, 2, "佐藤")
    assert laws_broken(story.events) == ["PRESENT"]


def test_an_offer_to_a_stranger_is_found(story: Any, laws_broken: Broken) -> None:
    story.case(1, 1)
    story.made(2, 1, "高橋")
    assert laws_broken(story.events) == ["PRESENT"]


def test_an_offer_that_ends_twice_is_found(story: Any, laws_broken: Broken) -> None:
    story.agent(0, "佐藤", capacity=2)
    story.case(1, 1)
    offer = story.made(2, 1, "佐藤")
    story.accepted(3, offer, 1, "佐藤")
    story.expired(32, offer, 1, "佐藤")
    assert laws_broken(story.events) == ["ONE_END"]


def test_an_offer_that_ends_without_having_been_made_is_found(
    story: Any, laws_broken: Broken
) -> None:
    story.case(1, 1)
    story.expired(2, UUID(int=77), 1, "佐藤")
    assert "ONE_END" in laws_broken(story.events)


def test_an_offer_made_twice_is_found(story: Any, laws_broken: Broken) -> None:
    story.agent(0, "佐藤", capacity=2)
    story.case(1, 1)
    story.case(1, 2)
    offer = story.made(2, 1, "佐藤")
    story.made(2, 2, "佐藤", offer_id=offer)
    assert "ONE_END" in laws_broken(story.events)


def test_an_offer_that_never_ends_is_found(story: Any, laws_broken: Broken) -> None:
    story.case(1, 1)
    story.made(2, 1, "佐藤")
    assert laws_broken(story.events, until=40) == []
    assert laws_broken(story.events, until=100) == ["ONE_END"]


def test_an_offer_accepted_too_late_is_found(story: Any, laws_broken: Broken) -> None:
    story.case(1, 1)
    offer = story.made(2, 1, "佐藤")
    story.accepted(33, offer, 1, "佐藤")
    assert laws_broken(story.events) == ["ONE_END"]


def test_tenants_have_nothing_to_do_with_each_other(story: Any, laws_broken: Broken) -> None:
    story.case(1, 1)
    for event in story.events[-2:]:
        story.events.remove(event)
        story.tell(1, event.data, tenant="globex")
    assert laws_broken(story.events, until=60) == []


def test_a_verdict_tells_what_was_looked_at_and_what_was_wrong(story: Any, moment: Any) -> None:
    story.case(1, 1)
    said = str(check(story.events, until=moment(60)))
    assert said.startswith("4 events of 1 cases and 1 agents: 0 offers, 0 accepted, 1 breaches")
    assert "waited 59.0 s beside 佐藤" in said


def test_the_checker_shares_no_code_with_what_it_checks() -> None:
    sources = list((Path(__file__).parents[3] / "deploy" / "assignment_laws").glob("*.py"))
    assert sources
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text("utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not any(name.split(".")[0] == "router" for name in names), source


def test_nothing_told_breaks_nothing() -> None:
    assert check([]).breaches == ()
