"""What a usable rules file says that its author hardly means is told, and nothing else."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from router.core.checking import SAMPLE, Complaint
from router.core.conditions import Asking, Condition, Questions
from router.core.forms import contradict, forms_of, implied, same_word
from router.core.linting import Person, sample_warnings, staff_warnings, warnings
from router.core.loading import load
from router.core.rules import Rules
from router.core.text import contains_word, folded

LOCAL = Path(__file__).parents[3] / "deploy" / "local" / "rules.yaml"
USED: tuple[
    dict[str, Any], ...
] = (  # every queue and skill is named by some rule, so that nothing else is worth a word
    {
        "id": "used-1",
        "when": 'message.kind == "help"',
        "queue": "technical",
        "skills": {"japanese": 1},
    },
    {"id": "used-2", "when": 'message.kind == "postback"', "queue": "billing"},
)

WithRules = Callable[..., Rules]


@pytest.fixture
def with_rules(rules_text: str) -> WithRules:
    """The small company's file with these rules, after those that use everything."""

    def build(*rules: dict[str, Any], old: str = "", new: str = "") -> Rules:
        text = rules_text.replace(old, new, 1)
        written = [
            json.dumps({"sentence": "文", **rule}, ensure_ascii=False) for rule in (*USED, *rules)
        ]
        lines = "\n".join(f"  - {rule}" for rule in written)
        return load((text[: text.index("rules:\n")] + "rules:\n" + lines).encode()).rules

    return build


def rule(name: str, *when: str, queue: str | None = None) -> dict[str, Any]:
    return {"id": name, "when": list(when), **({"queue": queue} if queue else {})}


def told(complaints: Any) -> list[str]:
    return [complaint.reason for complaint in complaints]


def test_the_local_stacks_rules_give_no_cause(rules_text: str, with_rules: WithRules) -> None:
    assert told(warnings(load(LOCAL.read_bytes()).rules)) == []
    assert told(warnings(load(rules_text.encode()).rules)) == []
    assert told(warnings(with_rules())) == []


@pytest.mark.parametrize(
    ("when", "warning"),
    [
        (['mentions("請求")', 'mentions("請求")'], "the rule odd asks for the same twice"),
        (
            ['message.channel == "x"', 'message.channel in ["sms", "line"]'],
            "two conditions of the rule odd never hold together",
        ),
        (
            ['message.channel != "x" && message.channel == "x"'],
            "two conditions of the rule odd never hold together",
        ),
        (
            ["contract.in_force", "!contract.in_force"],
            "two conditions of the rule odd never hold together",
        ),
        (["true"], "a condition of the rule odd always holds"),
        (["false"], "the rule odd never matches"),
        (['mentions(["広告", "広告費"])'], "the rule odd finds 広告費 already by 広告"),
        (['mentions(["解約", "解約"])'], "the rule odd names 解約 2 times"),
        (['mentions(["plan b", "plan"])'], "the rule odd finds plan b already by plan"),
        (
            ['customer.tier in ["vip", "premium"]'],
            "the rule odd waits for the tier premium, which the file does not have",
        ),
        (
            ['contract.plan == "platinum"'],
            "the rule odd waits for the plan platinum, which the file does not have",
        ),
    ],
)
def test_a_condition_that_says_too_much_or_nothing_is_told(
    with_rules: WithRules, when: list[str], warning: str
) -> None:
    found = list(warnings(with_rules({"id": "odd", "when": when})))
    assert found == [Complaint(("rules", 2, "when"), warning)]


@pytest.mark.parametrize(
    "when",
    [
        ['mentions(["plan", "plant"])'],
        ['mentions(["広告plan", "plan"])'],  # 広告plant has the first only
        ['customer.tier != "premium"'],
        ['customer.tier == ""'],
        ['message.channel == "x"', 'message.channel in ["x", "line"]'],
        ['mentions("請求") || true'],
        ['mentions("請求") ? true : false'],
        ['"product" in message.attributes', 'message.attributes["product"] == "ルーター"'],
        ['message.subject == "a && b"'],
    ],
)
def test_an_ordinary_condition_gives_no_cause(with_rules: WithRules, when: list[str]) -> None:
    assert told(warnings(with_rules({"id": "plain", "when": when}))) == []


@pytest.mark.parametrize(
    ("above", "below"),
    [
        (['mentions(["解約", "退会"])'], ['mentions("解約")']),
        (['mentions("解約")'], ['mentions("解約届")', 'message.channel == "line"']),
        (['message.channel in ["x", "line"]'], ['message.channel == "x" && contract.in_force']),
        (['message.channel != "x"'], ['message.channel in ["sms", "line"]']),
        (['message.channel != "x"'], ['!(message.channel in ["x", "sms"])']),
        (["true"], ['mentions("解約")']),
        (["message.text.size() > 3"], ["message.text.size()>3", "customer.known"]),
        (["customer.known"], ['mentions("解約")', "customer.known"]),
    ],
)
def test_a_rule_that_another_beats_whenever_it_matches_is_told(
    with_rules: WithRules, above: list[str], below: list[str]
) -> None:
    rules = with_rules(
        rule("first", *above, queue="billing"), rule("second", *below, queue="general")
    )
    [found] = [one for one in warnings(rules) if "above matches" in one.reason]
    assert found.location == ("rules", 3)
    assert found.reason == (
        "the rule first above matches whenever second does, and billing takes cases at any time: "
        "general comes only when nobody there qualifies"
    )


def test_a_beaten_rule_is_told_what_is_left_to_it(with_rules: WithRules) -> None:
    broad, narrow = 'mentions("障害")', 'mentions("全国障害")'
    rules = with_rules(rule("a", broad, queue="technical"), rule("b", narrow, queue="general"))
    assert told(warnings(rules)) == [
        "the rule a above matches whenever b does: general comes only when technical cannot take the case"
    ]
    same = with_rules(rule("a", broad, queue="technical"), rule("b", narrow, queue="technical"))
    assert told(warnings(same)) == [
        "the rule a above matches whenever b does and names the same queue technical"
    ]


def test_rules_without_a_queue_beat_nobody_and_cannot_be_beaten(with_rules: WithRules) -> None:
    broad, narrow = 'mentions("障害")', 'mentions("全国障害")'
    assert told(warnings(with_rules(rule("a", broad), rule("b", narrow, queue="general")))) == []
    assert told(warnings(with_rules(rule("a", broad, queue="general"), rule("b", narrow)))) == []


@pytest.mark.parametrize(
    ("old", "new", "at", "warning"),
    [
        (
            "overflow: [nightshift]",
            "overflow: [nightshift, nightshift]",
            ("queues", "technical", "overflow"),
            "technical overflows 2 times alike: nightshift",
        ),
        (
            "calendar: night}",
            "calendar: office}",
            ("queues", "technical", "overflow"),
            "nightshift is never open while technical is closed",
        ),
        (
            "skills: {network: 2}, overflow: [nightshift]}",
            "skills: {network: 2}}",
            ("queues", "nightshift"),
            "no rule leads to the queue nightshift",
        ),
        (
            "billing: knows bills",
            "billing: knows bills, english: speaks it",
            ("skills", "english"),
            "neither rule nor queue asks for the skill english",
        ),
        (
            "calendars:\n",
            "calendars:\n  spare: {zone: Asia/Tokyo, always: true}\n",
            ("calendars", "spare"),
            "nothing keeps the calendar spare",
        ),
        (
            "tiers:\n",
            "tiers:\n  plain: {sentence: all others, priority: 0}\n",
            ("tiers", "plain"),
            "the tier plain changes nothing",
        ),
        (
            "calendar: office, skills: {network: 2}, overflow: [nightshift]}",
            "calendar: always, skills: {network: 2}, overflow: [nightshift]}",
            ("queues", "technical", "overflow"),
            "nightshift is never open while technical is closed",
        ),
    ],
)
def test_what_nothing_uses_or_helps_is_told(
    with_rules: WithRules, old: str, new: str, at: Sequence[str], warning: str
) -> None:
    found = [one for one in warnings(with_rules(old=old, new=new)) if one.location == at]
    assert told(found) == [warning]


@pytest.mark.parametrize(
    "overflow",
    [
        "[general]",  # waits while it is closed
        "[{to: nightshift, after: 10m}]",
        "[{to: nightshift, when: [unstaffed]}]",
    ],
)
def test_a_way_out_that_helps_otherwise_gives_no_cause(
    with_rules: WithRules, overflow: str
) -> None:
    rules = with_rules(
        rule("night", 'mentions("夜")', queue="nightshift"),
        old="overflow: [nightshift]}\n  nightshift: {sentence: at night, calendar: night}",
        new=f"overflow: {overflow}}}\n  nightshift: {{sentence: at night, calendar: office}}",
    )
    assert [one for one in told(warnings(rules)) if "never open" in one] == []


def test_queues_that_hand_a_case_round_for_ever_are_told_once(with_rules: WithRules) -> None:
    rules = with_rules(
        old="overflow: [nightshift]}\n  nightshift: {sentence: at night, calendar: night}",
        new="overflow: [{to: nightshift, after: 10m}, general]}\n"
        "  nightshift: {sentence: at night, calendar: night, overflow: [billing], max_age: 1h}",
    )
    assert [one for one in told(warnings(rules)) if "round" in one] == []
    circle = with_rules(
        old="overflow: [nightshift]}\n  nightshift: {sentence: at night, calendar: night}",
        new="overflow: [{to: nightshift, after: 10m}]}\n"
        "  nightshift: {sentence: at night, calendar: night, overflow: [technical], max_age: 1h}",
    )
    assert [one for one in warnings(circle) if "round" in one.reason] == [
        Complaint(
            ("queues", "nightshift", "overflow"),
            "cases may go round: nightshift → technical → nightshift",
        )
    ]


def test_a_level_that_the_queue_asks_for_anyway_is_told(with_rules: WithRules) -> None:
    asked = {"id": "vain", "when": 'mentions("請求")', "queue": "billing", "skills": {"billing": 1}}
    [found] = list(warnings(with_rules(asked)))
    assert found == Complaint(
        ("rules", 2, "skills", "billing"),
        "the rule vain asks for billing 1, and billing for 1 anyway",
    )
    more = {**asked, "skills": {"billing": 2}}
    overflowing = {**asked, "queue": "technical", "skills": {"network": 2}}
    assert (
        told(warnings(with_rules(more, {**overflowing, "id": "other", "when": "customer.known"})))
        == []
    )


def test_what_the_companys_people_cannot_do_is_told(with_rules: WithRules) -> None:
    rules = with_rules({"id": "hard", "when": 'mentions("難問")', "skills": {"network": 5}})
    people = [
        Person({"network": 3}, ("technical",)),
        Person({"japanese": 5}, ("billing", "nightshift")),
    ]
    assert told(staff_warnings(rules, people)) == [
        "nobody has the skill billing",
        "nobody works in the queue general",
        "nobody who works in billing has billing 1 together",
        "the rule hard asks for network 5; the best has 3",
    ]


def test_a_rule_that_no_message_of_a_sample_matches_is_told(with_rules: WithRules) -> None:
    assert list(
        sample_warnings(with_rules(rule("rare", 'mentions("珍しい")')), {"used-1", "used-2"})
    ) == [Complaint(("rules", 2), "no message of the sample matches the rule rare")]


WORDS = st.sampled_from(("解約", "解約届", "plan", "plan b", "ＰＬＡＮ", "広告plan", "plant", "b"))
CONDITIONS = st.sampled_from(
    (
        'mentions("請求")',
        'mentions(["請求", "領収書"])',
        'mentions("請求書")',
        'message.channel == "email"',
        '"email" == message.channel',
        'message.channel in ["email", "x"]',
        'message.channel != "email"',
        '!(message.channel in ["x"])',
        "customer.known",
        "!customer.known",
        "true",
        "false",
        '"product" in message.attributes',
        'message.subject == "お問い合わせ" && message.language == "ja"',
        'message.subject == "" || message.language == "ja"',
    )
)


@given(shorter=WORDS, longer=WORDS, before=st.sampled_from("a 、"), after=st.sampled_from("s 、"))
def test_a_text_with_the_longer_word_has_the_shorter(
    shorter: str, longer: str, before: str, after: str
) -> None:
    text = folded(before + longer + after)
    if same_word(shorter, longer) and contains_word(text, folded(longer)):
        assert contains_word(text, folded(shorter))


@given(one=CONDITIONS, other=CONDITIONS)
def test_what_is_concluded_from_shapes_is_what_is_answered(one: str, other: str) -> None:
    def holds(source: str) -> bool:
        condition = Condition(source)
        return condition.answer(Asking(SAMPLE, Questions([condition]))).holds

    forms = forms_of([one])
    if all(implied(form, forms) for form in forms_of([other])) and holds(one):
        assert holds(other)
    if any(contradict(first, second) for first in forms for second in forms_of([other])):
        assert not (holds(one) and holds(other))
