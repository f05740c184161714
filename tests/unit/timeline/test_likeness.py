"""Two records of one person resemble each other, however a Japanese name is written; two people's do not."""

import pytest
from tests.unit.timeline.telling import HANAKO_LINE, HANAKO_MAIL, HANAKO_TEL, START

from common.core.events import Account, CustomerChanged
from timeline.core.guards import mailbox_of
from timeline.core.likeness import ALIKE, folded_company, folded_name, keys_of, likeness

AOZORA = Account("A-77", "株式会社あおぞら")


def told(
    name: str | None, *contacts: str, account: Account | None = None, ref: str = "crm-1"
) -> CustomerChanged:
    return CustomerChanged(
        customer_ref=ref, contacts=contacts, changed_at=START, name=name, account=account
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("鈴木 花子", "鈴木　花子"),
        ("ｽｽﾞｷ ﾊﾅｺ", "すずき はなこ"),
        ("スズキ・ハナコ", "ｽｽﾞｷ　ﾊﾅｺ様"),
        ("髙橋 一郎", "高橋 一郎 様"),
        ("渡邉 﨑子", "渡辺 崎子"),
        ("Ｓｕｚｕｋｉ Hanako", "suzuki  HANAKO"),
    ],
)
def test_a_name_is_one_however_it_is_written(one: str, other: str) -> None:
    assert folded_name(one) == folded_name(other)


@pytest.mark.parametrize(
    "name", ["株式会社あおぞら", "㈱あおぞら", "（株）アオゾラ", "あおぞら 株式会社", "ｱｵｿﾞﾗ(株)"]
)
def test_a_company_is_one_with_and_without_its_legal_form(name: str) -> None:
    assert folded_company(name) == "アオゾラ"
    assert folded_company("Aozora Co., Ltd.") == folded_company("AOZORA Inc.") == "aozora"


def test_a_name_alone_is_no_sign_and_with_something_else_it_is() -> None:
    hanako = told("鈴木 花子", HANAKO_TEL, HANAKO_MAIL, account=AOZORA)
    assert likeness(hanako, told("鈴木花子", HANAKO_LINE)).score < ALIKE
    wrong_digit = likeness(hanako, told("鈴木花子", "tel:+819012345679"))
    assert wrong_digit.score >= ALIKE
    assert wrong_digit.telephone is not None
    assert wrong_digit.telephone > 0.9
    other_domain = likeness(hanako, told("鈴木　花子", "email:hanako.suzuki@mail.example.jp"))
    assert (other_domain.mail, other_domain.score) == (1.0, 1.0)
    colleague = likeness(hanako, told("すずき 花子", account=Account("B-1", "㈱あおぞら")))
    assert colleague.company == 1.0


def test_somebody_else_with_the_same_telephone_is_somebody_else() -> None:
    hanako = told("鈴木 花子", HANAKO_TEL)
    assert likeness(hanako, told("佐藤 次郎", HANAKO_TEL)).score == 0.0
    assert likeness(hanako, told(None, HANAKO_TEL)).name is None
    assert likeness(hanako, told(None, HANAKO_TEL)).score == 0.0


def test_the_words_of_a_name_may_come_in_any_order() -> None:
    assert (
        likeness(told("Suzuki Hanako", HANAKO_TEL), told("Hanako SUZUKI", HANAKO_TEL)).name == 1.0
    )


def test_profiles_that_may_be_alike_have_a_key_in_common_and_no_profile_has_many() -> None:
    hanako = keys_of(told("鈴木 花子", HANAKO_TEL, HANAKO_MAIL, account=AOZORA))
    assert hanako & keys_of(told("鈴木花子"))
    assert hanako & keys_of(told("鈴木 はな子", account=Account("B-1", "㈱あおぞら")))
    assert hanako & keys_of(told("鈴木 はな子", "tel:+818012345678"))
    assert hanako & keys_of(told(None, "email:hanako.suzuki@mail.example.jp"))
    assert hanako & keys_of(told(None, HANAKO_TEL))
    assert not keys_of(told(None, HANAKO_LINE, "email:abc@example.jp", account=Account("A-1")))
    many = [f"email:number{number}@example.jp" for number in range(40)]
    assert len(keys_of(told("鈴木 花子", *many))) <= 12


def test_the_mailbox_of_a_contact_is_that_of_any_domain() -> None:
    assert mailbox_of("email:info@example.jp") == "email:info@"
    assert mailbox_of(HANAKO_TEL) == HANAKO_TEL
