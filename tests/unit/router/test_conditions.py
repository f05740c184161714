"""Conditions are CEL: compiled once, asked without crashing, and refused while they are written."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from common.core.events import Attachment, AttachmentState, Authenticity, Channel, Party
from router.core.conditions import (
    FIELDS,
    Answer,
    Asking,
    Condition,
    Questions,
    Situation,
    shortened,
)
from router.core.facts import Arrival, Customer

Written = Callable[..., Arrival]


@pytest.fixture
def asked(written: Written, taro: Customer) -> Callable[..., Answer]:
    """Ask a condition about a message."""

    def ask(source: str, *, plan: str = "default", contract: str | None = None, **said: Any) -> Any:
        customer = said.pop("customer", taro)
        situation = Situation(
            arrival=written(**said), customer=customer, plan=plan, contract=contract, language="ja"
        )
        condition = Condition(source)
        return condition.answer(Asking(situation, Questions([condition])))

    return ask


@pytest.mark.parametrize(
    "source",
    [
        'message.text.contains("解約")',
        'message.channel == "line" && message.kind == "message"',
        'message.provider + "/" + message.account == "line/main"',
        "message.recipients.size() == 1 && size(message.attachments) == 1",
        'message.attachments.exists(type, type.startsWith("image/"))',
        'message.attributes["product"] == "router"',
        '"product" in message.attributes',
        'message.sender.startsWith("line:") && message.sender_name == "山田 太郎"',
        'message.team == "" && message.subject == "件名" && message.language == "ja"',
        'message.spf == "pass" && message.dkim == "" && message.dmarc == ""',
        'message.signature == ""',
        'customer.tier == "vip" && customer.known && customer.reference == "crm-1"',
        'customer.account == "" && customer.language == ""',
        'contract.plan == "gold" && contract.in_force && contract.id == "K-1"',
        'mentions("ｶｲﾔｸ") && mentions(["どれも", "無い", "解約"])',
        'message.text.matches("解約|退会")',
        "true || message.attributes.none == 1",
    ],
)
def test_a_condition_can_ask_for_every_field(asked: Callable[..., Answer], source: str) -> None:
    answer = asked(
        source,
        text="カイヤク(解約)したい",
        plan="gold",
        contract="K-1",
        subject="件名",
        recipients=(Party("line:main"),),
        attachments=(
            Attachment(name="a.png", media_type="image/png", state=AttachmentState.STORED),
        ),
        attributes={"product": "router"},
        authenticity=Authenticity(spf="pass"),
        customer=Customer(customer=UUID(int=7), customer_ref="crm-1", tier="vip"),
    )
    assert answer == Answer(holds=True)


def test_every_field_there_is_has_been_asked_for_above() -> None:
    asked_for = {
        pair
        for mark in test_a_condition_can_ask_for_every_field.pytestmark
        for source in mark.args[1]
        for pair in Condition(source).fields.values()
    }
    assert asked_for == {(name, field) for name, fields in FIELDS.items() for field in fields}


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ('message.attributes["none"] == "1"', "no 'none'"),
        ('message.text + 1 == "x"', "Unsupported operation: string + int"),
        ("1 / message.attachments.size() == 1", "division by zero"),
        ("int(message.text) > 3", "Function 'int' error"),
        ("message.recipients[3] == ''", "index out of bounds: 3"),
        ("message.text.contains(3)", "Undefined variable or function: 'contains'"),
        ('message.text.matches("(")', "Function 'matches' error: '(' not a valid regex"),
        ("message.text", "'こんにちは' is neither true nor false"),
    ],
)
def test_what_a_condition_cannot_answer_is_no_truth_and_says_why(
    asked: Callable[..., Answer], source: str, error: str
) -> None:
    answer = asked(source)
    assert not answer.holds
    assert answer.error is not None
    assert answer.error.startswith(error)


@pytest.mark.parametrize(
    ("source", "hopeless"),
    [
        ('message.attributes["none"] == "1"', False),
        ("int(message.text) > 3", False),
        ('message.text + 1 == "x"', True),
        ("message.text.contains(3)", True),
        ('message.text.matches("(")', True),
        ("message.text", True),
    ],
)
def test_an_error_that_another_message_may_mend_is_told_from_one_that_none_can(
    asked: Callable[..., Answer], source: str, *, hopeless: bool
) -> None:
    assert asked(source).hopeless is hopeless


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("message.text ==", "Failed to parse"),
        ('message.chanel == "line"', "message has no field chanel: there are kind, channel"),
        ("message == message", "name a field of message"),
        ('sender == "x"', "nothing is called sender"),
        ("mention(['x'])", "nothing is called mention"),
        ("mentions(message.text)", "mentions takes a word or a list of words, written out"),
        ('message.text.mentions("x")', "mentions takes a word"),
        ('mentions(["解約", " "])', "an empty word is in every message"),
        ('message.recipients.exists(who, whom == "x")', "nothing is called whom"),
        ("timestamp('2026-01-01T00:00:00Z') > timestamp('x')", "nothing is called timestamp"),
    ],
)
def test_a_condition_that_names_what_there_is_not_is_refused(source: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Condition(source)


def test_a_name_inside_a_text_is_no_name() -> None:
    condition = Condition("""message.text == "message.nothing" || 'customer.x' == message.text""")
    assert set(condition.fields.values()) == {("message", "text")}


def test_what_a_message_lacks_is_an_empty_text(asked: Callable[..., Answer]) -> None:
    assert asked('message.subject == "" && message.text == ""', text=None).holds


def test_a_message_is_read_no_further_than_a_person_would(asked: Callable[..., Answer]) -> None:
    assert not asked('mentions("解約")', text="あ" * 20_000 + "解約").holds
    assert asked('mentions("解約")', text="あ" * 19_000 + "解約").holds


def test_the_quoted_part_of_a_mail_is_not_what_the_customer_says(
    asked: Callable[..., Answer],
) -> None:
    said = {"channel": Channel.EMAIL, "text": "了解です。\n> 解約の件", "text_reply": "了解です。"}
    assert not asked('mentions("解約")', **said).holds


def test_a_long_list_is_quoted_by_its_beginning() -> None:
    source = 'mentions(["障害", "停止", "ダウン", "out]age", "down"]) && message.channel in ["x", "line"]'
    quoted = 'mentions(["障害", "停止", "ダウン", +2]) && message.channel in ["x", "line"]'
    assert shortened(source) == quoted
    assert shortened(quoted) == quoted
