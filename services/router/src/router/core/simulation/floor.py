"""Virtual time: arrivals, offers, answers and shifts, one after the other, through the live steps.

What is decided, matched and done to cases is the live service's own code. Only who answers when,
how long it takes and who loses patience comes from the simulation's `Work` and `Shift`s.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar
from uuid import UUID

from msgspec.structs import replace

from common.core.work import Presence
from router.core.agents import Agent, Offer
from router.core.assignment import Board, Match
from router.core.facts import Case, CaseState, Roster
from router.core.lifecycle import resolve
from router.core.offers import accept, decline, expire, offer, withdraw
from router.core.patience import move_on, moves_at, relax, relaxes_at
from router.core.policy import Policy
from router.core.roster import roster_of
from router.core.routing import Routed, route
from router.core.simulation.ledger import Ledger, Story
from router.core.simulation.people import Incoming, Placed, Shift, Work
from router.core.steps import Change

LEFT = "customer"  # who ends a case that nobody took in time

SHIFTS, OTHERS = 0, 1

Act = Callable[[datetime], None]


class Timed(Protocol):
    """Something that happens at a moment."""

    @property
    def at(self) -> datetime:
        """When it happens."""


Item = TypeVar("Item", bound=Timed)


class Floor:
    """A company's agents and cases, of one tenant, as they are at one moment of virtual time."""

    def __init__(self, policy: Policy) -> None:
        self.ledger = Ledger()
        self._policy = policy
        self._board: Board[Case] = Board()
        self._agents: dict[str, Agent] = {}
        self._cases: dict[UUID, Case] = {}
        self._newest: dict[str, Case] = {}  # by filing key, as decisions look for them
        self._offers: dict[UUID, Offer] = {}
        self._work: dict[UUID, Work] = {}
        self._roster: Roster | None = None
        # who had a case of a customer last, until when
        self._had: dict[UUID, tuple[str, datetime]] = {}
        # when waiting alone is to be looked at next
        self._planned: dict[UUID, datetime] = {}
        self._events: list[tuple[datetime, int, int, Act]] = []
        self._number = 0

    def run(
        self, incoming: Iterable[Incoming | Placed], shifts: Iterable[Shift], until: datetime
    ) -> Ledger:
        """Let it all happen, each iterable in the order of its times, and return what happened.

        What lies at `until` or later is not looked at.
        """
        self._feed(iter(shifts), self._shift, SHIFTS)
        self._feed(iter(incoming), self._arrive, OTHERS)
        while self._events and self._events[0][0] < until:
            at, _, _, act = heapq.heappop(self._events)
            act(at)
        self.ledger.closes(until)
        return self.ledger

    def _at(self, at: datetime, act: Act, turn: int = OTHERS) -> None:
        """Plan something. Of one moment shifts come first, then what was planned first."""
        self._number += 1
        heapq.heappush(self._events, (at, turn, self._number, act))

    def _feed(
        self, source: Iterator[Item], act: Callable[[Item, datetime], None], turn: int
    ) -> None:
        """Plan the next of a source; when it happens, the one after it is planned."""
        item = next(source, None)
        if item is None:
            return

        def happen(now: datetime) -> None:
            self._feed(source, act, turn)
            act(item, now)

        self._at(item.at, happen, turn)

    def _arrive(self, item: Incoming | Placed, now: datetime) -> None:
        case = item.case if isinstance(item, Placed) else self._decided(item, now)
        if case is None:
            return
        known = self._cases.get(case.case_id)
        self._cases[case.case_id] = self._newest[case.conversation] = case
        if case.state is CaseState.WAITING:
            if known is None or known.state is CaseState.RESOLVED:
                self._begin(case, item.work, now)
            self.ledger.moves(case, now)
            self._wait(case, now)
            self._match(now)

    def _decided(self, item: Incoming, now: datetime) -> Case | None:
        """Return the case as the message leaves it, None where the message concerns none."""
        if item.before is not None and item.before.conversation not in self._newest:
            self._newest[item.before.conversation] = item.before
        routed = route(
            item.arrival,
            item.customer,
            item.contracts,
            self._newest,
            self._signed_in(),
            self._policy,
            now,
            self._last_agent(item.customer.customer, now),
        )
        if not isinstance(routed, Routed):
            return None
        self.ledger.decisions[item.arrival.event] = routed.decision
        return routed.case

    def _begin(self, case: Case, work: Work, now: datetime) -> None:
        self._work[case.case_id] = work
        story = self.ledger.begins(case, now)
        if work.patience is not None:
            self._at(now + work.patience, partial(self._leave, story))
        for moment in (case.reserved_until, *(told.until for told in case.refusals.values())):
            if moment is not None and moment > now:
                self._at(moment, self._match)

    def _wait(self, case: Case, now: datetime, *, looked: bool = False) -> None:
        """Put a case on the board, and plan to look when waiting alone changes it next."""
        self._board.put_case(case)
        moments = [*moves_at(case, self._policy, now, looked=looked)]
        if relaxation := relaxes_at(case, self._policy):
            moments.append(relaxation)
        at = max(min(moments, default=now), now)
        planned = self._planned.get(case.case_id)
        if moments and (planned is None or planned < now or at < planned):
            self._planned[case.case_id] = at
            self._at(at, partial(self._look, case.case_id))

    def _look(self, case_id: UUID, now: datetime) -> None:
        """Ask less of whoever answers, or let another queue take over, if the case still waits."""
        self._planned.pop(case_id, None)
        case = self._cases[case_id]
        if case.state is not CaseState.WAITING:
            return
        if eased := relax(case, self._policy, now):
            case = eased.case
        if moved := move_on(case, self._policy, self._signed_in(), now):
            case = moved.case
            self.ledger.moves(case, now)
        self._cases[case_id] = self._newest[case.conversation] = case
        self._wait(case, now, looked=True)
        self._match(now)

    def _signed_in(self) -> Roster | None:
        """Return who is signed in; where no agent was ever named, everybody counts as there."""
        if self._roster is None and self._agents:
            self._roster = roster_of(self._agents.values())
        return self._roster

    def _last_agent(self, customer: UUID, now: datetime) -> str | None:
        """Return who had a case of the customer lately."""
        agent, since = self._had.get(customer, (None, now))
        return agent if since >= now - self._policy.last_agent else None

    def _match(self, now: datetime) -> None:
        for match in self._board.assign(now):
            self._offer(match, now)

    def _offer(self, match: Match[Case], now: datetime) -> None:
        change = offer(match.case, match.agent, self._policy.terms, now, match.why)
        case, busy, made = change.case, change.agent, change.offer
        assert busy is not None  # noqa: S101 - an offer is made to somebody
        assert made is not None  # noqa: S101
        self._offers[made.offer_id] = made
        self._cases[case.case_id] = self._newest[case.conversation] = case
        self._agents[busy.agent] = busy  # the board has counted the case already
        self.ledger.stands(busy, now)
        answer = self._work[case.case_id].answer(self.ledger.story(case.case_id).offers)
        self.ledger.offered(case, busy.agent, match.why, now)
        if now + answer.after >= made.expires_at:
            self._at(made.expires_at, partial(self._expire, made.offer_id))
        else:
            act = self._accept if answer.accepts else self._decline
            self._at(now + answer.after, partial(act, made.offer_id))

    def _accept(self, offer_id: UUID, now: datetime) -> None:
        if made := self._offers.pop(offer_id, None):
            case, agent = self._cases[made.case_id], self._agents[made.agent]
            self._keep(accept(case, agent, made, now), now)
            self.ledger.accepted(case, now)
            story = self.ledger.story(case.case_id)
            self._at(now + self._work[case.case_id].handling, partial(self._solve, story))

    def _decline(self, offer_id: UUID, now: datetime) -> None:
        if made := self._offers.pop(offer_id, None):
            case, agent = self._cases[made.case_id], self._agents[made.agent]
            self._let_go(decline(case, agent, made, self._policy.terms, now), made, now)

    def _expire(self, offer_id: UUID, now: datetime) -> None:
        if made := self._offers.pop(offer_id, None):
            case, agent = self._cases[made.case_id], self._agents[made.agent]
            self._let_go(expire(case, agent, made, self._policy.terms, now), made, now)

    def _let_go(self, change: Change, made: Offer, now: datetime) -> None:
        """Let a case wait again; when its pause is over, the same agent may be asked again."""
        self._keep(change, now)
        self._at(change.case.refusals[made.agent].until, self._match)
        self._match(now)

    def _withdraw(self, made: Offer, now: datetime, reason: str) -> None:
        del self._offers[made.offer_id]
        case, agent = self._cases[made.case_id], self._agents[made.agent]
        self._keep(withdraw(case, agent, made, now, reason), now)

    def _solve(self, story: Story, now: datetime) -> None:
        case = self._cases[story.case_id]
        agent = self._agents[case.agent or ""]
        change = resolve(case, agent, self._policy.terms, now, agent.agent)
        self._keep(change, now)
        self._had[case.customer] = agent.agent, now
        self.ledger.solved(change.case, now)
        wrap_up_until = self._agents[agent.agent].wrap_up_until
        if wrap_up_until is not None and wrap_up_until > now:
            self._at(wrap_up_until, partial(self._sit_down, agent.agent))
        self._match(now)

    def _sit_down(self, agent: str, now: datetime) -> None:
        """Let the board see an agent anew whose wrap-up is over."""
        self._seat(self._agents[agent], now)
        self._match(now)

    def _leave(self, story: Story, now: datetime) -> None:
        """Let a customer go whose patience is at its end, if nobody has taken his case."""
        case = self._cases[story.case_id]
        if story is not self.ledger.story(story.case_id) or story.accepted_at is not None:
            return
        if case.offer is not None:
            self._withdraw(self._offers[case.offer], now, LEFT)
        self._keep(resolve(self._cases[case.case_id], None, self._policy.terms, now, LEFT), now)
        self.ledger.left(case, now)
        self._match(now)

    def _shift(self, shift: Shift, now: datetime) -> None:
        agent, known = shift.agent, self._agents.get(shift.agent.agent)
        self._roster = None
        agent = standing(agent, known, now)
        self._seat(agent, now)
        if agent.presence is not Presence.ONLINE:  # who is not there keeps no offer
            for made in [made for made in self._offers.values() if made.agent == agent.agent]:
                self._withdraw(made, now, agent.presence)
        self._match(now)

    def _keep(self, change: Change, now: datetime) -> None:
        """Take over what a step left."""
        case = change.case
        self._cases[case.case_id] = self._newest[case.conversation] = case
        if case.state is CaseState.WAITING:
            self._wait(case, now)
        else:
            self._board.drop_case(case.case_id)
        if change.agent is not None:
            self._seat(change.agent, now)

    def _seat(self, agent: Agent, now: datetime) -> None:
        self._agents[agent.agent] = agent
        self._board.put_agent(agent)
        self.ledger.stands(agent, now)


def standing(agent: Agent, known: Agent | None, now: datetime) -> Agent:
    """Return an agent as a shift has him, with the work that he has here."""
    if known is None:
        return replace(agent, used={}, wrap_up_until=None)
    comes = agent.presence is Presence.ONLINE and known.presence is not Presence.ONLINE
    return replace(
        agent,
        used=known.used,
        wrap_up_until=known.wrap_up_until,
        free_since=now if comes else known.free_since,
        version=known.version + 1,
    )
