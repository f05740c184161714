"""Whether a customer's answers go up or down."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from statistics import fmean
from uuid import UUID

from msgspec import Struct

from common.core.surveys import SCALES, Question
from timeline.core.case_story import Rating

MOST_ANSWERS = 10
LEAST_CHANGE = 0.1  # of the scale

_CSAT = (Question.CSAT3, Question.CSAT5)


class Direction(StrEnum):
    """Where answers go."""

    UP = "up"
    FLAT = "flat"
    DOWN = "down"


class Trend(Struct, frozen=True, kw_only=True):
    """The newest answers. `recent` and `before` are shares of the scale, 0 to 1.

    With one answer there is nothing before. `share` is the newest answer's.
    """

    question: str
    score: int
    share: float
    at: datetime
    answers: int
    recent: float
    before: float | None
    direction: Direction | None
    events: tuple[UUID, ...]


def csat_of(ratings: Iterable[tuple[UUID, Rating]]) -> Trend | None:
    """Return the trend of satisfaction, of the answers of these cases."""
    return _trend(ratings, lambda question: question in _CSAT)


def nps_of(ratings: Iterable[tuple[UUID, Rating]]) -> Trend | None:
    """Return the trend of how likely the customer is to recommend the company."""
    return _trend(ratings, lambda question: question is Question.NPS)


def _trend(
    ratings: Iterable[tuple[UUID, Rating]], counts: Callable[[Question], bool]
) -> Trend | None:
    answers = _last_of_each_case(ratings, counts)[:MOST_ANSWERS]
    if not answers:
        return None
    newest = answers[0][0]
    shares = [share for _, share in answers]
    middle = (len(shares) + 1) // 2
    recent, older = shares[:middle], shares[middle:]
    before = fmean(older) if older else None
    return Trend(
        question=newest.question,
        score=newest.score or 0,
        share=round(shares[0], 3),
        at=newest.at,
        answers=len(answers),
        recent=round(fmean(recent), 3),
        before=None if before is None else round(before, 3),
        direction=None if before is None else _direction(fmean(recent) - before),
        events=tuple(rating.event for rating, _ in answers),
    )


def _last_of_each_case(
    ratings: Iterable[tuple[UUID, Rating]], counts: Callable[[Question], bool]
) -> Sequence[tuple[Rating, float]]:
    """Return the answers that count, each with its share of the scale, newest first."""
    newest_first = sorted(ratings, key=lambda one: (one[1].at, one[1].event), reverse=True)
    last: dict[tuple[UUID, Question], tuple[Rating, float]] = {}
    for case, rating in newest_first:
        question = _question(rating)
        if question is not None and counts(question):
            last.setdefault((case, question), (rating, _share(rating, question)))
    return list(last.values())


def _question(rating: Rating) -> Question | None:
    """Return the question of an answer on its scale; others may tell of scores that are on none."""
    for question, scale in SCALES.items():
        if rating.question == question and rating.score in scale:
            return question
    return None


def _share(rating: Rating, question: Question) -> float:
    scale = SCALES[question]
    return ((rating.score or 0) - scale[0]) / (scale[-1] - scale[0])


def _direction(change: float) -> Direction:
    if abs(change) < LEAST_CHANGE:
        return Direction.FLAT
    return Direction.UP if change > 0 else Direction.DOWN
