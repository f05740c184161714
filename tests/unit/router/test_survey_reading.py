"""A message is an answer only where it is wholly one; anything else is read by people."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, strategies as st

from common.core.events import Attachment, AttachmentState, Direction, MessageKind
from common.core.surveys import SCALES, Question
from router.core.survey_reading import Said, answer_in, may_answer

CSAT3, CSAT5, NPS, TEXT = Question

ANSWERS = [
    (CSAT5, "5", Said(5)),
    (CSAT5, "5", Said(5)),
    (CSAT5, " 4点です。\n", Said(4)),
    (CSAT5, "「3」", Said(3)),
    (CSAT5, "2/5", Said(2)),
    (CSAT5, "大変満足", Said(5)),
    (CSAT5, "やや不満", Said(2)),
    (CSAT5, "★★★★☆", Said(4)),
    (CSAT5, "⭐️⭐️⭐️", Said(3)),
    (CSAT5, "評価:4", Said(4)),
    (CSAT5, "評価 2 待たされました", Said(2, "待たされました")),
    (CSAT5, "Rating: 5, Great help", Said(5, "Great help")),
    (CSAT3, "はい", Said(1)),
    (CSAT3, "満足", Said(1)),
    (CSAT3, "👍🏽", Said(1)),
    (CSAT3, "YES!", Said(1)),
    (CSAT3, "どちらでもない", Said(0)),
    (CSAT3, "いいえ。", Said(-1)),
    (CSAT3, "👎", Said(-1)),
    (CSAT3, "満足度 不満 返事が遅い", Said(-1, "返事が遅い")),
    (NPS, "10", Said(10)),
    (NPS, "0", Said(0)),
    (NPS, "7/10", Said(7)),
    (NPS, "NPS 8 とても良い", Said(8, "とても良い")),
    (NPS, "NPS:9", Said(9)),
    (TEXT, "ご意見: 説明書を大きな字にしてほしい", Said(None, "説明書を大きな字にしてほしい")),
    (TEXT, "Comment: call me Al", Said(None, "call me Al")),
]
NO_ANSWERS = [
    (CSAT5, ""),
    (CSAT5, "6"),
    (CSAT5, "0"),
    (CSAT5, "5台壊れました"),
    (CSAT5, "5 台"),
    (CSAT5, "5\nまたつながりません"),
    (CSAT5, "4/10"),
    (CSAT5, "👍"),
    (CSAT5, "はい"),
    (CSAT5, "評価 5 でも返金はまだですか?"),
    (CSAT5, "評価が知りたい"),
    (CSAT3, "1"),
    (CSAT3, "はい、でもまた壊れました"),
    (CSAT3, "不満があります"),
    (NPS, "11"),
    (NPS, "満足"),
    (NPS, "NPSとは何ですか"),
    (TEXT, "またつながりません"),
    (TEXT, "意見: いつ直りますか?"),
    (TEXT, "ご意見"),
    (CSAT5, "5" * 2000),
]


@pytest.mark.parametrize(("question", "words", "said"), ANSWERS)
def test_an_answer_is_read_in_every_form_that_people_write(
    written: Callable[..., Any], question: Question, words: str, said: Said
) -> None:
    message = written(words).message

    assert answer_in(message, question) == said
    assert may_answer(message)


@pytest.mark.parametrize(("question", "words"), NO_ANSWERS)
def test_what_says_more_or_something_else_is_no_answer(
    written: Callable[..., Any], question: Question, words: str
) -> None:
    assert answer_in(written(words).message, question) is None


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("survey=S-1&score=4", Said(4, None, "S-1")),
        ("score=2", Said(2)),
        ("5", Said(5)),
        ("score=9", None),
        ("action=buy&item=5", None),
    ],
)
def test_a_button_answers_by_its_data(
    written: Callable[..., Any], data: str, said: Said | None
) -> None:
    pressed = written(None, kind=MessageKind.POSTBACK, attributes={"data": data})

    assert answer_in(pressed.message, CSAT5) == said


def test_a_mail_answers_by_what_it_does_not_quote(written: Callable[..., Any]) -> None:
    mail = written("5\n> このたびの対応はいかがでしたか。", text_reply="5")

    assert answer_in(mail.message, CSAT5) == Said(5)


@pytest.mark.parametrize(
    "fields",
    [
        {"direction": Direction.OUTBOUND},
        {"kind": MessageKind.AUTO_REPLY},
        {"attachments": (Attachment(name="a", media_type="a/b", state=AttachmentState.STORED),)},
    ],
)
def test_what_the_company_a_machine_or_a_picture_says_is_no_answer(
    written: Callable[..., Any], fields: dict[str, Any]
) -> None:
    assert answer_in(written("5", **fields).message, CSAT5) is None


def test_a_message_without_text_is_no_answer(written: Callable[..., Any]) -> None:
    assert not may_answer(written(None).message)


@given(words=st.text(max_size=60), question=st.sampled_from(Question))
def test_whatever_is_written_a_score_is_one_of_the_scale(
    written: Callable[..., Any], words: str, question: Question
) -> None:
    said = answer_in(written(words).message, question)

    assert said is None or said.score is None or said.score in SCALES[question]
