"""Asking for satisfaction: which question a resolved case gets, when, and whether it is still asked then.

Everything is worked out from the case and the rules: the same case gives the same question, whoever
looks, and a case that was reopened meanwhile is not asked about.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from common.core.cloudevents import Record
from common.core.events import Channel, Message, MessageRequested, Party
from common.core.ids import derived_id
from common.core.surveys import Question, SurveyRequested
from common.core.topics import OUTBOUND
from router.core.facts import Case, CaseState
from router.core.policy import Policy
from router.core.rules import Survey, seconds
from router.core.survey_words import QUESTIONS
from router.core.telling import record_about
from router.core.wording import Language

_PARTS = 1_000_000


class Planned(Struct, frozen=True, kw_only=True):
    """A question that a case will be asked at `due_at`, if it stays resolved until then."""

    survey_id: UUID
    tenant: str
    case_id: UUID
    survey: str
    contact: str
    conversation: str
    resolved_at: datetime
    due_at: datetime
    agent: str | None


class NotAsked(StrEnum):
    """Why a planned question is not asked."""

    REOPENED = "reopened"  # or goes on in a later case of the conversation
    RULE_GONE = "rule_gone"
    TOO_LATE = "too_late"
    OPTED_OUT = "opted_out"
    QUIET = "quiet"


class Surroundings(Struct, frozen=True, kw_only=True):
    """What else is known when a question is due.

    `goes_on`: the conversation has an open case. `asked_at` is when the customer was asked anything last.
    `message` is one that the customer wrote, by which he is answered; `language` the one he speaks.
    """

    case: Case | None
    goes_on: bool = False
    opted_out: bool = False
    asked_at: datetime | None = None
    message: Message | None = None
    language: str | None = None


class Asked(Struct, frozen=True):
    """A question as the bus is told, and the message that asks it, if we are to have it sent."""

    planned: Planned
    request: SurveyRequested
    message: MessageRequested | None


def planned(case: Case, agent: str | None, policy: Policy) -> Planned | None:
    """Return what a case that has just been resolved will be asked, if anything; `agent` had it."""
    survey = fitting(case, policy)
    if survey is None or case.resolved_at is None:
        return None
    survey_id = derived_id("survey", case.tenant, str(case.case_id), str(case.version))
    if not _in_sample(survey_id, survey.share):
        return None
    return Planned(
        survey_id=survey_id,
        tenant=case.tenant,
        case_id=case.case_id,
        survey=survey.id,
        contact=case.contact,
        conversation=case.conversation,
        resolved_at=case.resolved_at,
        due_at=case.resolved_at + _length(survey.delay),
        agent=agent,
    )


def fitting(case: Case, policy: Policy, question: Question | None = None) -> Survey | None:
    """Return the first survey that fits a case, of those that ask this question if one is named."""
    for survey in policy.surveys:
        asks = question is None or survey.question is question
        if asks and _fits(case, survey):
            return survey
    return None


def survey_called(name: str | None, policy: Policy) -> Survey | None:
    """Return the survey of this id; None where the rules have none."""
    return next((survey for survey in policy.surveys if survey.id == name), None)


def asked(plan: Planned, around: Surroundings, policy: Policy, now: datetime) -> Asked | NotAsked:
    """Return the question that is due, or why it is not asked."""
    survey = survey_called(plan.survey, policy)
    if survey is None:
        return NotAsked.RULE_GONE
    case = around.case
    if case is None or not _still_resolved(plan, case) or around.goes_on:
        return NotAsked.REOPENED
    if now > plan.due_at + _length(survey.answer_within):
        return NotAsked.TOO_LATE
    if around.opted_out:
        return NotAsked.OPTED_OUT
    if around.asked_at is not None and plan.due_at < around.asked_at + _length(survey.quiet):
        return NotAsked.QUIET
    return _asked(plan, survey, case, around, policy, now)


def announcements(question: Asked, now: datetime) -> tuple[Record, ...]:
    """Return what the bus is told; ids are derived, so that a repetition is no news."""
    plan, data = question.planned, question.request
    named = (str(plan.survey_id),)
    told = record_about(plan.tenant, plan.contact, data, named, data.requested_at)
    if question.message is None:
        return (told,)
    sent = record_about(plan.tenant, plan.contact, question.message, named, now, OUTBOUND.name)
    return (told, sent)


def _asked(
    plan: Planned, survey: Survey, case: Case, around: Surroundings, policy: Policy, now: datetime
) -> Asked:
    language = _language(around.language, survey.text, policy.language)
    text = survey.text.get(language) or QUESTIONS[language][survey.question]
    message = around.message if survey.send else None
    request = SurveyRequested(
        survey_id=plan.survey_id,
        survey=survey.id,
        case_id=case.case_id,
        contact=plan.contact,
        question=survey.question,
        text=text,
        language=language,
        channel=Channel(case.channel),
        resolved_at=plan.resolved_at,
        requested_at=plan.due_at,
        answer_until=max(plan.due_at, now) + _length(survey.answer_within),
        queue=case.queue,
        plan=case.plan,
        rules_version=policy.version,
        agent=plan.agent,
        request_id=str(plan.survey_id) if message else None,
    )
    return Asked(plan, request, _sent(request, message) if message else None)


def _sent(request: SurveyRequested, wrote: Message) -> MessageRequested:
    """Return the message that asks, as an answer to one that the customer wrote."""
    return MessageRequested(
        request_id=str(request.survey_id),
        channel=wrote.channel,
        account=wrote.account,
        recipient=_recipient(request.contact, wrote.sender),
        text=request.text,
        subject=f"Re: {wrote.subject}" if wrote.subject else None,
        conversation=replace(wrote.conversation, in_reply_to=wrote.message_id),
        case_id=request.case_id,
        requested_by=f"survey:{request.survey}",
    )


def _recipient(contact: str, sender: Party) -> Party:
    """Return whom the case is about; where a colleague wrote last, without the name he gave himself."""
    return sender if sender.contact == contact else Party(contact)


def _fits(case: Case, survey: Survey) -> bool:
    return (
        _is_among(case.queue, survey.queues)
        and _is_among(case.plan, survey.plans)
        and _is_among(case.channel, survey.channels)
    )


def _is_among(name: str, named: Collection[str]) -> bool:
    return not named or name in named


def _in_sample(survey_id: UUID, share: float) -> bool:
    """Whether a case is in the sample: by its id, so that everybody who looks says the same."""
    return survey_id.int % _PARTS < share * _PARTS


def _still_resolved(plan: Planned, case: Case) -> bool:
    return case.state is CaseState.RESOLVED and case.resolved_at == plan.resolved_at


def _language(spoken: str | None, own: Collection[str], company: Language) -> Language:
    """Return the customer's language if we can ask in it, else the company's.

    A survey with words of its own is asked in one of these, if any is the customer's or the company's.
    """
    wanted = (spoken or "").partition("-")[0].lower()
    speaks: Language = "ja" if wanted == "ja" else "en" if wanted else company
    return company if own and speaks not in own else speaks


def _length(duration: str) -> timedelta:
    return timedelta(seconds=seconds(duration))
