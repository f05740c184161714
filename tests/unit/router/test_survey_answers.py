"""Answers are tied to what was asked, and a low one opens a case that says why."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from common.core.cases import CaseOpened, Continuity, Decision
from common.core.cloudevents import read
from common.core.errors import PoisonError
from common.core.events import Activity, Channel, ConsentChanged, ConsentState, MessageKind
from common.core.surveys import Question, SurveyAnswered, SurveyRequested
from router.core.acceptance import accepted_activity, accepted_consent
from router.core.facts import Case, CaseState, Customer, Roster, Unrouted
from router.core.inputs import replayed
from router.core.loading import load
from router.core.policy import Policy, compiled
from router.core.raising import Raising, low_of
from router.core.survey_activities import said_in, told_in
from router.core.survey_answers import Given, announcements, answered, taken
from router.core.survey_reading import Said

HOUR = timedelta(hours=1)
TUESDAY = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)
TARO = "line:main:U4af4980629"
SURVEYS = """
surveys:
  - id: quick
    sentence: how satisfied
    question: csat5
    low: {at_most: 2, queue: technical, priority: {points: 30, reason: unhappy}}
  - id: open
    sentence: what could be better
    question: text
  - id: plain
    sentence: would they recommend us
    question: nps
    low: {at_most: 6, queue: general}
"""


@pytest.fixture(scope="module")
def asking(rules_text: str) -> Policy:
    loaded = load((rules_text + SURVEYS).encode())
    return compiled(loaded.rules, loaded.version)


@pytest.fixture(scope="module")
def solved(waiting: Callable[..., Case]) -> Case:
    case = waiting(subject="請求の件", preferred="tanaka")
    return replace(case, state=CaseState.RESOLVED, resolved_at=case.opened_at)


@pytest.fixture(scope="module")
def request_(solved: Case) -> SurveyRequested:
    return SurveyRequested(
        survey_id=UUID(int=7),
        survey="quick",
        case_id=solved.case_id,
        contact=solved.contact,
        question=Question.CSAT5,
        text="いかがでしたか。",
        language="ja",
        channel=Channel.LINE,
        resolved_at=solved.opened_at,
        requested_at=solved.opened_at,
        answer_until=solved.opened_at + 72 * HOUR,
        queue="billing",
        plan="silver",
        rules_version="v",
        agent="sato",
    )


@pytest.fixture
def take(
    asking: Policy, solved: Case, request_: SurveyRequested, taro: Customer
) -> Callable[..., Any]:
    """Take a message, with the question asked and the case resolved unless said otherwise."""

    def run(arrival: Any, case: Case | None = solved, *, asked: bool = True) -> Any:
        cases = {case.conversation: case} if case else {}
        open_ = {request_.case_id: request_} if asked else {}
        now = arrival.message.received_at
        return taken(arrival, taro, cases, open_, None, asking, now)

    return run


def given_(solved: Case, **fields: Any) -> Given:
    return Given(
        **{
            "event": UUID(int=9),
            "tenant": "acme",
            "contact": solved.contact,
            "at": solved.opened_at + HOUR,
            "question": Question.CSAT5,
            "said": Said(1, "遅い"),
            **fields,
        }
    )


def test_an_answer_is_tied_to_the_question_that_was_asked(
    take: Callable[..., Any], written: Callable[..., Any], request_: SurveyRequested
) -> None:
    found = take(written("4"))

    assert found.raised is None
    assert found.answer.survey_id == request_.survey_id
    assert (found.answer.queue, found.answer.plan, found.answer.agent) == (
        "billing",
        "silver",
        "sato",
    )
    (record,) = announcements(found)
    assert isinstance(read(record.headers, record.value).data, SurveyAnswered)


@pytest.mark.parametrize("words", ["四台", "請求書をください"])
def test_other_words_are_no_answer(
    take: Callable[..., Any], written: Callable[..., Any], words: str
) -> None:
    assert take(written(words)) is None


def test_nothing_is_an_answer_without_a_question_in_its_time_about_a_resolved_case(
    take: Callable[..., Any], written: Callable[..., Any], solved: Case
) -> None:
    assert take(written("4"), case=None) is None
    assert take(written("4"), case=replace(solved, state=CaseState.WAITING)) is None
    assert take(written("4"), asked=False) is None
    assert take(written("4"), case=replace(solved, case_id=UUID(int=3))) is None
    assert take(written("4", received_at=solved.opened_at - HOUR)) is None
    assert take(written("4", received_at=solved.opened_at + 73 * HOUR)) is None


def test_a_button_of_another_question_is_no_answer_to_this_one(
    take: Callable[..., Any], written: Callable[..., Any], request_: SurveyRequested
) -> None:
    def pressed(survey: UUID) -> Any:
        return take(
            written(
                None, kind=MessageKind.POSTBACK, attributes={"data": f"survey={survey}&score=4"}
            )
        )

    assert pressed(request_.survey_id) is not None
    assert pressed(UUID(int=8)) is None


def test_a_low_answer_opens_a_case_for_the_named_queue_or_its_overflow(
    take: Callable[..., Any], written: Callable[..., Any], solved: Case, asking: Policy
) -> None:
    found = take(written("評価 2 遅い"))

    assert found.answer.low
    raised = found.raised
    decision = raised.decision
    assert decision.queue == "technical"
    assert decision.continuity is Continuity.OPENED
    assert str(solved.case_id) in decision.rules[0].reason
    assert {part.name: part.points for part in decision.priority_parts} == {
        "plan": 10,
        "survey:quick": 30,
    }
    assert raised.case.conversation == solved.conversation
    assert raised.case.subject == "low rating (2): 請求の件"
    assert found.answer.raised_case == raised.case.case_id
    opened = read(announcements(found)[1].headers, announcements(found)[1].value).data
    assert isinstance(opened, CaseOpened)
    assert opened.follows == solved.case_id
    assert replayed(raised.inputs, None, asking) == decision
    night = Roster({"nightshift": ({"network": 2},)})
    elsewhere = replayed(replace(raised.inputs, now=solved.opened_at - 10 * HOUR), night, asking)
    assert isinstance(elsewhere, Decision)
    assert elsewhere.queue == "nightshift"


def test_other_rules_or_another_case_leave_nothing_to_raise(
    take: Callable[..., Any], written: Callable[..., Any], policy: Policy
) -> None:
    inputs = take(written("1")).raised.inputs

    assert isinstance(replayed(inputs, None, policy), Unrouted)
    assert isinstance(replayed(replace(inputs, case=None), None, policy), Unrouted)


def test_an_answer_is_low_only_to_the_survey_that_asks_its_question(asking: Policy) -> None:
    assert low_of(Raising(survey="plain", question=Question.CSAT5, score=1), asking) is None
    assert low_of(Raising(survey="open", question=Question.TEXT, score=0), asking) is None
    assert low_of(Raising(survey="quick", question=Question.CSAT5, score=3), asking) is None
    low = low_of(Raising(survey="plain", question=Question.NPS, score=6), asking)
    assert low is not None
    assert low.priority is None


def test_an_answer_told_elsewhere_counts_by_the_survey_that_would_have_asked(
    asking: Policy, solved: Case, taro: Customer
) -> None:
    heard = answered(
        given_(solved, question=Question.NPS, said=Said(3), apart=True),
        taro,
        solved,
        Roster({}, sequence=4),
        asking,
        solved.opened_at + HOUR,
    )

    assert (heard.answer.survey, heard.answer.agent) == ("plain", "tanaka")
    assert heard.raised is not None
    assert heard.raised.case.conversation.startswith("survey|")
    assert heard.raised.inputs.roster == 4
    assert [part.name for part in heard.raised.decision.priority_parts] == ["plan"]


def test_a_correction_a_comment_and_an_answer_about_nothing_open_no_case(
    asking: Policy, policy: Policy, solved: Case, request_: SurveyRequested, taro: Customer
) -> None:
    at = solved.opened_at + HOUR
    again = answered(given_(solved, request=request_, again=True), taro, solved, None, asking, at)
    comment = answered(
        given_(solved, question=Question.TEXT, said=Said(None, "大きな字に")),
        taro,
        solved,
        None,
        asking,
        at,
    )
    nothing = answered(given_(solved), taro, None, None, asking, at)
    unasked = answered(given_(solved), taro, solved, None, policy, at)

    assert again.answer.low
    assert [one.raised for one in (again, comment, nothing, unasked)] == [None] * 4
    assert (nothing.answer.case_id, nothing.answer.queue) == (None, None)
    assert unasked.answer.survey is None


@pytest.mark.parametrize(
    ("attributes", "question", "said"),
    [
        ({"question": "csat3", "score": "no", "more": {"a": 1}}, Question.CSAT3, Said(-1)),
        ({"question": "nps", "score": 9, "comment": " 良い "}, Question.NPS, Said(9, "良い")),
        ({"question": "text", "comment": "大きな字に"}, Question.TEXT, Said(None, "大きな字に")),
    ],
)
def test_activities_of_other_systems_are_read(
    attributes: dict[str, Any], question: Question, said: Said
) -> None:
    assert said_in(told_in(_activity(attributes)), None) == (question, said)


def test_a_question_that_was_asked_need_not_be_named_again(request_: SurveyRequested) -> None:
    told = told_in(_activity({"score": 3}))

    assert said_in(told, request_) == (Question.CSAT5, Said(3))


@pytest.mark.parametrize(
    "attributes",
    [
        {"score": 3},
        {"question": "stars", "score": 3},
        {"question": "csat5", "score": 6},
        {"question": "csat5", "score": "yes"},
        {"question": "csat3", "score": "maybe"},
        {"question": "text", "score": 1},
        {"question": "csat5", "comment": " "},
        {"question": "csat5", "score": True},
        {"case_id": "no", "question": "csat5", "score": 3},
    ],
)
def test_what_cannot_be_read_is_refused(attributes: dict[str, Any]) -> None:
    with pytest.raises(PoisonError, match="bad-survey-answer"):
        said_in(told_in(_activity(attributes)), None)


def test_an_answer_to_another_question_than_was_asked_is_refused(
    request_: SurveyRequested,
) -> None:
    with pytest.raises(PoisonError):
        said_in(told_in(_activity({"question": "nps", "score": 9})), request_)


def test_activities_and_words_of_consent_are_taken_in_as_everybody_writes_them(
    solved: Case,
) -> None:
    naive = solved.opened_at.replace(tzinfo=None)
    activity = accepted_activity(
        replace(_activity({}), contact="tel:090-1234-5678", occurred_at=naive)
    )
    change = ConsentChanged(
        contact=solved.contact,
        address="line:main:bot",
        state=ConsentState.OPTED_OUT,
        channel=Channel.LINE,
        provider="line",
        account="main",
        message=UUID(int=1),
        changed_at=naive,
    )

    assert activity.contact == "tel:+819012345678"
    assert activity.occurred_at == solved.opened_at
    assert accepted_consent(change).changed_at == solved.opened_at
    with pytest.raises(PoisonError, match="bad-contact"):
        accepted_activity(replace(activity, contact="nobody"))


def _activity(attributes: dict[str, Any]) -> Activity:
    return Activity(
        kind="survey.answered",
        contact=TARO,
        occurred_at=TUESDAY,
        summary="アンケートの回答",
        attributes=attributes,
    )
