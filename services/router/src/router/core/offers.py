"""What can happen to an offer: made, accepted, declined, expired, withdrawn.

Each is a function of the case, the agent and the time; callers hold the rows locked.
"""

from datetime import datetime
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from common.core.events import Channel
from common.core.ids import derived_id
from common.core.work import OfferAccepted, OfferDeclined, OfferExpired, OfferMade, OfferWithdrawn
from router.core.agents import Agent, Burden, Offer, OfferState, taking_on
from router.core.facts import Case, CaseState, Refusal
from router.core.steps import Change, ConflictError, Terms, freed, must_be, waiting
from router.core.telling import Concerned


class Offered(Burden, Concerned, Protocol):
    """What an offer tells of its case; facts says what each means."""

    @property
    def version(self) -> int: ...


class HeldOut(Struct, frozen=True):
    """An offer just made of a case as it was, the agent with it, and what the bus is told."""

    case: Offered
    offer: Offer
    agent: Agent
    event: OfferMade


def hold_out(
    case: Offered, agent: Agent, terms: Terms, now: datetime, reason: str, by: str | None = None
) -> HeldOut:
    """Return the offer of a case that waits as it is given here; its next version is the offer's."""
    version = case.version + 1
    busy = taking_on(agent, case.channel, case.units)
    made = Offer(
        offer_id=derived_id("offer", case.tenant, str(case.case_id), str(version)),
        tenant=case.tenant,
        case_id=case.case_id,
        agent=agent.agent,
        queue=case.queue,
        state=OfferState.MADE,
        made_at=now,
        expires_at=now + terms.offer_timeout,
        agent_version=busy.version,
    )
    event = OfferMade(
        offer_id=made.offer_id,
        case_id=case.case_id,
        contact=case.contact,
        agent=agent.agent,
        queue=case.queue,
        channel=Channel(case.channel),
        units=case.units,
        made_at=now,
        expires_at=made.expires_at,
        reason=reason,
        case_version=version,
        agent_version=busy.version,
        by=by,
    )
    return HeldOut(case, made, busy, event)


def offer(
    case: Case, agent: Agent, terms: Terms, now: datetime, reason: str, by: str | None = None
) -> Change:
    """Hold a waiting case out to an agent. Raises ConflictError where it does not wait."""
    must_be(case, CaseState.WAITING)
    held_out = hold_out(case, agent, terms, now, reason, by)
    offered = replace(
        case,
        state=CaseState.OFFERED,
        agent=agent.agent,
        offer=held_out.offer.offer_id,
        offered_until=held_out.offer.expires_at,
        version=held_out.event.case_version,
    )
    return Change(
        case=offered, agent=held_out.agent, offer=held_out.offer, events=(held_out.event,)
    )


def accept(case: Case, agent: Agent, made: Offer, now: datetime) -> Change:
    """Let the agent take the case. Raises ConflictError where the offer no longer stands."""
    _must_stand(case, made)
    if now >= made.expires_at:
        raise ConflictError("the offer has expired")
    taken = replace(
        case,
        state=CaseState.ASSIGNED,
        offered_until=None,
        preferred=agent.agent,
        reserved_until=None,
        refusals={},
        version=case.version + 1,
    )
    counted = replace(agent, version=agent.version + 1)
    event = OfferAccepted(
        offer_id=made.offer_id,
        case_id=case.case_id,
        contact=case.contact,
        agent=agent.agent,
        accepted_at=now,
        case_version=taken.version,
        agent_version=counted.version,
    )
    ended = _ended(made, OfferState.ACCEPTED, counted, now)
    return Change(case=taken, agent=counted, offer=ended, events=(event,))


def decline(
    case: Case, agent: Agent, made: Offer, terms: Terms, now: datetime, reason: str | None = None
) -> Change:
    """Let a case wait again that the agent does not want; others come first for a while."""
    back, free = _refused(case, agent, made, terms, now)
    event = OfferDeclined(
        offer_id=made.offer_id,
        case_id=case.case_id,
        contact=case.contact,
        agent=agent.agent,
        declined_at=now,
        case_version=back.version,
        agent_version=free.version,
        reason=reason,
        paused_until=back.refusals[agent.agent].until,
    )
    ended = _ended(made, OfferState.DECLINED, free, now)
    return Change(case=back, agent=free, offer=ended, events=(event,))


def expire(case: Case, agent: Agent, made: Offer, terms: Terms, now: datetime) -> Change:
    """Let a case wait again that the agent did not answer in time for: as if he had declined."""
    back, free = _refused(case, agent, made, terms, now)
    event = OfferExpired(
        offer_id=made.offer_id,
        case_id=case.case_id,
        contact=case.contact,
        agent=agent.agent,
        expired_at=now,
        case_version=back.version,
        agent_version=free.version,
        paused_until=back.refusals[agent.agent].until,
    )
    ended = _ended(made, OfferState.EXPIRED, free, now)
    return Change(case=back, agent=free, offer=ended, events=(event,))


def withdraw(
    case: Case, agent: Agent, made: Offer, now: datetime, reason: str, by: str | None = None
) -> Change:
    """Take an offer back: nobody refused anything, the case just waits again."""
    _must_stand(case, made)
    back, free = waiting(case), freed(case, agent, now)
    event = OfferWithdrawn(
        offer_id=made.offer_id,
        case_id=case.case_id,
        contact=case.contact,
        agent=agent.agent,
        withdrawn_at=now,
        reason=reason,
        case_version=back.version,
        agent_version=free.version,
        by=by,
    )
    ended = _ended(made, OfferState.WITHDRAWN, free, now)
    return Change(case=back, agent=free, offer=ended, events=(event,))


def _must_stand(case: Case, made: Offer) -> None:
    if made.state is not OfferState.MADE or case.offer != made.offer_id:
        raise ConflictError(f"the offer is {made.state}")


def _refused(
    case: Case, agent: Agent, made: Offer, terms: Terms, now: datetime
) -> tuple[Case, Agent]:
    """Return the case that waits again, with one refusal more, and the agent without it.

    Each refusal doubles the time in which others come first.
    """
    _must_stand(case, made)
    known = case.refusals.get(agent.agent)
    times = known.times + 1 if known else 1
    pause = min(terms.pause * 2 ** min(times - 1, 16), terms.pause_at_most)
    refusals = {**case.refusals, agent.agent: Refusal(times, now + pause)}
    return replace(waiting(case), refusals=refusals), freed(case, agent, now)


def _ended(made: Offer, state: OfferState, agent: Agent, now: datetime) -> Offer:
    return replace(made, state=state, ended_at=now, agent_version=agent.version)
