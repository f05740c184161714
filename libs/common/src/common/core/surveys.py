"""What customers are asked after a case, and what they answer.

`score` is on the scale of its question: yes 1, neutral 0, no -1 (`csat3`); 1 to 5 (`csat5`); 0 to 10
(`nps`). A `text` has none. docs/feedback.md has the rules and the shape in which other systems tell
of answers.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from msgspec import Struct

from common.core.events import Channel


class Question(StrEnum):
    """What is asked: were you satisfied (yes, neutral, no), how satisfied, would you recommend us, why."""

    CSAT3 = "csat3"
    CSAT5 = "csat5"
    NPS = "nps"
    TEXT = "text"


SCALES: Mapping[Question, range] = MappingProxyType(
    {
        Question.CSAT3: range(-1, 2),
        Question.CSAT5: range(1, 6),
        Question.NPS: range(11),
        Question.TEXT: range(0),
    }
)


class SurveyRequested(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A customer is asked how a resolved case went (`survey.requested`), once a resolution at most.

    `survey` is the id of the rule that asks, `text` the question in `language`. An answer counts
    until `answer_until`. With `request_id` the router has asked for the message itself on outbound.v1;
    without it whoever reads this does. `queue`, `plan` and `agent` are the case's when it was resolved.
    """

    survey_id: UUID
    survey: str
    case_id: UUID
    contact: str
    question: Question
    text: str
    language: str
    channel: Channel
    resolved_at: datetime
    requested_at: datetime
    answer_until: datetime
    queue: str
    plan: str
    rules_version: str
    agent: str | None = None
    request_id: str | None = None


class SurveyAnswered(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A customer answered (`survey.answered`), once for each message or activity that says so.

    `answer_event` is that event. `survey_id`, `survey` and `case_id` tell what was asked about, as far as
    it is known; `queue`, `plan` and `agent` are as in the question. `low`: by the rules it is, and
    `raised_case` is the case that was opened because of it.
    """

    answer_event: UUID
    contact: str
    question: Question
    answered_at: datetime
    score: int | None = None
    comment: str | None = None
    survey_id: UUID | None = None
    survey: str | None = None
    case_id: UUID | None = None
    channel: str | None = None
    queue: str | None = None
    plan: str | None = None
    agent: str | None = None
    low: bool = False
    raised_case: UUID | None = None
