"""What customers answer is told once, tied to the case, and low answers open a case of their own."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event

from common.core.cases import CaseOpened, Decision
from common.core.errors import PoisonError
from common.core.surveys import Question, SurveyAnswered
from router.core.inputs import replayed
from router.edges.recalling import recall

Resolved = Callable[..., Awaitable[UUID]]
Rows = Callable[..., Awaitable[list[Any]]]
Write = Callable[..., Any]

CASES = "SELECT case_id, state, queue, conversation, priority FROM support_case ORDER BY opened_at"


@pytest.fixture
async def asked(stage: Any, resolved: Resolved) -> UUID:
    """A case whose customer has just been asked."""
    case_id = await resolved()
    await stage.ask(hours=1)
    return case_id


async def test_an_answer_is_told_and_neither_reopens_the_case_nor_waits(
    stage: Any, asked: UUID, says: Write, rows: Rows
) -> None:
    await stage.handle(says("5", minutes=70))

    (answer,) = await stage.told("survey.answered")
    assert isinstance(answer.data, SurveyAnswered)
    assert (answer.data.case_id, answer.data.score, answer.data.low) == (asked, 5, False)
    assert answer.data.queue == "technical"
    (case,) = await rows(CASES)
    assert case.state == "resolved"
    assert len(await rows("SELECT 1 FROM decision")) == 1


@pytest.mark.usefixtures("asked")
async def test_an_answer_that_the_bus_repeats_counts_once(
    stage: Any, says: Write, rows: Rows
) -> None:
    answer = says("1", minutes=70)

    await stage.handle(answer, answer)
    await stage.handle(answer)

    assert len(await stage.told("survey.answered")) == 1
    assert len(await rows(CASES)) == 2
    assert len(await rows("SELECT 1 FROM decision")) == 2


async def test_one_batch_holds_an_answer_and_another_conversations_number(
    stage: Any, asked: UUID, says: Write, rows: Rows
) -> None:
    other = {"contact": "line:main:U0123456789", "conversation": "line:main:U0123456789"}
    await stage.handle(says("注文番号を教えてください", minutes=65, **other))

    await stage.handle(says("5", minutes=70, **other), says("4", minutes=70))

    (answer,) = await stage.told("survey.answered")
    assert (answer.data.case_id, answer.data.score) == (asked, 4)
    assert {case.state for case in await rows(CASES)} == {"resolved", "waiting"}


async def test_questions_are_looked_for_only_where_a_batch_has_a_resolved_case(
    stage: Any, resolved: Resolved, says: Write
) -> None:
    sent: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        sent.append(statement)

    def looked() -> bool:
        return any("state = 'requested'" in statement for statement in sent)

    event.listen(stage.writer.sync_engine, "before_cursor_execute", note)
    await stage.handle(says("はい"), says("5", minutes=1))
    assert sent
    assert not looked()

    await resolved(minutes=2)
    await stage.handle(says("はい", minutes=3))
    assert looked()


async def test_a_low_answer_opens_a_case_that_explains_itself(
    stage: Any, asked: UUID, says: Write, rows: Rows
) -> None:
    await stage.handle(says("評価 1 説明が分かりにくかった", minutes=70))

    (answer,) = await stage.told("survey.answered")
    _, opened = await stage.told("case.opened")
    _, routed = await stage.told("case.routed")
    assert isinstance(opened.data, CaseOpened)
    decision = routed.data.decision
    assert isinstance(decision, Decision)
    assert answer.data.comment == "説明が分かりにくかった"
    assert answer.data.low
    assert answer.data.raised_case == opened.data.case_id == decision.case_id
    assert opened.data.follows == asked
    assert opened.data.subject is not None
    assert opened.data.subject.startswith("低い評価(1)")
    assert decision.queue == "quality"
    assert str(asked) in decision.queue_reason
    assert {part.name for part in decision.priority_parts} >= {"survey:after-support"}
    assert [(case.state, case.queue) for case in await rows(CASES)] == [
        ("resolved", "technical"),
        ("waiting", "quality"),
    ]


async def test_the_next_message_joins_the_case_that_a_low_answer_opened(
    stage: Any, asked: UUID, says: Write, rows: Rows
) -> None:
    await stage.handle(says("1", minutes=70), says("1", minutes=71))
    await stage.handle(says("担当の方とお話ししたいです。", minutes=72))

    assert len(await stage.told("survey.answered")) == 1
    first, raised = await rows(CASES)
    assert (first.case_id, first.state, raised.state) == (asked, "resolved", "waiting")


@pytest.mark.parametrize(
    "words", ["5台壊れました", "まだ直りません", "5 またつながりません", "満足していません"]
)
@pytest.mark.usefixtures("asked")
async def test_what_is_not_wholly_an_answer_is_a_message_like_others(
    stage: Any, says: Write, rows: Rows, words: str
) -> None:
    await stage.handle(says(words, minutes=70))

    assert await stage.told("survey.answered") == []
    (case,) = await rows(CASES)
    assert case.state == "waiting"


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize("minutes", [59, 60 + 72 * 60 + 1])
async def test_an_answer_before_the_question_or_after_its_time_is_a_message_like_others(
    stage: Any, says: Write, rows: Rows, minutes: int
) -> None:
    await stage.handle(says("5", minutes=minutes))

    assert await stage.told("survey.answered") == []
    assert "waiting" in {case.state for case in await rows(CASES)}


async def test_a_number_answers_the_agent_while_the_case_is_open(
    stage: Any, asked: UUID, says: Write
) -> None:
    await stage.reopen(asked)

    await stage.handle(says("5", minutes=70))

    assert await stage.told("survey.answered") == []


async def test_an_answer_told_by_another_system_is_tied_to_the_case_and_raised(
    stage: Any, asked: UUID, told_elsewhere: Write, rows: Rows
) -> None:
    told = told_elsewhere(
        case_id=str(asked), question="csat5", score=2, comment="遅い", page="/thanks"
    )

    await stage.handle(told, told)
    await stage.handle(told)

    (answer,) = await stage.told("survey.answered")
    assert (answer.data.case_id, answer.data.score, answer.data.channel) == (asked, 2, "web")
    assert answer.data.survey == "after-support"
    _, raised = await rows(CASES)
    assert (raised.queue, raised.case_id) == ("quality", answer.data.raised_case)


async def test_an_answer_that_names_no_case_is_tied_to_the_last_question(
    stage: Any, asked: UUID, told_elsewhere: Write
) -> None:
    await stage.handle(told_elsewhere(question="csat5", score=4))
    await stage.handle(told_elsewhere(question="nps", score=9))

    first, second = await stage.told("survey.answered")
    assert first.data.case_id == asked
    assert (second.data.case_id, second.data.question) == (None, Question.NPS)


async def test_a_correction_is_told_and_raises_no_second_case(
    stage: Any, asked: UUID, told_elsewhere: Write, rows: Rows
) -> None:
    await stage.handle(told_elsewhere(case_id=str(asked), score=1))
    await stage.handle(told_elsewhere(case_id=str(asked), score=2))

    assert [event.data.score for event in await stage.told("survey.answered")] == [1, 2]
    assert len(await rows(CASES)) == 2


async def test_a_low_answer_about_a_case_that_goes_on_is_filed_apart(
    stage: Any, asked: UUID, told_elsewhere: Write, rows: Rows
) -> None:
    await stage.reopen(asked)

    await stage.handle(told_elsewhere(case_id=str(asked), score=1))

    first, raised = await rows(CASES)
    assert first.conversation != raised.conversation
    assert raised.conversation.startswith("survey|")


async def test_an_activity_of_another_kind_is_no_answer_and_one_that_cannot_be_read_is_poison(
    stage: Any, told_elsewhere: Write
) -> None:
    await stage.handle(told_elsewhere(kind="call", score=3))
    assert await stage.told("survey.answered") == []

    with pytest.raises(PoisonError):
        await stage.handle(told_elsewhere(question="csat5", score=9))


@pytest.mark.usefixtures("asked")
async def test_the_decision_about_a_low_answer_can_be_made_again_from_what_was_kept(
    stage: Any, says: Write
) -> None:
    await stage.handle(says("1", minutes=70))
    (answer,) = await stage.told("survey.answered")

    async with stage.writer.begin() as connection:
        recalled = await recall(connection, answer.data.raised_case, None)

    assert recalled is not None
    assert replayed(recalled.inputs, None, stage.policy) == recalled.decision
