"""Recorded history made ready to be run again: who wrote, who was there, how long each case took."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from statistics import median_low
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from common.core.cases import Continuity, Decision
from router.core.agents import Agent, Offer, OfferState
from router.core.facts import Case, CaseState
from router.core.inputs import Inputs
from router.core.simulation.people import NO_TIME, Answer, Incoming, Placed, Shift, Work


class Kept(Struct, frozen=True):
    """What was kept of a decision: what it was made from, and itself; `body` as it was written."""

    inputs: Inputs
    decision: Decision
    body: bytes


class RosterEvent(Struct, frozen=True):
    """An agent as he stood from a moment on; `sequence` numbers such changes."""

    sequence: int
    at: datetime
    agent: Agent


class History(Struct, frozen=True, kw_only=True):
    """What was recorded of a tenant between two instants, all in order.

    `kept` are its messages, `roster` the changes of its agents from the beginning of the record on,
    `cases` those that were open at some time between, `offers` theirs.
    """

    start: datetime
    end: datetime
    kept: tuple[Kept, ...]
    roster: tuple[RosterEvent, ...]
    cases: tuple[Case, ...]
    offers: tuple[Offer, ...]


class Handling(Struct, frozen=True):
    """How long cases took: those that are known, and what stands for the others, by queue."""

    known: Mapping[UUID, timedelta]
    usual: Mapping[str, timedelta]
    otherwise: timedelta

    def of(self, case_id: UUID, queue: str) -> timedelta:
        """Return how long a case takes."""
        return self.known.get(case_id) or self.usual.get(queue, self.otherwise)


def handling(history: History, otherwise: timedelta) -> Handling:
    """Return how long each case took from acceptance until it was solved, where both are recorded.

    Another case takes the median of its queue's, or of all, or `otherwise` where there is none.
    """
    accepted: dict[UUID, datetime] = {}
    for offer in history.offers:
        if offer.state is OfferState.ACCEPTED and offer.ended_at is not None:
            accepted[offer.case_id] = offer.ended_at
    known: dict[UUID, timedelta] = {}
    by_queue: defaultdict[str, list[timedelta]] = defaultdict(list)
    for case in history.cases:
        begun = accepted.get(case.case_id)
        if case.resolved_at is not None and begun is not None and begun < case.resolved_at:
            known[case.case_id] = case.resolved_at - begun
            by_queue[case.queue].append(known[case.case_id])
    return Handling(
        known=known,
        usual={queue: median_low(lengths) for queue, lengths in by_queue.items()},
        otherwise=median_low(known.values()) if known else otherwise,
    )


def answers(offers: Iterable[Offer]) -> dict[UUID, tuple[Answer, ...]]:
    """Return how each case's offers were answered, in order; withdrawn ones had no answer."""
    given: defaultdict[UUID, list[Answer]] = defaultdict(list)
    for offer in offers:
        if offer.state is OfferState.EXPIRED:
            given[offer.case_id].append(Answer(offer.expires_at - offer.made_at, accepts=False))
        elif offer.ended_at is not None and offer.state is not OfferState.WITHDRAWN:
            accepts = offer.state is OfferState.ACCEPTED
            given[offer.case_id].append(Answer(offer.ended_at - offer.made_at, accepts=accepts))
    return {case_id: tuple(found) for case_id, found in given.items()}


def arrivals(history: History, takes: Handling) -> Iterator[Incoming | Placed]:
    """Yield what waited when the time begins, then each message as it was decided about."""
    answered = answers(history.offers)
    accepted = {
        offer.case_id
        for offer in history.offers
        if offer.state is OfferState.ACCEPTED and (offer.ended_at or offer.made_at) < history.start
    }
    for case in history.cases:
        if case.opened_at < history.start and case.case_id not in accepted:
            work = Work(takes.of(case.case_id, case.queue), None, answered.get(case.case_id, ()))
            yield Placed(history.start, _anew(case), work)
    for kept in history.kept:
        yield _incoming(kept, takes, answered)


def shifts(history: History) -> list[Shift]:
    """Return how each agent stands when the time begins, and every change of his within it."""
    standing: dict[str, Agent] = {}
    changes = []
    for event in history.roster:
        if event.at < history.start:
            standing[event.agent.agent] = event.agent
        elif event.at < history.end:
            changes.append(Shift(event.at, event.agent))
    return [*(Shift(history.start, agent) for agent in standing.values()), *changes]


def _incoming(kept: Kept, takes: Handling, answered: Mapping[UUID, tuple[Answer, ...]]) -> Incoming:
    inputs, decision = kept.inputs, kept.decision
    joined = decision.continuity is Continuity.JOINED  # its case's time holds its own
    length = NO_TIME if joined else takes.of(decision.case_id, decision.queue)
    return Incoming(
        at=inputs.now,
        arrival=inputs.arrival,
        customer=inputs.customer,
        work=Work(length, None, answered.get(decision.case_id, ())),
        contracts=inputs.contracts,
        before=inputs.case,
    )


def _anew(case: Case) -> Case:
    """Return a case as it waited when nobody had taken it yet."""
    return replace(
        case,
        state=CaseState.WAITING,
        agent=None,
        offer=None,
        refusals={},
        reserved_until=None,
        held_until=None,
        resolved_at=None,
    )
