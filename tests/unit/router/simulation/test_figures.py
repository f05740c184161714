"""Figures say what became of the cases; two sets of rules are compared message by message."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from msgspec.structs import replace

from common.core.cases import Continuity, Decision
from common.core.ids import event_id
from common.core.work import Presence
from router.core.agents import Agent, Offer, OfferState
from router.core.facts import Arrival, Case, CaseState, Customer, Roster
from router.core.inputs import Inputs
from router.core.policy import Policy
from router.core.simulation.comparing import differences
from router.core.simulation.figures import Promise, Waits, figures, percentile
from router.core.simulation.floor import Floor
from router.core.simulation.history import (
    History,
    Kept,
    RosterEvent,
    answers,
    arrivals,
    handling,
    shifts,
)
from router.core.simulation.people import Answer, Incoming, Placed, Shift
from router.core.simulation.replaying import Journal, checked, replay
from router.core.simulation.staffing import staffing

START = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
Placing = Callable[..., Placed]
Staff = Callable[..., Agent]


def test_figures_count_waits_promises_and_depth(
    policy: Policy, placed: Placing, hanako: Staff
) -> None:
    arriving = [
        placed(1, handling=40),
        placed(2, 1, handling=5),
        placed(3, 2, patience=3),
        placed(4, 3, patience=35),
        placed(5, 50, handling=60),
        placed(6, 55),
        placed(7, 56, queue="general"),
    ]
    end = START + 2 * HOUR
    found = Floor(policy).run(arriving, [Shift(START, hanako())], end)
    shown = figures(found, "v1", START, end)
    billing = next(queue for queue in shown.queues if queue.queue == "billing")
    assert (billing.arrived, billing.taken, billing.left, billing.waiting) == (6, 4, 2, 0)
    assert billing.waits == Waits(mean=(39 + 55) * 60 / 4, p50=0.0, p90=55 * 60.0, p99=55 * 60.0)
    # 1 and 5 at once; 2 and 6 too late; 3 left within its half hour, 4 after it
    assert billing.first_response == Promise(kept=2, broken=3, open=1, share=0.4)
    assert billing.resolution == Promise(kept=3, broken=1, open=2, share=0.75)
    assert billing.deepest == 3
    assert shown.total.arrived == 7
    assert [queue.waits for queue in shown.queues if queue.queue == "general"] == [Waits()]
    (depth,) = [depth for depth in shown.depths if depth.queue == "billing"]
    assert shown.interval == 75.0
    assert depth.highest[:3] == (1, 2, 3)
    assert depth.starts[:3] == (0, 1, 2)
    (agent,) = shown.agents
    assert (agent.accepted, agent.signed_in) == (4, 7200.0)
    assert agent.occupancy == pytest.approx((40 + 5 + 60 + 10) / 120)


def test_who_was_never_there_has_no_occupancy(policy: Policy, hanako: Staff) -> None:
    ledger = Floor(policy).run([], [Shift(START, hanako(presence=Presence.OFFLINE))], START + HOUR)
    shown = figures(ledger, "v1", START, START + HOUR)
    assert shown.agents[0].occupancy is None
    assert shown.total.first_response == Promise(kept=0, broken=0, open=0, share=None)
    assert staffing("office", 0, ("billing",), [ledger], START + HOUR).occupancy is None


def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed() -> None:
    values = [float(value) for value in range(1, 11)]
    assert [percentile(values, part) for part in (0.0, 0.5, 0.9, 0.99)] == [1.0, 5.0, 9.0, 10.0]


def test_staffing_counts_the_teams_queues_over_all_runs(
    policy: Policy, placed: Placing, hanako: Staff
) -> None:
    end = START + HOUR
    runs = [
        Floor(policy).run(
            [placed(1, handling=30), placed(2, 1, patience=5), placed(3, 45), placed(4, 50)],
            [Shift(START, hanako())],
            end,
        )
        for _ in range(2)
    ]
    row = staffing("office", 1, ("billing",), runs, end)
    assert (row.arrived, row.runs, row.left, row.waiting) == (8, 2, 0.25, 0.0)
    assert row.occupancy == pytest.approx(45 / 60)
    assert staffing("office", 1, ("general",), runs, end).left == 0.0


Decide = Callable[..., Decision]


def test_messages_that_go_elsewhere_come_first_and_both_decisions_are_shown(
    policy: Policy,
    ruled: Callable[..., Policy],
    written: Callable[..., Arrival],
    decision_of: Decide,
) -> None:
    other = ruled("queue: billing", "queue: general")
    dearer = ruled("points: 25", "points: 30")
    texts = ("請求書", "障害です", "こんにちは")
    written_ones = [written(text, message_id=text) for text in texts]
    old = {one.event: decision_of(one, policy) for one in written_ones}
    moved = differences(old, {one.event: decision_of(one, other) for one in written_ones}, 5)
    assert (moved.messages, moved.moved, moved.changed) == (3, 1, 0)
    assert moved.moves == (("billing", "general", 1),)
    (shown,) = moved.examples
    assert (shown.current.queue, shown.candidate.queue) == ("billing", "general")
    assert shown.candidate.rules == ("bills", "japanese")
    weighed = differences(old, {one.event: decision_of(one, dearer) for one in written_ones[1:]}, 0)
    assert (weighed.messages, weighed.moved, weighed.changed) == (2, 0, 1)
    assert weighed.examples == ()


@pytest.fixture
def kept(written: Callable[..., Arrival], decision_of: Decide) -> Callable[..., Kept]:
    """A decision as it was recorded."""

    def build(text: str, policy: Policy, minutes: float, roster: Roster | None = None) -> Kept:
        now = START + minutes * MINUTE
        arrival = written(text, message_id=text, received_at=now, contact=f"line:main:{text}")
        customer = Customer(customer=event_id("test", "customer", text))
        decision = decision_of(arrival, policy, customer=customer, roster=roster, now=now)
        inputs = Inputs(
            arrival=arrival,
            customer=customer,
            now=now,
            roster=roster.sequence if roster else None,
            rules_version=policy.version,
        )
        return Kept(inputs, decision, msgspec.json.encode(decision))

    return build


def history(**parts: object) -> History:
    nothing: dict[str, object] = {"kept": (), "roster": (), "cases": (), "offers": ()}
    return msgspec.convert(
        {"start": START, "end": START + 2 * HOUR, **nothing, **parts}, History, from_attributes=True
    )


def test_a_decision_made_again_is_the_recorded_one_byte_for_byte(
    policy: Policy, ruled: Callable[..., Policy], kept: Callable[..., Kept], hanako: Staff
) -> None:
    journal = (
        RosterEvent(3, START, hanako(queues=("technical",), skills={"network": 5, "japanese": 4})),
        RosterEvent(7, START, hanako(queues=("technical",), presence=Presence.OFFLINE)),
    )
    rosters = Journal(journal)
    empty, staffed = (rosters.at(number) for number in (7, 3))  # looked up in any order
    day = History(
        start=START,
        end=START + HOUR,
        kept=(
            kept("障害です", policy, 1, empty),
            kept("障害ですか", policy, 2, staffed),
            kept("障害ですね", policy, 2.5, staffed),
            kept("障害かな", policy, 3),
            kept("請求書", ruled("queue: billing", "queue: general"), 4),
        ),
        roster=journal,
        cases=(),
        offers=(),
    )
    queues = [one.decision.queue for one in day.kept]
    assert queues == ["general", "technical", "technical", "technical", "general"]
    check = checked(day, policy)
    assert (check.same, check.differing, check.others) == (4, (), 1)
    assert replay(day, policy)[day.kept[4].decision.message_event].queue == "billing"
    forged = replace(day.kept[0], body=b"{}")
    wrong = checked(replace(day, kept=(forged, *day.kept[1:])), policy)
    assert wrong.differing == (forged.decision.message_event,)


def test_a_message_that_now_concerns_no_case_is_left_out(
    policy: Policy, kept: Callable[..., Kept]
) -> None:
    one = kept("請求書", policy, 1)
    message = replace(one.inputs.arrival.message, kind="system")
    arrival = replace(one.inputs.arrival, message=message)
    day = history(kept=(replace(one, inputs=replace(one.inputs, arrival=arrival)),))
    assert replay(day, policy) == {}


def an_offer(case: Case, state: OfferState, made: float, ended: float | None = None) -> Offer:
    return Offer(
        offer_id=event_id("offer", str(case.case_id), f"{made}"),
        tenant="acme",
        case_id=case.case_id,
        agent="hanako",
        queue=case.queue,
        state=state,
        made_at=START + made * MINUTE,
        expires_at=START + (made + 1) * MINUTE,
        agent_version=1,
        ended_at=None if ended is None else START + ended * MINUTE,
    )


def test_handling_times_are_learnt_from_what_was_accepted_and_resolved(placed: Placing) -> None:
    cases = [
        replace(placed(number).case, resolved_at=START + minutes * MINUTE)
        for number, minutes in ((1, 11), (2, 21), (3, 31))
    ]
    never, other = placed(4).case, replace(placed(5).case, queue="general")
    offers = [an_offer(case, OfferState.ACCEPTED, 0, 1) for case in (*cases, never)]
    offers.append(an_offer(other, OfferState.DECLINED, 0, 1))
    day = history(cases=(*cases, never, other), offers=tuple(offers))
    takes = handling(day, HOUR)
    assert takes.of(cases[2].case_id, "billing") == 30 * MINUTE
    assert takes.of(never.case_id, "billing") == 20 * MINUTE
    assert takes.of(other.case_id, "general") == 20 * MINUTE
    assert handling(history(cases=(never,)), HOUR).of(never.case_id, "billing") == HOUR


def test_offers_are_answered_as_they_were(placed: Placing) -> None:
    case = placed(1).case
    offers = [
        an_offer(case, OfferState.EXPIRED, 0, 1),
        an_offer(case, OfferState.WITHDRAWN, 2, 2.5),
        an_offer(case, OfferState.DECLINED, 3, 3.5),
        an_offer(case, OfferState.ACCEPTED, 4, 4.25),
        an_offer(case, OfferState.MADE, 5),
    ]
    assert answers(offers)[case.case_id] == (
        Answer(MINUTE, accepts=False),
        Answer(0.5 * MINUTE, accepts=False),
        Answer(0.25 * MINUTE),
    )


def test_a_day_begins_with_what_nobody_had_taken_and_goes_on_as_recorded(
    policy: Policy, placed: Placing, kept: Callable[..., Kept]
) -> None:
    backlog = replace(placed(1, -30).case, state=CaseState.RESOLVED, resolved_at=START + HOUR)
    taken = placed(2, -30).case
    today = placed(3, 10).case
    offers = (
        an_offer(taken, OfferState.ACCEPTED, -20, -19),
        an_offer(backlog, OfferState.ACCEPTED, 5, 6),
    )
    first, second = kept("請求書", policy, 20), kept("請求", policy, 30)
    joined = replace(second, decision=replace(second.decision, continuity=Continuity.JOINED))
    day = history(cases=(backlog, taken, today), offers=offers, kept=(first, joined))
    found = list(arrivals(day, handling(day, HOUR)))
    (waits, opens, joins) = found
    assert isinstance(waits, Placed)
    assert (waits.at, waits.case.case_id, waits.case.state) == (START, backlog.case_id, "waiting")
    assert waits.work.answers == (Answer(MINUTE),)
    assert isinstance(opens, Incoming)
    assert isinstance(joins, Incoming)
    assert (opens.work.handling, joins.work.handling) == (54 * MINUTE, timedelta())


def test_agents_stand_as_the_journal_last_said_and_change_as_it_goes_on(hanako: Staff) -> None:
    events = (
        RosterEvent(1, START - HOUR, hanako(presence=Presence.OFFLINE)),
        RosterEvent(2, START - MINUTE, hanako()),
        RosterEvent(3, START + HOUR, hanako(presence=Presence.AWAY)),
        RosterEvent(4, START + 3 * HOUR, hanako()),
    )
    found = shifts(history(roster=events))
    assert [(one.at, one.agent.presence) for one in found] == [
        (START, Presence.ONLINE),
        (START + HOUR, Presence.AWAY),
    ]
