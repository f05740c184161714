"""Equal addresses become equal contacts; different people stay apart."""

import pytest
from hypothesis import given, strategies as st

from common.core.contacts import (
    ContactKind,
    InvalidContactError,
    email_contact,
    kind_of,
    normalised,
    phone_contact,
    scoped_contact,
)


@pytest.mark.parametrize(
    ("written", "contact"),
    [
        ("Taro@Example.JP", "email:taro@example.jp"),
        ("<taro@example.jp>", "email:taro@example.jp"),
        ("ｔａｒｏ＠ｅｘａｍｐｌｅ．ｊｐ", "email:taro@example.jp"),
        ("taro..y.@docomo.ne.jp", "email:taro..y.@docomo.ne.jp"),
        ("窓口@日本語.jp", "email:窓口@xn--wgv71a119e.jp"),
        ("taro@example.jp.", "email:taro@example.jp"),
        ("taro@example.jp。", "email:taro@example.jp"),
        ('"a@b"@example.jp', 'email:"a@b"@example.jp'),
        ("taro@bad_domain", "email:taro@bad_domain"),
        ("taro@exa\u200bmple.jp", "email:taro@example.jp"),
    ],
)
def test_a_mail_address_has_one_form_however_it_is_written(written: str, contact: str) -> None:
    assert email_contact(written) == contact


@pytest.mark.parametrize("written", ["", "taro", "@example.jp", "taro@", "a@b c", "a@" + "b" * 400])
def test_what_is_no_mail_address_is_refused(written: str) -> None:
    with pytest.raises(InvalidContactError):
        email_contact(written)


@pytest.mark.parametrize(
    ("written", "region", "contact"),
    [
        ("090-1234-5678", "JP", "tel:+819012345678"),
        ("０９０ー１２３４ー５６７８", "JP", "tel:+819012345678"),
        ("+81 90 1234 5678", "US", "tel:+819012345678"),
        ("0081 90-1234-5678", "JP", "tel:+819012345678"),
        ("819012345678", "JP", "tel:+819012345678"),
        ("whatsapp:+819012345678", "JP", "tel:+819012345678"),
        ("(03) 1234-5678", "JP", "tel:+81312345678"),
        ("+1 415 867 5309", "JP", "tel:+14158675309"),
        ("12345", "JP", "short:JP:12345"),
        ("１２３４５", "jp", "short:JP:12345"),
        ("12345", "US", "short:US:12345"),
        ("MyBrand", "JP", "sender:mybrand"),
        ("0000000", "JP", "sender:0000000"),
        ("+99912345678", "JP", "sender:+99912345678"),
        ("1234567890123456", "JP", "sender:1234567890123456"),
        ("+8190123", "JP", "sender:+8190123"),
    ],
)
def test_a_number_has_one_form_and_what_is_none_is_told_apart(
    written: str, region: str, contact: str
) -> None:
    assert phone_contact(written, region) == contact


def test_an_empty_number_is_refused() -> None:
    with pytest.raises(InvalidContactError):
        phone_contact("whatsapp:", "JP")


def test_a_platform_id_is_opaque_and_scoped() -> None:
    assert scoped_contact(ContactKind.LINE, "main", "U0aB") == "line:main:U0aB"
    with pytest.raises(InvalidContactError):
        scoped_contact(ContactKind.LINE, "main", "")


@pytest.mark.parametrize("text", ["", "email", "email:", "fax:1", ":x"])
def test_what_is_no_contact_is_refused(text: str) -> None:
    with pytest.raises(InvalidContactError):
        kind_of(text)


def test_contacts_written_by_others_are_normalised() -> None:
    assert normalised("email:Taro@Example.jp") == "email:taro@example.jp"
    assert normalised("tel:090-1234-5678") == "tel:+819012345678"
    assert normalised("line:main:Uabc") == "line:main:Uabc"


@given(st.from_regex(r"[a-z0-9._-]{1,20}@[a-z0-9]{1,20}\.(jp|com)", fullmatch=True))
def test_normalising_twice_is_normalising_once(address: str) -> None:
    once = email_contact(address)
    assert normalised(once) == once


@given(st.text(max_size=60), st.sampled_from(["JP", "US", "DE"]))
def test_any_text_as_number_gives_a_stable_contact_or_a_refusal(text: str, region: str) -> None:
    try:
        contact = phone_contact(text, region)
    except InvalidContactError:
        return
    assert kind_of(contact) in {ContactKind.TEL, ContactKind.SHORT_CODE, ContactKind.SENDER_NAME}
    assert "\x00" not in contact


@given(st.integers(min_value=10_000_000, max_value=99_999_999))
def test_a_japanese_mobile_number_is_one_contact_in_every_spelling(rest: int) -> None:
    spellings = [
        f"090{rest}",
        f"+8190{rest}",
        f"008190{rest}",
        f"090-{str(rest)[:4]}-{str(rest)[4:]}",
    ]
    assert len({phone_contact(spelling, "JP") for spelling in spellings}) == 1


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("tel", "tel: +81 90"),
        ("tel", "00840080203085 7"),  # zeros that Vietnam's numbers do not have
        ("tel", "+5509042925469"),  # a prefix behind a prefix
        ("tel", "+390612345678"),
        ("tel", "069600842030857"),  # with 81 before it longer than any number
        ("tel", "e\u200b\u0301"),  # apart only by a character that nobody sees
        ("tel", "\u01f0"),  # a letter that its small form takes apart
        ("email", "\u01f0@example.jp"),
    ],
)
def test_a_contact_written_again_is_the_same_contact(kind: str, written: str) -> None:
    contact = normalised(f"{kind}:{written}")
    assert normalised(contact) == contact
