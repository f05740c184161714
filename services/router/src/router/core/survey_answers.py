"""What customers answer: tied to the case that was asked about, told once, and raised where it is low."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from common.core.cases import Decision
from common.core.cloudevents import Record
from common.core.events import Channel, Conversation, Direction, Message, MessageKind, Party
from common.core.surveys import Question, SurveyAnswered, SurveyRequested
from router.core import routing
from router.core.continuity import find
from router.core.facts import Arrival, Case, CaseState, Customer, Roster
from router.core.filing import case_after
from router.core.inputs import Inputs
from router.core.policy import Policy
from router.core.raising import Raising, low_of, raised
from router.core.routing import Routed
from router.core.survey_reading import Said, answer_in
from router.core.surveys import fitting
from router.core.telling import record_about


class Given(Struct, frozen=True, kw_only=True):
    """An answer as it was given, and what it is known to answer.

    `again`: the question was answered before. `apart` files a raised case where its conversation has
    an open one.
    """

    event: UUID
    tenant: str
    contact: str
    at: datetime
    question: Question
    said: Said
    request: SurveyRequested | None = None
    channel: str | None = None
    again: bool = False
    apart: bool = False


class Taken(Struct, frozen=True):
    """An answer that was taken for one, and the case that it opened."""

    tenant: str
    answer: SurveyAnswered
    raised: Routed | None


def taken(
    arrival: Arrival,
    customer: Customer,
    cases: Mapping[str, Case],
    asked: Mapping[UUID, SurveyRequested],
    roster: Roster | None,
    policy: Policy,
    now: datetime,
) -> Taken | None:
    """Return a message as the answer that it is; None where it is a message like others.

    `asked` are the questions without an answer, by case. Only while the case that was asked about is the
    conversation's newest and still resolved can a message be an answer to anything but an agent.
    """
    if not asked:
        return None
    _, case = find(arrival, customer, cases)
    if case is None or case.state is not CaseState.RESOLVED:
        return None
    request = asked.get(case.case_id)
    said = _said(arrival.message, request) if request else None
    if request is None or said is None:
        return None
    given = Given(
        event=arrival.event,
        tenant=arrival.tenant,
        contact=arrival.contact,
        at=arrival.message.received_at,
        question=request.question,
        said=said,
        request=request,
        channel=arrival.message.channel,
    )
    return answered(given, customer, case, roster, policy, now)


def answered(
    given: Given,
    customer: Customer,
    about: Case | None,
    roster: Roster | None,
    policy: Policy,
    now: datetime,
) -> Taken:
    """Return what an answer is told as, with the case that it opens where the rules call it low."""
    name = _survey(given, about, policy)
    low = raises = None
    if name is not None and given.said.score is not None:
        raises = Raising(survey=name, question=given.question, score=given.said.score)
        low = low_of(raises, policy)
    new = None
    if raises and low and about and not given.again:
        new = _raised(raises, given, customer, about, roster, policy, now)
    request = given.request
    queue, plan, agent = _handled_by(request, about)
    answer = SurveyAnswered(
        answer_event=given.event,
        contact=given.contact,
        question=given.question,
        answered_at=given.at,
        score=given.said.score,
        comment=given.said.comment,
        survey_id=request.survey_id if request else None,
        survey=name,
        case_id=about.case_id if about else None,
        channel=given.channel,
        queue=queue,
        plan=plan,
        agent=agent,
        low=low is not None,
        raised_case=new.case.case_id if new else None,
    )
    return Taken(given.tenant, answer, new)


def announcements(one: Taken) -> tuple[Record, ...]:
    """Return what `routing.v1` is told, in order; ids are derived, so that a repetition is no news."""
    answer = one.answer
    named = (str(answer.answer_event),)
    told = record_about(one.tenant, answer.contact, answer, named, answer.answered_at)
    return (told, *(routing.announcements(one.raised) if one.raised else ()))


def _said(message: Message, request: SurveyRequested) -> Said | None:
    if not request.requested_at <= message.received_at <= request.answer_until:
        return None
    said = answer_in(message, request.question)
    if said is None or said.survey not in (None, str(request.survey_id)):
        return None
    return said


def _survey(given: Given, about: Case | None, policy: Policy) -> str | None:
    """Return the survey that counts: the one that asked, else one that would ask this of the case."""
    if given.request is not None:
        return given.request.survey
    survey = fitting(about, policy, given.question) if about else None
    return survey.id if survey else None


def _raised(
    answer: Raising,
    given: Given,
    customer: Customer,
    about: Case,
    roster: Roster | None,
    policy: Policy,
    now: datetime,
) -> Routed:
    arrival = _arrival(answer, given, about, policy)
    decision = raised(answer, arrival, customer, about, roster, policy, now)
    assert isinstance(decision, Decision)  # noqa: S101 - the answer is low by the same rules
    key = f"survey|{given.event}" if given.apart else about.conversation
    case = case_after(None, key, arrival, decision, policy.units.get(about.channel, 1))
    inputs = Inputs(
        arrival=arrival,
        customer=customer,
        case=about,
        roster=None if roster is None else roster.sequence,
        now=now,
        rules_version=policy.version,
        raising=answer,
    )
    return Routed(arrival, decision, case, inputs)


def _arrival(answer: Raising, given: Given, about: Case, policy: Policy) -> Arrival:
    """Return the answer in the form of a message: nobody wrote it to be routed, so no rule is asked."""
    subject = policy.say.survey_subject.format(answer=answer.score, subject=about.subject or "-")
    message = Message(
        message_id=str(given.event),
        kind=MessageKind.SYSTEM,
        direction=Direction.INBOUND,
        channel=Channel(about.channel),
        provider="survey",
        account=answer.survey,
        sender=Party(given.contact),
        recipients=tuple(map(Party, about.participants)),
        conversation=Conversation(about.conversation),
        received_at=given.at,
        subject=subject,
        text=given.said.comment,
    )
    return Arrival(event=given.event, tenant=given.tenant, contact=given.contact, message=message)


def _handled_by(
    request: SurveyRequested | None, about: Case | None
) -> tuple[str | None, str | None, str | None]:
    """Return the queue, the plan and the agent of what was answered about."""
    if request is not None:
        return request.queue, request.plan, request.agent
    if about is not None:
        return about.queue, about.plan, about.preferred
    return None, None, None
