"""The index finds the rules that may match; it never changes what is decided."""

from collections.abc import Callable
from typing import Any

from hypothesis import given, strategies as st

from common.core.events import Channel
from router.core.checking import SAMPLE
from router.core.conditions import Asking, Questions, Situation
from router.core.facts import Arrival, Customer
from router.core.matching import ReadyRule, book_of, matching, ready, tried
from router.core.policy import Policy
from router.core.rules import Rule
from router.core.wording import JA

Write = Callable[..., Arrival]

WORDS = ("解約", "ｶｲﾔｸ", "plan", "planet", "down", "ダウン", "請求書", "請求")
CONDITIONS = (
    *(f'mentions("{word}")' for word in WORDS),
    'mentions(["解約", "plan"])',
    'message.channel == "line"',
    '"line" == message.channel',
    'message.channel in ["sms", "email"] && mentions("請求")',
    'message.channel != "line"',
    '!(message.language in ["ja", "en"])',
    'customer.tier == "vip"',
    "customer.known",
    "!contract.in_force",
    'contract.plan == "gold" || mentions("down")',
    '"product" in message.attributes',
    '"product" in message.attributes && message.attributes["product"] == "P1"',
    'message.attributes["product"] == "P1"',
    'int(message.attributes["product"]) > 1',
    'message.text.contains("plan")',
    'message.recipients.exists(one, one == "x")',
    'message.subject.startsWith("re")',
    "true",
)
rules = st.lists(st.lists(st.sampled_from(CONDITIONS), min_size=0, max_size=3), max_size=12)
texts = st.lists(st.sampled_from((*WORDS, "カイヤク", "です。", " ", "Ｐｌａｎ", "x")), max_size=6)
attributes = st.dictionaries(
    st.sampled_from(("product", "skill.network")), st.sampled_from(("P1", "2", ""))
)


def _ready(conditions: list[list[str]]) -> list[ReadyRule]:
    made = (
        Rule(id=f"r-{number}", sentence="ルール", when=tuple(when))
        for number, when in enumerate(conditions)
    )
    return [ready(rule, JA) for rule in made]


def _one_by_one(listed: list[ReadyRule], situation: Situation) -> tuple[Any, ...]:
    asking = Asking(situation, Questions(one for rule in listed for one in rule.conditions))
    return tuple(tried(rule, asking, JA) for rule in listed)


@given(
    conditions=rules,
    text=texts,
    attached=attributes,
    channel=st.sampled_from((Channel.LINE, Channel.SMS, Channel.EMAIL)),
    tier=st.sampled_from((None, "vip")),
    plan=st.sampled_from(("gold", "default")),
)
def test_the_index_leaves_every_trial_as_asking_each_rule_would(
    written: Write,
    taro: Customer,
    conditions: list[list[str]],
    text: list[str],
    attached: dict[str, str],
    channel: Channel,
    tier: str | None,
    plan: str,
) -> None:
    situation = Situation(
        arrival=written("".join(text), channel=channel, attributes=attached),
        customer=Customer(customer=taro.customer, customer_ref=tier, tier=tier),
        plan=plan,
        contract="K-1" if plan == "gold" else None,
        language="ja",
    )
    listed = _ready(conditions)

    matched, trials = matching(book_of(listed), situation, JA)

    assert trials == _one_by_one(listed, situation)
    assert matched == [rule for rule, trial in zip(listed, trials, strict=True) if trial.matched]


@given(st.sampled_from(CONDITIONS), texts, attributes)
def test_python_answers_as_cel_does_where_it_answers_itself(
    written: Write, condition: str, text: list[str], attached: dict[str, str]
) -> None:
    rule = ready(Rule(id="r", sentence="ルール", when=condition), JA)
    arrival = written("".join(text), attributes=attached)
    asking = Asking(
        Situation(
            arrival=arrival, customer=SAMPLE.customer, plan="gold", contract="K", language="ja"
        ),
        Questions(rule.conditions),
    )
    for one in rule.conditions:
        assert one.answer(asking) == one.computed(asking)


def test_the_local_stack_s_rules_are_decided_the_same_one_by_one(
    written: Write, acme: Policy, taro: Customer
) -> None:
    for text in ("ルーターがつながりません。至急", "解約したい", "invoice", "こんにちは"):
        situation = Situation(
            arrival=written(text), customer=taro, plan="premium", contract="K-1", language="ja"
        )
        _, trials = matching(acme.book, situation, acme.say)
        assert trials == tuple(
            tried(rule, Asking(situation, acme.book.questions), acme.say) for rule in acme.rules
        )


def test_a_rule_without_a_word_it_asks_for_can_match_and_shows_the_words_that_were_there(
    written: Write, taro: Customer
) -> None:
    rule = Rule(id="r", sentence="ルール", when='mentions("解約") || mentions("請求")')
    situation = Situation(
        arrival=written("請求の件"), customer=taro, plan="gold", contract=None, language="ja"
    )
    _, (trial,) = matching(book_of([ready(rule, JA)]), situation, JA)
    assert trial.reason == "条件がすべて成り立つ(見つかった言葉: 請求)"
