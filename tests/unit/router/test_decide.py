"""The decision as a whole: what joins, what opens, what it is worth, and that it can be made again."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from common.core.cases import Continuity, Decision
from common.core.events import Channel, Contract, Direction, MessageKind, Party
from router.core.decide import decide
from router.core.facts import Arrival, Case, CaseState, Customer, Unrouted
from router.core.policy import Policy
from router.core.priority import credit

Written = Callable[..., Arrival]
Decide = Callable[..., Decision]
Waiting = Callable[..., Case]

TUESDAY = datetime(2026, 11, 24, 2, 40, tzinfo=UTC)
OPENING = ["message", "postback", "help", "unsupported"]
FOLLOWING = ["edit", "unsend", "reaction", "bounce", "auto_reply", "opt_in", "opt_out"]
NEVER = ["system"]


@pytest.mark.parametrize(
    ("kinds", "alone", "with_open_case", "after_resolved_case"),
    [
        (OPENING, "opened", "joined", "reopened"),
        (FOLLOWING, None, "joined", None),
        (NEVER, None, None, None),
    ],
)
def test_what_a_message_does_depends_on_its_kind_and_on_the_case_there_is(
    written: Written,
    policy: Policy,
    taro: Customer,
    waiting: Waiting,
    kinds: list[str],
    alone: str | None,
    with_open_case: str | None,
    after_resolved_case: str | None,
) -> None:
    resolved = waiting(state=CaseState.RESOLVED, resolved_at=TUESDAY - timedelta(hours=72))
    for case, how in ((None, alone), (waiting(), with_open_case), (resolved, after_resolved_case)):
        for kind in kinds:
            arrival = written(kind=MessageKind(kind))
            outcome = decide(arrival, taro, (), case, None, policy, TUESDAY)
            assert (outcome.continuity if isinstance(outcome, Decision) else None) == how, kind
            assert isinstance(outcome, Decision) or kind in outcome.reason


def test_what_the_company_writes_opens_no_case(
    written: Written, policy: Policy, taro: Customer, waiting: Waiting
) -> None:
    arrival = written(direction=Direction.OUTBOUND)
    outcome = decide(arrival, taro, (), waiting(), None, policy, TUESDAY)
    assert outcome == Unrouted("the company wrote it")


def test_a_case_resolved_too_long_ago_stays_resolved(
    written: Written, policy: Policy, decision_of: Decide, waiting: Waiting
) -> None:
    long_ago = TUESDAY - timedelta(hours=72, seconds=1)
    case = waiting(state=CaseState.RESOLVED, resolved_at=long_ago)
    decision = decision_of(written(), policy, case=case)
    assert decision.continuity is Continuity.OPENED
    assert decision.case_id != case.case_id


def test_a_reopened_case_has_new_clocks(
    written: Written, policy: Policy, decision_of: Decide, waiting: Waiting
) -> None:
    case = waiting(state=CaseState.RESOLVED, resolved_at=TUESDAY - timedelta(hours=1))
    decision = decision_of(written(), policy, case=case)
    assert decision.case_id == case.case_id
    assert decision.first_response_due > case.first_response_due


def test_the_clocks_of_an_open_case_run_on_and_its_promise_stands(
    written: Written,
    policy: Policy,
    decision_of: Decide,
    waiting: Waiting,
    contracted: Callable[..., Contract],
) -> None:
    case = waiting()
    decision = decision_of(written(), policy, case=case, contracts=(contracted("K-9", "gold"),))
    assert (decision.plan, decision.contract) == ("silver", "K-1")
    assert decision.first_response_due == case.first_response_due
    assert decision.resolution_due == case.resolution_due


def test_an_open_case_stays_in_the_queue_that_somebody_chose(
    written: Written, policy: Policy, decision_of: Decide, waiting: Waiting
) -> None:
    decision = decision_of(written("障害です"), policy, case=waiting(queue="billing"))
    assert (decision.queue, decision.queue_reason) == ("billing", "the case already waits here")


@pytest.mark.parametrize("queue", ["general", "closed-down"])
def test_a_case_that_nobody_has_placed_goes_where_the_next_message_says(
    written: Written, policy: Policy, decision_of: Decide, waiting: Waiting, queue: str
) -> None:
    case = waiting(queue=queue)
    assert decision_of(written("障害です"), policy, case=case).queue == "technical"
    assert decision_of(written("もしもし"), policy, case=case).queue == "general"


def test_what_joins_may_raise_the_priority_but_not_lower_it(
    written: Written, policy: Policy, decision_of: Decide, waiting: Waiting
) -> None:
    case = waiting(priority=15)
    raised = decision_of(written("至急!障害です"), policy, case=case)
    kept = decision_of(written("よろしく"), policy, case=case)
    assert [(part.name, part.points) for part in raised.priority_parts] == [
        ("plan", 10),
        ("rule:outage", 25),
        ("words", 10),
    ]
    assert (raised.priority, kept.priority) == (45, 15)
    assert kept.priority_parts[0].reason == (
        "the case already has this priority; this message alone would have 10"
    )
    assert raised.rank == case.first_response_due - timedelta(minutes=90)


def test_what_joins_asks_for_the_cases_skills_too(
    written: Written, policy: Policy, decision_of: Decide, waiting: Waiting
) -> None:
    skills = decision_of(written("請求書です"), policy, case=waiting(skills={"network": 4})).skills
    assert {need.skill: need.level for need in skills} == {
        "network": 4,
        "billing": 1,
        "japanese": 3,
    }


def test_a_reaction_changes_nothing_of_its_case(
    written: Written, policy: Policy, decision_of: Decide, waiting: Waiting
) -> None:
    case = waiting()
    decision = decision_of(written("障害", kind=MessageKind.REACTION), policy, case=case)
    assert decision.queue_reason == (
        "a message of kind reaction belongs to the open case and changes nothing"
    )
    assert (decision.queue, decision.priority, decision.rank) == (
        case.queue,
        case.priority,
        case.rank,
    )
    assert (decision.rules, decision.queues) == ((), ())


def test_every_rule_says_why_it_matched_or_not(
    written: Written, policy: Policy, decision_of: Decide
) -> None:
    decision = decision_of(written("障害です"), policy)
    assert [(trial.rule, trial.matched, trial.reason) for trial in decision.rules] == [
        ("outage", True, "all its conditions hold; found: 障害"),
        ("bills", False, 'does not hold: mentions("請求")'),
        ("japanese", True, "all its conditions hold"),
    ]


def test_a_rule_that_cannot_be_answered_did_not_match_and_says_what_was_missing(
    written: Written, ruled: Callable[..., Policy], decision_of: Decide
) -> None:
    policy = ruled('mentions("請求")', """'message.attributes["unit"] == "請求"'""")
    trial = decision_of(written("請求"), policy).rules[1]
    assert not trial.matched
    assert trial.reason == (
        "cannot be answered for this message: "
        """message.attributes["unit"] == "請求" (no 'unit')"""
    )


def test_all_conditions_of_a_rule_must_hold(
    written: Written, ruled: Callable[..., Policy], decision_of: Decide
) -> None:
    policy = ruled('mentions("請求")', """['mentions("請求")', 'message.channel == "email"']""")
    assert decision_of(written("請求"), policy).queue == "general"
    by_mail = written("請求", channel=Channel.EMAIL)
    assert decision_of(by_mail, policy).queue == "billing"


def test_reasons_can_be_read_in_japanese(
    written: Written, ruled: Callable[..., Policy], decision_of: Decide
) -> None:
    decision = decision_of(written("障害です"), ruled(language="ja"))
    assert decision.queue_reason == (
        "ルール outage(outages go to the technicians): 受付中(担当者はいるものとする)"
    )


def test_a_customers_tier_is_worth_points_where_the_rules_know_it(
    written: Written, policy: Policy, decision_of: Decide, taro: Customer
) -> None:
    vip, other = (
        decision_of(written("hi"), policy, customer=replace(taro, tier=tier))
        for tier in ("vip", "friend")
    )
    assert [part.name for part in vip.priority_parts] == ["plan", "tier"]
    assert (vip.priority, other.priority, other.tier) == (30, 0, "friend")


def test_the_rank_is_the_deadline_less_the_credit(
    written: Written, policy: Policy, decision_of: Decide
) -> None:
    decision = decision_of(written("至急、障害です"), policy)
    assert decision.priority == 35
    assert decision.rank == decision.first_response_due - timedelta(minutes=70)


PER_POINT, AT_MOST = timedelta(minutes=2), timedelta(hours=4)


@given(st.integers(-1000, 1000), st.integers(-1000, 1000))
def test_more_priority_never_ranks_later_and_nobody_starves(one: int, other: int) -> None:
    """Whoever's deadline is later by more than the whole span of credit cannot come before."""
    due, much_later = TUESDAY, TUESDAY + 2 * AT_MOST
    low, high = sorted((one, other))
    assert due - credit(high, PER_POINT, AT_MOST) <= due - credit(low, PER_POINT, AT_MOST)
    assert due - credit(low, PER_POINT, AT_MOST) <= much_later - credit(high, PER_POINT, AT_MOST)


texts = st.lists(
    st.sampled_from(
        ["障害", "請求", "至急", "急ぎません", "hello there dear", "解約希望", "🙇", "\0"]
    ),
    max_size=4,
).map("、".join)
moments = st.integers(0, 14 * 24 * 60).map(lambda minutes: TUESDAY + timedelta(minutes=minutes))
kinds = st.sampled_from(list(MessageKind))


@pytest.fixture(scope="module")
def ask_anew(
    written: Written,
    ruled: Callable[..., Policy],
    contracted: Callable[..., Contract],
    waiting: Waiting,
    taro: Customer,
) -> Callable[..., bytes]:
    """Return a decision as bytes, made from things that were all made anew."""

    def ask(text: str, now: datetime, kind: MessageKind, tier: str | None, *, joins: bool) -> bytes:
        decision = decide(
            written(text, kind=kind, recipients=(Party("line:main"),)),
            replace(taro, tier=tier),
            (contracted("a"), contracted("b", "gold")),
            waiting() if joins else None,
            None,
            ruled(),
            now,
        )
        return msgspec.json.encode(decision)

    return ask


@given(texts, moments, kinds, st.sampled_from([None, "vip", "friend"]))
def test_the_same_question_has_the_same_answer_byte_for_byte(
    ask_anew: Callable[..., bytes], text: str, now: datetime, kind: MessageKind, tier: str | None
) -> None:
    """Also from a policy compiled anew, with no memory of days and words it has met."""
    for joins in (True, False):
        asked = (text, now, kind, tier)
        assert ask_anew(*asked, joins=joins) == ask_anew(*asked, joins=joins)


@given(texts, moments, kinds)
def test_the_priority_is_the_sum_of_its_parts_and_the_last_queue_tried_is_the_one_taken(
    written: Written,
    policy: Policy,
    taro: Customer,
    text: str,
    now: datetime,
    kind: MessageKind,
) -> None:
    outcome = decide(written(text, kind=kind), taro, (), None, None, policy, now)
    if isinstance(outcome, Decision):
        assert outcome.priority == sum(part.points for part in outcome.priority_parts)
        assert outcome.queues[-1].queue == outcome.queue
        assert [trial.rule for trial in outcome.rules] == ["outage", "bills", "japanese"]
        assert all(1 <= need.level <= 5 for need in outcome.skills)
