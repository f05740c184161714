"""In virtual time cases wait, are offered, taken, declined and solved by the live service's steps."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from common.core.events import MessageKind
from common.core.ids import customer_id
from common.core.work import Presence
from router.core.agents import Agent
from router.core.facts import Arrival, Case, CaseState, Customer, Refusal
from router.core.policy import Policy
from router.core.simulation.floor import Floor
from router.core.simulation.ledger import Ledger, Story
from router.core.simulation.people import Answer, Incoming, Placed, Shift, Work

START = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
Placing = Callable[..., Placed]
Staff = Callable[..., Agent]


def ran(
    policy: Policy,
    incoming: Iterable[Incoming | Placed],
    agents: Sequence[Agent | Shift],
    minutes: float = 600,
) -> Ledger:
    shifts = [one if isinstance(one, Shift) else Shift(START, one) for one in agents]
    return Floor(policy).run(incoming, shifts, START + minutes * MINUTE)


def at(moment: datetime | None) -> float | None:
    """Return a moment as minutes after nine."""
    return None if moment is None else (moment - START) / MINUTE


def ends(story: Story) -> tuple[float | None, float | None, float | None]:
    return at(story.accepted_at), at(story.resolved_at), at(story.left_at)


def test_cases_are_served_in_the_order_of_their_ranks_by_who_is_free(
    policy: Policy, placed: Placing, hanako: Staff
) -> None:
    ledger = ran(policy, [placed(1), placed(2, 1), placed(3, 2)], [hanako()])
    assert [ends(story) for story in ledger.stories] == [
        (0, 10, None),
        (10, 20, None),
        (20, 30, None),
    ]
    assert [one.agent for one in ledger.assigned] == ["hanako"] * 3


def test_whoever_has_been_free_longest_is_asked_first(
    policy: Policy, placed: Placing, hanako: Staff
) -> None:
    jiro = hanako("jiro", free_since=START - MINUTE)
    ledger = ran(policy, [placed(1), placed(2, 1)], [hanako(), jiro])
    assert [one.agent for one in ledger.assigned] == ["jiro", "hanako"]


def test_a_customer_leaves_when_his_patience_is_at_its_end(
    policy: Policy, placed: Placing, hanako: Staff
) -> None:
    arriving = [placed(1), placed(2, 1, patience=3), placed(3, 2, patience=20)]
    stories = ran(policy, arriving, [hanako()]).stories
    assert [ends(story) for story in stories] == [(0, 10, None), (None, None, 4), (10, 20, None)]


def test_a_customer_who_leaves_while_he_is_offered_frees_the_agent(
    policy: Policy, placed: Placing, hanako: Staff
) -> None:
    slow = placed(1, patience=0.5, answers=(Answer(0.9 * MINUTE),))
    ledger = ran(policy, [slow, placed(2, 0.1)], [hanako()])
    assert [ends(story) for story in ledger.stories] == [(None, None, 0.5), (0.5, 10.5, None)]


def test_who_declines_is_asked_again_after_the_others_and_his_pause(
    policy: Policy, placed: Placing, hanako: Staff
) -> None:
    answers = (Answer(0.5 * MINUTE, accepts=False), Answer(0.25 * MINUTE))
    (story,) = ran(policy, [placed(1, answers=answers)], [hanako()]).stories
    assert ends(story) == (1.75, 11.75, None)  # declined at 0.5, paused for 1 minute
    assert story.offers == 2


def test_an_offer_that_nobody_answers_expires(
    policy: Policy, placed: Placing, hanako: Staff
) -> None:
    arriving = [placed(1, answers=(Answer(5 * MINUTE),))]
    ledger = ran(policy, arriving, [hanako(), hanako("jiro")])
    assert [(at(one.at), one.agent) for one in ledger.assigned] == [(0, "hanako"), (1, "jiro")]
    assert ends(ledger.stories[0]) == (1, 11, None)


def test_who_goes_home_keeps_no_offer_but_finishes_his_cases(
    policy: Policy, placed: Placing, hanako: Staff
) -> None:
    gone = Shift(START + 5 * MINUTE, hanako(presence=Presence.OFFLINE))
    back = Shift(START + 30 * MINUTE, hanako())
    arriving = [placed(1), placed(2, 4.5, answers=(Answer(0.9 * MINUTE), Answer()))]
    ledger = ran(policy, arriving, [hanako(capacity=2), gone, back])
    assert [ends(story) for story in ledger.stories] == [(0, 10, None), (30, 40, None)]
    assert ledger.hours["hanako"].signed_in == pytest.approx((600 - 25) * 60)


def test_wrap_up_keeps_an_agent_from_the_next_case(
    ruled: Callable[..., Policy], placed: Placing, hanako: Staff
) -> None:
    policy = ruled("urgency: {points: 10}", "urgency: {points: 10}\nassignment: {wrap_up: 2m}")
    ledger = ran(policy, [placed(1), placed(2)], [hanako()], minutes=40)
    assert [ends(story) for story in ledger.stories] == [(0, 10, None), (12, 22, None)]
    hours = ledger.hours["hanako"]
    assert (hours.wrap_up, hours.used, hours.capacity) == (4 * 60, 24 * 60, 40 * 60)


def test_wrap_up_counts_only_while_it_is_watched(
    ruled: Callable[..., Policy], placed: Placing, hanako: Staff
) -> None:
    policy = ruled("urgency: {points: 10}", "urgency: {points: 10}\nassignment: {wrap_up: 2m}")
    ledger = ran(policy, [placed(1)], [hanako()], minutes=11)
    assert ledger.hours["hanako"].wrap_up == 60


def test_nobody_sees_what_is_reserved_until_the_moment_is_over(
    policy: Policy, placed: Placing, hanako: Staff
) -> None:
    busy, reserved = placed(1), placed(2, 1)
    kept = replace(reserved.case, preferred="hanako", reserved_until=START + 4 * MINUTE)
    late = replace(busy.case, preferred="hanako", reserved_until=START - MINUTE)
    arriving = [replace(busy, case=late), replace(reserved, case=kept)]
    ledger = ran(policy, arriving, [hanako(), hanako("jiro")])
    assert [(at(one.at), one.agent) for one in ledger.assigned] == [(0, "hanako"), (4, "jiro")]


@pytest.fixture
def incoming(written: Callable[..., Arrival]) -> Callable[..., Incoming]:
    """A message that arrives and is decided about."""

    def build(text: str, minutes: float, number: int, **fields: object) -> Incoming:
        moment = START + minutes * MINUTE
        given = {name: fields.pop(name) for name in ("before", "handling") if name in fields}
        arrival = written(text, message_id=f"m-{number}", received_at=moment, **fields)
        customer = Customer(customer=customer_id("acme", arrival.contact))
        work = Work(given.get("handling", 10 * MINUTE))  # type: ignore[arg-type]  # a timedelta
        return Incoming(moment, arrival, customer, work, before=given.get("before"))  # type: ignore[arg-type]  # a case

    return build


def test_a_conversation_is_one_case_until_it_is_solved_and_then_goes_on(
    policy: Policy, incoming: Callable[..., Incoming], hanako: Staff
) -> None:
    arriving = [
        incoming("請求書", 0, 1),
        incoming("まだですか", 5, 2),
        incoming("ありがとう", 6, 3, kind=MessageKind.SYSTEM),
        incoming("もう一つ", 20, 4),
    ]
    agent = hanako(skills={"billing": 3, "japanese": 5})
    ledger = ran(policy, arriving, [agent])
    assert [ends(story) for story in ledger.stories] == [(0, 10, None), (20, 30, None)]
    assert [decision.continuity for decision in ledger.decisions.values()] == [
        "opened",
        "joined",
        "reopened",
    ]


def test_a_waiting_case_that_says_more_moves_to_the_queue_that_knows(
    policy: Policy, incoming: Callable[..., Incoming], hanako: Staff
) -> None:
    away = hanako(queues=("technical",), skills={"network": 5, "japanese": 5}, capacity=0)
    arriving = [incoming("こんにちは", 0, 1), incoming("障害です", 5, 2)]
    ledger = ran(policy, arriving, [away])
    assert [story.queue for story in ledger.stories] == ["technical"]
    assert [(at(step.at), step.queue, step.by) for step in ledger.steps] == [
        (0, "general", 1),
        (5, "general", -1),
        (5, "technical", 1),
    ]


def test_a_case_from_before_the_time_that_is_looked_at_goes_on(
    policy: Policy, incoming: Callable[..., Incoming], waiting: Callable[..., Case], hanako: Staff
) -> None:
    before = waiting(state=CaseState.ASSIGNED, agent="somebody")
    held = waiting(
        case_id=customer_id("acme", "held"), conversation="line:main:U2", state=CaseState.HELD
    )
    arriving = [
        incoming("まだですか", 0, 1, before=before),
        incoming("届きました", 1, 2, before=held, contact="line:main:U2"),
        incoming("もしもし", 2, 3, before=before),
    ]
    agent = hanako(skills={"billing": 3, "japanese": 5})
    ledger = ran(policy, arriving, [agent])
    assert [(story.case_id, at(story.accepted_at)) for story in ledger.stories] == [
        (held.case_id, 1)
    ]
    assert [decision.continuity for decision in ledger.decisions.values()] == ["joined"] * 3


def test_what_the_journal_says_of_work_elsewhere_is_forgotten(
    policy: Policy, placed: Placing, hanako: Staff
) -> None:
    busy = hanako(used={"line": 1}, wrap_up_until=START + 60 * MINUTE)
    assert ends(ran(policy, [placed(1)], [busy]).stories[0]) == (0, 10, None)


def test_a_queue_that_nobody_serves_overflows(
    policy: Policy, incoming: Callable[..., Incoming], hanako: Staff
) -> None:
    arriving = [incoming("障害です", 0, 1), incoming("障害です", 10, 2, contact="line:main:U2")]
    agent = hanako(queues=("technical", "general"), skills={"network": 5, "japanese": 5})
    twin = replace(agent, agent="jiro")
    home = Shift(START + 5 * MINUTE, replace(agent, presence=Presence.OFFLINE))
    ledger = ran(
        policy,
        arriving,
        [agent, twin, home, replace(home, agent=replace(home.agent, agent="jiro"))],
    )
    assert [story.queue for story in ledger.stories] == ["technical", "general"]


def test_a_pause_that_began_before_is_kept(policy: Policy, placed: Placing, hanako: Staff) -> None:
    one, other = placed(1), placed(2, 5)
    refused = replace(one.case, refusals={"hanako": Refusal(1, START + 2 * MINUTE)})
    ledger = ran(policy, [replace(one, case=refused), other], [hanako()])
    assert [ends(story)[0] for story in ledger.stories] == [2, 12]


def maybe(dice: Random) -> Answer:
    return Answer(MINUTE * dice.expovariate(2), accepts=dice.random() < 0.7)


@given(seed=st.integers(0, 10_000), people=st.integers(1, 5))
def test_nobody_is_lost_or_served_twice_and_the_same_dice_say_the_same(
    policy: Policy, placed: Placing, hanako: Staff, seed: int, people: int
) -> None:
    def once() -> Ledger:
        dice = Random(seed)  # noqa: S311 - repeatable dice, no secret
        arriving = [
            placed(
                number,
                number * 2,
                handling=dice.expovariate(1 / 10),
                patience=dice.expovariate(1 / 20),
                answers=(*(maybe(dice) for _ in range(3)), Answer()),
            )
            for number in range(20)
        ]
        agents = [hanako(f"a{number}", capacity=1 + number % 2) for number in range(people)]
        return ran(policy, arriving, agents, minutes=2_000)

    ledger, again = once(), once()
    assert ledger.assigned == again.assigned
    assert len(ledger.stories) == 20
    for story in ledger.stories:
        assert (story.resolved_at is None) == (story.accepted_at is None)
        assert (story.left_at is None) != (story.resolved_at is None)
    assert sum(step.by for step in ledger.steps) == 0
    assert all(0 <= hours.used <= hours.capacity for hours in ledger.hours.values())


RELAXING = "relax: [{after: 5m, skills: {billing: -2}}, {after: 20m, drop: [billing]}], when_closed"


def test_waiting_relaxes_what_is_asked_until_somebody_is_good_enough(
    ruled: Callable[..., Policy], placed: Placing, hanako: Staff
) -> None:
    policy = ruled("skills: {billing: 1}, when_closed", f"skills: {{billing: 1}}, {RELAXING}")
    beginner = hanako(skills={"billing": 1})
    hard, harder = placed(1, skills={"billing": 3}), placed(2, 1, skills={"billing": 5})
    stories = ran(policy, [hard, harder], [beginner]).stories
    assert [ends(story)[0] for story in stories] == [5, 21]


def test_a_case_that_waited_for_long_moves_on_as_soon_as_another_queue_can_take_it(
    ruled: Callable[..., Policy], placed: Placing, hanako: Staff
) -> None:
    way = "overflow: [{to: general, after: 10m}], when_closed"
    policy = ruled("skills: {billing: 1}, when_closed", f"skills: {{billing: 1}}, {way}")
    busy = hanako(capacity=0)
    clerk = hanako("jiro", queues=("general",), skills={})
    late = Shift(START + 30.5 * MINUTE, clerk)
    impatient = placed(2, 0, patience=12, skills={})
    ledger = ran(policy, [placed(1, skills={}), impatient], [busy, late])
    assert [ends(story) for story in ledger.stories] == [(31, 41, None), (None, None, 12)]
    assert ledger.stories[0].queue == "general"


def test_who_had_the_customers_last_case_gets_his_next_one(
    ruled: Callable[..., Policy], incoming: Callable[..., Incoming], hanako: Staff
) -> None:
    policy = ruled("urgency: {points: 10}", "urgency: {points: 10}\nassignment: {last_agent: 2h}")
    skills = {"billing": 3, "japanese": 5}
    agents = [hanako(skills=skills), hanako("jiro", skills=skills, free_since=START + MINUTE)]
    arriving = [
        incoming("請求書", 0, 1, conversation="a"),
        incoming("請求の件", 30, 2, conversation="b"),
        incoming("請求です", 300, 3, conversation="c"),
    ]
    ledger = ran(policy, arriving, agents)
    assert [(one.agent, one.why) for one in ledger.assigned] == [
        ("hanako", "free_longest"),
        ("hanako", "knows_customer"),
        ("jiro", "free_longest"),
    ]
