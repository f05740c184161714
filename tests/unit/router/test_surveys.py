"""What a resolved case is asked, when, in which words, and when it is not asked after all."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from common.core.events import Channel, Party
from common.core.surveys import Question
from common.core.topics import OUTBOUND, ROUTING
from router.core.facts import Case, CaseState
from router.core.loading import load
from router.core.policy import Policy, compiled
from router.core.surveys import (
    Asked,
    NotAsked,
    Planned,
    Surroundings,
    announcements,
    asked,
    fitting,
    planned,
    survey_called,
)

SURVEYS = """
surveys:
  - id: best
    sentence: would they recommend us
    question: nps
    plans: [gold]
    delay: 24h
  - id: bills
    sentence: were they satisfied with their bill
    question: csat3
    queues: [billing]
    channels: [email]
    text: {ja: ご満足いただけましたか。}
  - id: others
    sentence: how satisfied
    question: csat5
    quiet: 48h
"""


@pytest.fixture(scope="module")
def asking(rules_text: str) -> Policy:
    loaded = load((rules_text + SURVEYS).encode())
    return compiled(loaded.rules, loaded.version)


@pytest.fixture(scope="module")
def solved(waiting: Callable[..., Case]) -> Callable[..., Case]:
    """A case that was resolved at its opening's hour plus one."""

    def write(**fields: Any) -> Case:
        case = waiting(**fields)
        return replace(case, state=CaseState.RESOLVED, resolved_at=case.opened_at + HOUR)

    return write


HOUR = timedelta(hours=1)


def due(plan: Planned | None) -> tuple[Planned, datetime]:
    """Return a plan that there is, and when it is due."""
    assert plan is not None
    return plan, plan.due_at


@pytest.mark.parametrize(
    ("fields", "survey"),
    [
        ({"plan": "gold"}, "best"),
        ({"channel": Channel.EMAIL}, "bills"),
        ({"channel": Channel.LINE}, "others"),
        ({"channel": Channel.EMAIL, "queue": "general"}, "others"),
    ],
)
def test_the_first_survey_that_fits_queue_plan_and_channel_counts(
    asking: Policy, solved: Callable[..., Case], fields: dict[str, Any], survey: str
) -> None:
    plan, at = due(planned(solved(**fields), "tanaka", asking))

    assert plan.survey == survey
    assert at == plan.resolved_at + (24 * HOUR if survey == "best" else HOUR)
    assert plan.agent == "tanaka"


def test_of_one_question_the_first_survey_that_asks_it_fits(
    asking: Policy, solved: Callable[..., Case]
) -> None:
    found = fitting(solved(plan="gold"), asking, Question.CSAT5)

    assert found is not None
    assert found.id == "others"
    assert fitting(solved(), asking, Question.TEXT) is None


def test_an_open_case_and_one_that_no_survey_fits_are_asked_nothing(
    asking: Policy, policy: Policy, waiting: Callable[..., Case], solved: Callable[..., Case]
) -> None:
    assert planned(waiting(), None, asking) is None
    assert planned(solved(), None, policy) is None
    assert survey_called("best", policy) is None


@given(versions=st.sets(st.integers(1, 10**6), min_size=200, max_size=200))
def test_about_the_share_of_cases_is_asked(
    rules_text: str, solved: Callable[..., Case], versions: set[int]
) -> None:
    loaded = load((rules_text + SURVEYS.replace("48h", "48h\n    share: 0.25")).encode())
    sampling = compiled(loaded.rules, loaded.version)

    taken = [planned(solved(version=version), None, sampling) for version in versions]

    assert 10 < sum(plan is not None for plan in taken) < 100
    assert taken == [planned(solved(version=version), None, sampling) for version in versions]


def test_a_question_asks_in_the_conversation_of_the_last_message(
    asking: Policy, solved: Callable[..., Case], written: Callable[..., Any]
) -> None:
    case = solved()
    plan, now = due(planned(case, "tanaka", asking))
    message = written("直りました", subject="ルーターの件").message

    question = asked(plan, Surroundings(case=case, message=message, language="ja-JP"), asking, now)

    assert isinstance(question, Asked)
    assert question.message is not None
    assert question.request.language == "ja"
    assert question.message.text == question.request.text
    assert question.message.recipient == message.sender
    assert question.message.subject == "Re: ルーターの件"
    assert question.message.conversation is not None
    assert question.message.conversation.in_reply_to == message.message_id
    assert question.request.answer_until == now + 72 * HOUR
    records = announcements(question, now)
    assert [one.topic for one in records] == [ROUTING.name, OUTBOUND.name]
    assert records == announcements(question, now)


def test_where_a_colleague_wrote_last_the_case_s_own_contact_is_asked(
    asking: Policy, solved: Callable[..., Case], written: Callable[..., Any]
) -> None:
    case = solved()
    plan, now = due(planned(case, None, asking))
    message = written("直りました", contact="line:main:Uother").message

    question = asked(plan, Surroundings(case=case, message=message), asking, now)

    assert isinstance(question, Asked)
    assert question.message is not None
    assert question.message.recipient == Party(case.contact)
    assert question.message.subject is None


def test_without_a_message_to_answer_the_question_is_told_and_not_sent(
    asking: Policy, solved: Callable[..., Case]
) -> None:
    case = solved()
    plan, now = due(planned(case, None, asking))

    question = asked(plan, Surroundings(case=case), asking, now)

    assert isinstance(question, Asked)
    assert question.request.request_id is None
    assert len(announcements(question, now)) == 1


@pytest.mark.parametrize(
    ("fields", "spoken", "language"),
    [
        ({}, "ja", "ja"),
        ({}, "en-US", "en"),
        ({}, "fr", "en"),
        ({}, None, "en"),  # the company's
        ({"channel": Channel.EMAIL}, "ja", "ja"),
        ({"channel": Channel.EMAIL}, "fr", "en"),
    ],
)
def test_a_customer_is_asked_in_his_language_if_we_can(
    asking: Policy,
    solved: Callable[..., Case],
    fields: dict[str, Any],
    spoken: str | None,
    language: str,
) -> None:
    case = solved(**fields)
    plan, now = due(planned(case, None, asking))

    question = asked(plan, Surroundings(case=case, language=spoken), asking, now)

    assert isinstance(question, Asked)
    assert question.request.language == language


@pytest.mark.parametrize(
    ("around", "late", "why"),
    [
        ({"case": None}, HOUR, NotAsked.REOPENED),
        ({"goes_on": True}, HOUR, NotAsked.REOPENED),
        ({}, 73 * HOUR, NotAsked.TOO_LATE),
        ({"opted_out": True}, HOUR, NotAsked.OPTED_OUT),
        ({"asked_at": -47 * HOUR}, HOUR, NotAsked.QUIET),
        ({"asked_at": -48 * HOUR}, HOUR, None),
    ],
)
def test_a_question_is_not_asked_where_it_would_be_wrong(
    asking: Policy,
    solved: Callable[..., Case],
    around: dict[str, Any],
    late: timedelta,
    why: NotAsked | None,
) -> None:
    case = solved()
    plan, at = due(planned(case, None, asking))
    if "asked_at" in around:
        around = {"asked_at": at + around["asked_at"]}

    outcome = asked(plan, Surroundings(**{"case": case, **around}), asking, at + late)

    assert outcome is why if why else isinstance(outcome, Asked)


def test_a_case_that_was_reopened_or_resolved_again_is_not_asked_what_was_planned_before(
    asking: Policy, policy: Policy, solved: Callable[..., Case]
) -> None:
    case = solved()
    plan, now = due(planned(case, None, asking))
    open_again = replace(case, state=CaseState.WAITING, resolved_at=None)
    done_again = replace(case, resolved_at=case.opened_at + 2 * HOUR)

    assert asked(plan, Surroundings(case=open_again), asking, now) is NotAsked.REOPENED
    assert asked(plan, Surroundings(case=done_again), asking, now) is NotAsked.REOPENED
    assert asked(plan, Surroundings(case=case), policy, now) is NotAsked.RULE_GONE
