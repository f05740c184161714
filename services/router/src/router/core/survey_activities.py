"""Answers that other systems tell of: activities of kind `survey.answered`, as docs/feedback.md has them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from common.core.errors import PoisonError
from common.core.events import Activity
from common.core.surveys import SCALES, Question, SurveyRequested
from common.core.text import clean
from router.core.survey_reading import Said

KIND = "survey.answered"
LONGEST_COMMENT = 10_000  # characters
REASON = "bad-survey-answer"
_WORDS: Mapping[str, int] = MappingProxyType({"yes": 1, "neutral": 0, "no": -1})


class Told(Struct, frozen=True, kw_only=True):
    """The attributes of such an activity. `score` of a `csat3` may be yes, neutral or no."""

    survey_id: UUID | None = None
    case_id: UUID | None = None
    question: Question | None = None
    score: int | str | None = None
    comment: str | None = None


def told_in(activity: Activity) -> Told:
    """Return what an activity tells. Raises PoisonError (`bad-survey-answer`)."""
    try:
        return msgspec.convert(_plain(activity.attributes), Told)
    except msgspec.ValidationError as error:
        raise PoisonError(REASON, str(error)) from error


def said_in(told: Told, request: SurveyRequested | None) -> tuple[Question, Said]:
    """Return what was answered to which question. Raises PoisonError (`bad-survey-answer`)."""
    question = request.question if request else told.question
    if question is None or told.question not in (None, question):
        raise PoisonError(REASON, "which question was answered is not told, or another was asked")
    comment = clean(told.comment or "").strip()[:LONGEST_COMMENT] or None
    score = _score(told, question)
    if score is None and comment is None:
        raise PoisonError(REASON, "neither score nor comment")
    return question, Said(score, comment)


def _score(told: Told, question: Question) -> int | None:
    score = told.score
    if isinstance(score, str):
        score = _WORDS.get(score) if question is Question.CSAT3 else None
        if score is None:
            raise PoisonError(REASON, f"the score is not on the scale of {question}")
    if score is not None and score not in SCALES[question]:
        raise PoisonError(REASON, f"the score is not on the scale of {question}")
    return score


def _plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of this frame: whoever tells may add others."""
    names = Told.__struct_fields__
    return {name: value for name, value in attributes.items() if name in names}
