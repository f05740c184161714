"""Asked why a message went elsewhere, the program names what would have changed that, and is right."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from common.core.events import Channel, Contract, MessageKind
from router.core.changes import (
    Apart,
    Away,
    Change,
    Condition,
    Hours,
    Language,
    Order,
    Plan,
    Said,
    Skill,
    Staff,
    Tier,
    Without,
)
from router.core.counterfactual import Instead, instead
from router.core.facts import Arrival, Case, Customer, Roster
from router.core.inputs import inputs_of
from router.core.policy import Policy
from router.core.why_words import answer_said, outcome_said, said
from router.core.worlds import World, decision_in

NIGHT = datetime(2026, 11, 24, 17, tzinfo=UTC)  # two in the morning in Tokyo

Worlds = Callable[..., World]


@pytest.fixture(scope="session")
def world(policy: Policy, taro: Customer, written: Callable[..., Arrival]) -> Worlds:
    """What a decision about a message is made from; the small company's rules by default."""

    def build(text: str = "こんにちは", **given: Any) -> World:
        rules = given.get("policy", policy)
        arrival = written(text, **given.get("message", {}))
        now = given.get("now", arrival.message.received_at)
        roster = given.get("roster")
        customer = given.get("customer", taro)
        contracts = given.get("contracts", ())
        case = given.get("case")
        inputs = inputs_of(arrival, customer, contracts, case, roster, rules, now)
        return World(inputs, roster, rules)

    return build


def changes(found: Instead) -> list[tuple[Change, ...]]:
    return [answer.changes for answer in found.answers]


def queue(world: World) -> str | None:
    decision = decision_in(world)
    return decision.queue if decision else None


def test_one_level_of_one_persons_skill_is_the_smallest_change(world: Worlds) -> None:
    roster = Roster(
        {"technical": ({"network": 2, "japanese": 5}, {"network": 1}), "billing": ({"billing": 3},)}
    )
    found = instead(world("障害です", roster=roster), "technical")
    assert changes(found)[0] == (
        Skill(
            queue="technical",
            profile={"network": 2, "japanese": 5},
            skill="network",
            level=2,
            to=3,
        ),
    )
    assert (found.answers[0].cost, found.complete, found.there) == (1, True, False)


def test_where_nobody_is_signed_in_it_names_what_somebody_would_have_to_know(
    world: Worlds,
) -> None:
    found = instead(world("障害です", roster=Roster({})), "technical")
    assert (Staff(queue="technical", skills={"network": 3, "japanese": 3}),) in changes(found)


def test_two_levels_that_one_person_lacks_are_named_together(world: Worlds) -> None:
    novice = {"network": 2, "japanese": 2}
    found = instead(world("障害です", roster=Roster({"technical": (novice,)})), "technical")
    # somebody else who can is one change, and so comes without a pair beside it
    assert changes(found)[0] == (Staff(queue="technical", skills={"network": 3, "japanese": 3}),)
    assert all(len(answer) == 1 for answer in changes(found))


def test_a_queue_that_was_closed_would_have_had_to_be_open(world: Worlds) -> None:
    found = instead(world("障害です", now=NIGHT), "technical")
    assert changes(found)[0] == (Hours(queue="technical", opens="2026-11-25 09:00"),)


def test_a_word_that_the_rule_looks_for_would_have_led_there(world: Worlds) -> None:
    found = instead(world("こんにちは"), "billing")
    assert changes(found) == [
        (Said(rule="bills", field="message.text", value="請求"),),
        (Condition(rule="bills", condition='mentions("請求")'),),
    ]


def test_a_rule_that_was_beaten_would_have_had_to_stand_above_the_other(world: Worlds) -> None:
    found = instead(world("障害の請求について"), "billing")
    assert changes(found) == [
        (Order(rule="bills", above="outage"),),
        (Without(rule="outage"),),
    ]


def test_the_default_queue_takes_what_a_rule_took_only_without_the_rule(world: Worlds) -> None:
    assert changes(instead(world("障害です"), "general")) == [(Without(rule="outage"),)]


def test_a_colleague_who_is_there_keeps_it_from_the_queue_it_overflows_into(
    world: Worlds,
) -> None:
    able = {"network": 5, "japanese": 5}
    roster = Roster({"technical": (able,), "nightshift": (able,)})
    found = instead(world("障害です", roster=roster), "nightshift")
    assert changes(found)[0] == (
        Hours(queue="nightshift", opens="2026-11-25 00:00"),
        Away(queue="technical"),
    )


@pytest.mark.parametrize(
    ("condition", "change"),
    [
        ('customer.tier == "vip"', Tier(tier=None, to="vip")),
        ('contract.plan == "gold"', Plan(contract=None, plan="default", to="gold")),
        ('message.language == "fr"', Language(language="ja", to="fr")),
        ('message.language != "ja"', Language(language="ja", to="en")),
        (
            'message.channel in ["sms", "x"]',
            Said(rule="bills", field="message.channel", value="sms"),
        ),
        (
            'message.channel in ["fax", "x"]',  # there is no such channel
            Said(rule="bills", field="message.channel", value="x"),
        ),
        (
            '"product" in message.attributes',
            Said(rule="bills", field="message.attributes", value="product"),
        ),
        (
            'customer.account == "大和商事"',
            Said(rule="bills", field="customer.account", value="大和商事"),
        ),
        (
            'customer.language == "ko"',
            Said(rule="bills", field="customer.language", value="ko"),
        ),
        (
            "message.text.size() > 1000",
            Condition(rule="bills", condition="message.text.size() > 1000"),
        ),
    ],
)
def test_what_a_condition_asks_for_is_named(
    world: Worlds, ruled: Callable[..., Policy], condition: str, change: Change
) -> None:
    policy = ruled('mentions("請求")', f"'{condition}'")
    assert changes(instead(world(policy=policy), "billing"))[0] == (change,)


def test_another_plan_of_the_contract_that_counts_is_named_with_the_contract(
    world: Worlds, ruled: Callable[..., Policy], contracted: Callable[..., Contract]
) -> None:
    policy = ruled('mentions("請求")', "'contract.plan == \"gold\"'")
    contracts = (contracted("K-1", "silver"), contracted("K-9", "default"))
    found = instead(world(policy=policy, contracts=contracts), "billing")
    assert changes(found)[0] == (Plan(contract="K-1", plan="silver", to="gold"),)


def test_a_case_of_a_plan_is_asked_about_with_another(
    world: Worlds, ruled: Callable[..., Policy], waiting: Callable[..., Case]
) -> None:
    policy = ruled('mentions("請求")', "'contract.plan == \"gold\"'")
    case = waiting(queue="general", plan="default", contract=None)
    found = instead(world(policy=policy, case=case), "billing")
    assert changes(found)[0] == (Plan(contract=None, plan="default", to="gold"),)


def test_a_tier_can_be_what_keeps_it_away(world: Worlds, ruled: Callable[..., Policy]) -> None:
    policy = ruled('mentions("請求")', "'customer.tier == \"\"'")
    customer = replace(world().inputs.customer, tier="vip")
    found = instead(world(policy=policy, customer=customer), "billing")
    assert changes(found)[0] == (Tier(tier="vip", to=None),)


def test_a_message_that_joins_a_case_would_have_gone_elsewhere_alone(
    world: Worlds, waiting: Callable[..., Case]
) -> None:
    found = instead(world("障害です", case=waiting()), "technical")
    assert changes(found) == [(Apart(queue="billing"),)]


def test_two_changes_are_named_where_one_does_not_do(
    world: Worlds, ruled: Callable[..., Policy]
) -> None:
    policy = ruled(
        'when: mentions("請求")', "when: ['mentions(\"請求\")', 'message.channel == \"sms\"']"
    )
    found = instead(world(policy=policy), "billing")
    assert changes(found)[0] == (
        Said(rule="bills", field="message.text", value="請求"),
        Said(rule="bills", field="message.channel", value="sms"),
    )
    assert found.answers[0].cost == 30


def test_it_says_so_where_no_change_would_do(world: Worlds) -> None:
    found = instead(world("こんにちは", now=NIGHT, roster=Roster({})), "technical")
    assert (found.answers, found.there, found.complete) == ((), False, True)
    assert outcome_said(found, "en") == (
        "No single change and no two together would have sent it to technical."
    )


def test_it_says_so_where_the_message_goes_there_anyway(world: Worlds) -> None:
    found = instead(world("障害です"), "technical")
    assert (found.there, found.answers) == (True, ())
    assert outcome_said(found, "ja") == "実際に technical に入る。"


def test_what_concerns_no_case_would_go_nowhere(world: Worlds) -> None:
    found = instead(world(message={"kind": MessageKind.SYSTEM}), "billing")
    assert (found.there, found.answers) == (False, ())


def test_a_reaction_goes_where_its_case_is(world: Worlds, waiting: Callable[..., Case]) -> None:
    reaction = world(message={"kind": MessageKind.REACTION}, case=waiting())
    assert instead(reaction, "technical").answers == ()


def test_a_rule_that_lacks_three_things_is_no_small_change_away(
    world: Worlds, ruled: Callable[..., Policy]
) -> None:
    policy = ruled(
        'when: mentions("請求")',
        """when: ['mentions("請求")', 'message.channel == "sms"', 'message.text.size() > 99']""",
    )
    assert instead(world(policy=policy), "billing").answers == ()


def test_a_person_who_lacks_three_skills_is_no_small_change_away(
    world: Worlds, ruled: Callable[..., Policy]
) -> None:
    policy = ruled("skills: {network: 3}", "skills: {network: 3, billing: 2}")
    roster = Roster({"technical": ({},)})
    found = instead(world("障害です", policy=policy, roster=roster), "technical")
    assert changes(found) == [
        (Staff(queue="technical", skills={"network": 3, "billing": 2, "japanese": 3}),),
    ]


def test_it_stops_after_so_many_tries_and_says_that_there_are_more(world: Worlds) -> None:
    found = instead(world("こんにちは", roster=Roster({})), "technical", most_tried=9)
    assert (found.complete, found.answers) == (False, ())
    assert 9 <= found.tried <= 10
    assert "there are more" in (outcome_said(found, "en") or "")


def test_only_the_companys_queues_can_be_asked_about(world: Worlds) -> None:
    with pytest.raises(KeyError):
        instead(world(), "nowhere")


TEXTS = ("こんにちは", "障害です", "請求書の件", "障害の請求", "Is there an outage?")
PROFILES: tuple[dict[str, int], ...] = (
    {},
    {"network": 2, "japanese": 3},
    {"network": 3, "japanese": 2},
    {"billing": 1, "japanese": 5},
    {"network": 5, "japanese": 5, "billing": 5},
)
ROSTERS = st.none() | st.dictionaries(
    st.sampled_from(("general", "technical", "nightshift", "billing")),
    st.lists(st.sampled_from(PROFILES), max_size=3, unique_by=str).map(tuple),
).map(Roster)


@given(
    text=st.sampled_from(TEXTS),
    queue_asked=st.sampled_from(("general", "technical", "nightshift", "billing")),
    roster=ROSTERS,
    hours=st.integers(0, 23),
    given_case=st.sampled_from(({}, {"tier": "vip"}, {"joins": True})),
)
def test_every_answer_leads_to_the_queue_and_with_a_change_less_does_not(
    world: Worlds,
    waiting: Callable[..., Case],
    taro: Customer,
    text: str,
    queue_asked: str,
    roster: Roster | None,
    hours: int,
    given_case: dict[str, Any],
) -> None:
    asked = world(
        text,
        roster=roster,
        now=NIGHT + timedelta(hours=hours),
        case=waiting() if given_case.get("joins") else None,
        customer=replace(taro, tier=given_case.get("tier")),
    )
    found = instead(asked, queue_asked)
    assert found.there is (queue(asked) == queue_asked)
    costs = [answer.cost for answer in found.answers]
    assert costs == sorted(costs)
    for answer in found.answers:
        made = asked
        for change in answer.changes:
            assert queue(made) != queue_asked
            made = change.made(made)
        assert queue(made) == queue_asked
        if len(answer.changes) > 1:
            assert queue(answer.changes[1].made(asked)) != queue_asked


@pytest.mark.parametrize(
    ("change", "english", "japanese"),
    [
        (
            Skill(queue="vip", profile={"network": 2}, skill="network", level=2, to=3),
            "somebody signed in for vip (network 2) had network 3 instead of 2",
            "vip の担当者(network 2)の network が 2 ではなく 3 だったら",
        ),
        (
            Staff(queue="vip", skills={}),
            "somebody with – were signed in for vip",
            "– の担当者が vip にいたら",
        ),
        (
            Tier(tier=None, to="vip"),
            "the customer were of tier vip",
            "顧客区分が vip だったら",
        ),
        (
            Tier(tier="vip", to=None),
            "the customer were not of tier vip",
            "顧客区分が vip でなかったら",
        ),
        (
            Tier(tier="vip", to="partner"),
            "the customer were of tier partner, not vip",
            "顧客区分が vip ではなく partner だったら",
        ),
        (
            Plan(contract=None, plan="default", to="gold"),
            "a contract on plan gold were in force",
            "プラン gold の契約が有効だったら",
        ),
        (
            Plan(contract="K-1", plan="silver", to="gold"),
            "contract K-1 were on plan gold, not silver",
            "契約 K-1 のプランが silver ではなく gold だったら",
        ),
        (
            Said(rule="bills", field="message.text", value="請求"),
            "the text mentioned 請求 (rule bills)",
            "本文に「請求」があったら(ルール bills)",
        ),
        (
            Said(rule="bills", field="message.attributes", value="product"),
            "the message had the attribute product (rule bills)",
            "メッセージに属性 product があったら(ルール bills)",
        ),
        (
            Said(rule="bills", field="message.channel", value=Channel.SMS),
            "message.channel were sms",
            "message.channel が sms だったら",
        ),
        (
            Without(rule="bills"),
            "there were no rule bills",
            "ルール bills がなかったら",
        ),
    ],
)
def test_changes_are_said_in_both_languages(change: Change, english: str, japanese: str) -> None:
    assert (said(change, "en"), said(change, "ja")) == (english, japanese)


def test_two_changes_are_said_as_one_sentence(world: Worlds, ruled: Callable[..., Policy]) -> None:
    policy = ruled(
        'when: mentions("請求")', "when: ['mentions(\"請求\")', 'message.channel == \"sms\"']"
    )
    found = instead(world(policy=policy), "billing")
    assert answer_said(found.answers[0], "ja") == (
        "本文に「請求」があったら(ルール bills)、さらにmessage.channel が sms だったら"
    )
    assert outcome_said(found, "ja") is None
