"""The decision: one pure function from what is known to where a message goes, and why.

The same arguments give the same decision, byte for byte. It reads no clock: `now` is an argument
and stands in the decision, so that a recorded one can be made again.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from common.core.cases import Continuity, Decision, PriorityPart, RuleTrial, SkillRequirement
from common.core.events import Contract
from common.core.ids import derived_id
from router.core.conditions import Situation
from router.core.continuity import FOLLOWING, relation
from router.core.entitlement import Entitlement, entitle
from router.core.facts import Arrival, Case, Customer, Outcome, Roster, Unrouted
from router.core.language import language_of
from router.core.matching import ReadyRule, matching
from router.core.policy import Policy
from router.core.priority import credit, kept, parts_of, total
from router.core.queues import Placement, candidates, place, staying
from router.core.skills import asked, in_attributes, known_only


class Question(Struct, frozen=True, kw_only=True):
    """Everything that one decision is made from. `case` is the one joined or reopened."""

    how: Continuity
    arrival: Arrival
    customer: Customer
    contracts: Sequence[Contract]
    case: Case | None
    roster: Roster | None
    policy: Policy
    now: datetime

    @property
    def joined(self) -> Case | None:
        """The open case that the message joins."""
        return self.case if self.how is Continuity.JOINED else None


def decide(
    arrival: Arrival,
    customer: Customer,
    contracts: Sequence[Contract],
    case: Case | None,
    roster: Roster | None,
    policy: Policy,
    now: datetime,
) -> Outcome:
    """Return where a message goes and why, or why it concerns no case.

    `case` is the newest of the conversation (`continuity.find`). A roster of None means that
    nobody said who is signed in: every open queue is taken as staffed.
    """
    message, say = arrival.message, policy.say
    how = relation(message, case, policy.reopen_within, say)
    if isinstance(how, Unrouted):
        return how
    question = Question(
        how=how,
        arrival=arrival,
        customer=customer,
        contracts=contracts,
        case=case if how is not Continuity.OPENED else None,
        roster=roster,
        policy=policy,
        now=now,
    )
    if joined := question.joined:
        follows = message.kind in FOLLOWING
        return _following(question, joined) if follows else _evaluated(question, _standing(joined))
    return _evaluated(question, _entitled(question))


class _Weighed(Struct, frozen=True):
    """What the rules say of a message under some plan."""

    situation: Situation
    matched: Sequence[ReadyRule]
    trials: tuple[RuleTrial, ...]
    parts: tuple[PriorityPart, ...]
    priority: int


def _evaluated(question: Question, entitlement: Entitlement) -> Decision:
    """Return the decision of a message that the rules are asked about."""
    policy, case, joined = question.policy, question.case, question.joined
    weighed = _weighed(question, entitlement)
    if policy.has_targets:
        entitlement, weighed = _by_priority(question, entitlement, weighed)
    situation, matched, trials = weighed.situation, weighed.matched, weighed.trials
    parts, priority = weighed.parts, weighed.priority
    placement = _placement(question, matched, _needs(question, entitlement, matched))
    rank = entitlement.first_response_due - credit(
        priority, policy.credit_per_point, policy.credit_at_most
    )
    return Decision(
        message_event=question.arrival.event,
        case_id=case.case_id if case else _new_case_id(question.arrival),
        continuity=question.how,
        contact=question.arrival.contact,
        customer=question.customer.customer,
        queue=placement.queue,
        queue_reason=placement.reason,
        plan=entitlement.plan,
        contract=entitlement.contract,
        priority=priority,
        rank=min(rank, joined.rank) if joined else rank,
        first_response_due=entitlement.first_response_due,
        resolution_due=entitlement.resolution_due,
        rules_version=policy.version,
        decided_at=question.now,
        customer_ref=question.customer.customer_ref,
        tier=question.customer.tier,
        language=situation.language,
        contracts=entitlement.trials,
        priority_parts=parts,
        skills=placement.skills,
        rules=trials,
        queues=placement.trials,
    )


def _entitled(question: Question, priority: int | None = None) -> Entitlement:
    policy = question.policy
    return entitle(
        question.contracts,
        question.arrival.message,
        policy.promises,
        policy.default_promise,
        policy.say,
        question.customer.shared,
        priority,
    )


def _weighed(question: Question, entitlement: Entitlement) -> _Weighed:
    policy = question.policy
    situation = _situation(question, entitlement)
    matched, trials = matching(policy.book, situation, policy.say)
    parts = kept(parts_of(situation, matched, policy), question.joined, policy)
    return _Weighed(situation, matched, trials, parts, total(parts))


def _by_priority(
    question: Question, entitlement: Entitlement, weighed: _Weighed
) -> tuple[Entitlement, _Weighed]:
    """Return what the plans promise to a case of this priority.

    Another contract may then be the best, and under its plan the priority may be another; that is
    followed once.
    """
    if joined := question.joined:
        return _raised(question, joined, entitlement, weighed.priority), weighed
    again = _entitled(question, weighed.priority)
    if again.plan == entitlement.plan:
        return again, weighed
    weighed = _weighed(question, again)
    return again, weighed


def _raised(question: Question, joined: Case, standing: Entitlement, priority: int) -> Entitlement:
    """Return what an open case is promised once a message gives it the priority of another target.

    That target counts from the message on, and never puts a deadline off.
    """
    policy = question.policy
    promise = policy.promises.get(joined.plan, policy.default_promise)
    if promise.lengths(priority) == promise.lengths(joined.priority):
        return standing
    first_response, resolution = promise.due(question.arrival.message.received_at, priority)
    if joined.first_responded_at is not None:
        first_response = standing.first_response_due
    return replace(
        standing,
        first_response_due=min(standing.first_response_due, first_response),
        resolution_due=min(standing.resolution_due, resolution),
    )


def _following(question: Question, case: Case) -> Decision:
    """Return the decision of what belongs to an open case and changes nothing there."""
    say = question.policy.say
    reason = say.follows.format(kind=question.arrival.message.kind)
    return Decision(
        message_event=question.arrival.event,
        case_id=case.case_id,
        continuity=Continuity.JOINED,
        contact=question.arrival.contact,
        customer=question.customer.customer,
        queue=case.queue,
        queue_reason=reason,
        plan=case.plan,
        contract=case.contract,
        priority=case.priority,
        rank=case.rank,
        first_response_due=case.first_response_due,
        resolution_due=case.resolution_due,
        rules_version=question.policy.version,
        decided_at=question.now,
        customer_ref=question.customer.customer_ref,
        tier=question.customer.tier,
        priority_parts=(PriorityPart("case", case.priority, reason),),
        skills=asked(case.skills, say.case_skill),
    )


def _standing(case: Case) -> Entitlement:
    """Return what an open case was promised: its clocks run on, whoever writes again."""
    return Entitlement(
        plan=case.plan,
        contract=case.contract,
        first_response_due=case.first_response_due,
        resolution_due=case.resolution_due,
    )


def _situation(question: Question, entitlement: Entitlement) -> Situation:
    message, customer = question.arrival.message, question.customer
    return Situation(
        arrival=question.arrival,
        customer=customer,
        plan=entitlement.plan,
        contract=entitlement.contract,
        language=language_of(message, customer, question.policy.language),
    )


def _needs(
    question: Question, entitlement: Entitlement, matched: Sequence[ReadyRule]
) -> tuple[SkillRequirement, ...]:
    """Return what contract, message, open case and rules without a queue ask of any agent."""
    say, known = question.policy.say, question.policy.skills
    promised = known_only(entitlement.skills, known)
    named = known_only(in_attributes(question.arrival.message.attributes), known)
    return (
        *(need for ready in matched if not ready.rule.queue for need in ready.skills),
        *asked(promised, say.contract_skill.format(contract=entitlement.contract)),
        *asked(named, say.message_skill),
        *asked(question.joined.skills if question.joined else {}, say.case_skill),
    )


def _placement(
    question: Question, matched: Sequence[ReadyRule], needs: tuple[SkillRequirement, ...]
) -> Placement:
    """Return where the case waits.

    An open case stays where it is, unless that is the default queue, which nobody chose, or one
    that the rules no longer have: "こんにちは" and then "障害です" is one matter for one desk. What
    somebody is offered, or has, stays too.
    """
    policy, case, joined = question.policy, question.case, question.joined
    if joined and joined.queue in policy.desks and _is_settled(joined, policy):
        return staying(policy.desks[joined.queue], needs, policy.say)
    previous = case.queue if case and not joined else None
    tried = candidates(matched, previous, policy.desks, policy.say)
    return place(
        tried, needs, policy.desks, policy.default_queue, question.roster, policy.say, question.now
    )


def _is_settled(joined: Case, policy: Policy) -> bool:
    return joined.agent is not None or joined.queue != policy.default_queue


def _new_case_id(arrival: Arrival) -> UUID:
    key = arrival.message.conversation.key
    return derived_id("case", arrival.tenant, key, str(arrival.event))
