"""A low answer becomes a case: which queue takes it, how urgent it is, and why."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from common.core.cases import Continuity, Decision, PriorityPart, RuleTrial
from common.core.ids import derived_id
from common.core.surveys import Question
from router.core.conditions import Situation
from router.core.facts import Arrival, Case, Customer, Outcome, Roster, Unrouted
from router.core.language import language_of
from router.core.policy import Policy
from router.core.priority import credit, parts_of, total
from router.core.queues import Candidate, Placement, place, ways_out
from router.core.rules import LowAnswer
from router.core.surveys import survey_called


class Raising(Struct, frozen=True, kw_only=True):
    """An answer, by the survey that it answers."""

    survey: str
    question: Question
    score: int


def low_of(answer: Raising, policy: Policy) -> LowAnswer | None:
    """Return what the rules say of an answer that is low; None of any other."""
    survey = survey_called(answer.survey, policy)
    if survey is None or survey.low is None or survey.question is not answer.question:
        return None
    return survey.low if answer.score <= survey.low.at_most else None


def raised(
    answer: Raising,
    arrival: Arrival,
    customer: Customer,
    about: Case,
    roster: Roster | None,
    policy: Policy,
    now: datetime,
) -> Outcome:
    """Return where the case of a low answer goes and why; `about` is the case that it speaks of.

    It has that case's plan and contract, and times of its own from the answer on.
    """
    low = low_of(answer, policy)
    if low is None:
        return Unrouted(policy.say.survey_not_low)
    why = policy.say.survey_low.format(
        survey=answer.survey, answer=answer.score, at_most=low.at_most, case=about.case_id
    )
    situation = Situation(
        arrival=arrival,
        customer=customer,
        plan=about.plan,
        contract=about.contract,
        language=language_of(arrival.message, customer, policy.language),
    )
    parts = (*parts_of(situation, (), policy), *_own(answer, low))
    priority = total(parts)
    promise = policy.promises.get(about.plan, policy.default_promise)
    first_response, resolution = promise.due(arrival.message.received_at, priority)
    placement = _placement(low, why, roster, policy, now)
    return Decision(
        message_event=arrival.event,
        case_id=raised_id(arrival.tenant, arrival.event),
        continuity=Continuity.OPENED,
        contact=arrival.contact,
        customer=customer.customer,
        queue=placement.queue,
        queue_reason=placement.reason,
        plan=promise.plan,
        contract=about.contract,
        priority=priority,
        rank=first_response - credit(priority, policy.credit_per_point, policy.credit_at_most),
        first_response_due=first_response,
        resolution_due=resolution,
        rules_version=policy.version,
        decided_at=now,
        customer_ref=customer.customer_ref,
        tier=customer.tier,
        language=situation.language,
        priority_parts=parts,
        skills=placement.skills,
        rules=(RuleTrial(_name(answer), matched=True, reason=why),),
        queues=placement.trials,
    )


def raised_id(tenant: str, answer: UUID) -> UUID:
    """Return the id of the case that an answer opens."""
    return derived_id("case of answer", tenant, str(answer))


def _own(answer: Raising, low: LowAnswer) -> tuple[PriorityPart, ...]:
    if low.priority is None:
        return ()
    return (PriorityPart(_name(answer), low.priority.points, low.priority.reason),)


def _placement(
    low: LowAnswer, why: str, roster: Roster | None, policy: Policy, now: datetime
) -> Placement:
    tried = _tried(low.queue, why, policy)
    return place(tried, (), policy.desks, policy.default_queue, roster, policy.say, now)


def _tried(queue: str, why: str, policy: Policy) -> Iterator[Candidate]:
    yield Candidate(queue, why)
    yield from ways_out(policy.desks[queue], why)


def _name(answer: Raising) -> str:
    return f"survey:{answer.survey}"
