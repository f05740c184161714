import pytest
from hypothesis import given, strategies as st

from ingest_email.core.addresses import Mailbox, read_address_text, read_addresses
from ingest_email.core.limits import ADDRESSES


@pytest.mark.parametrize(
    ("text", "mailboxes"),
    [
        ("taro@example.jp", [("taro@example.jp", "")]),
        ("山田 太郎 <taro@example.jp>", [("taro@example.jp", "山田 太郎")]),
        (
            '"山田, 太郎" <taro@example.jp>, b@example.jp',
            [("taro@example.jp", "山田, 太郎"), ("b@example.jp", "")],
        ),
        ("taro..y.@docomo.ne.jp", [("taro..y.@docomo.ne.jp", "")]),
        ("taro@example.jp (山田 太郎)", [("taro@example.jp", "山田 太郎")]),
        (
            "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
            [("pete@silly.test", "Pete")],
        ),
        (
            "A Group:Ed <ed@example.jp>,joe@example.jp;",
            [("ed@example.jp", "Ed"), ("joe@example.jp", "")],
        ),
        ("undisclosed-recipients:;", []),
        ("a@example.jp; b@example.jp", [("a@example.jp", ""), ("b@example.jp", "")]),
        ("Taro taro@example.jp", [("taro@example.jp", "Taro")]),
        ("<@relay.example:taro@example.jp>", [("taro@example.jp", "")]),
        ("<taro @ example . jp>", [("taro@example.jp", "")]),
        ("<taro@example.jp", [("taro@example.jp", "")]),
        ("Taro <<taro@example.jp>>", [("taro@example.jp", "Taro")]),
        ('"taro@example.jp" <other@example.jp>', [("other@example.jp", "taro@example.jp")]),
        ("=?utf-8?q?Yamada=2C_Taro?= <taro@example.jp>", [("taro@example.jp", "Yamada, Taro")]),
        ('"=?utf-8?b?5bGx55Sw?=" <taro@example.jp>', [("taro@example.jp", "山田")]),
        ("=?utf-8?q?Taro_=3Ctaro=40example.jp=3E?=", [("taro@example.jp", "Taro")]),
        ("support", [("", "support")]),
        ('<"a b"@example.jp>', [('"a b"@example.jp', "")]),
        ('Taro "a b"@example.jp', [('"a b"@example.jp', "Taro")]),
        ('"taro"@', [("", 'taro"@')]),
        ("<> ()", []),
        (",,,", []),
        ("a@b:c@d", [("a@b:c@d", "")]),
    ],
)
def test_addresses_as_people_and_programs_write_them(
    text: str, mailboxes: list[tuple[str, str]]
) -> None:
    assert [(found.address, found.name) for found in read_addresses(text.encode())] == mailboxes


def test_a_shift_jis_name_with_a_backslash_in_its_bytes_is_read_whole() -> None:
    raw = "ソフト 表 <soft@example.jp>".encode("cp932")
    assert read_addresses(raw) == (Mailbox("soft@example.jp", "ソフト 表"),)


def test_a_name_never_breaks_a_line_of_a_screen() -> None:
    (mailbox,) = read_address_text('"a\\\nb\x00\x07" <taro@example.jp>')
    assert mailbox.name == "a b␀"


def test_no_more_addresses_are_read_than_a_mail_needs() -> None:
    text = ", ".join(f"u{number}@example.jp" for number in range(ADDRESSES + 5))
    assert len(read_address_text(text)) == ADDRESSES


@pytest.mark.timeout(10)
@pytest.mark.parametrize("character", ["a", '"', "(", "<", "\\", "a@", " "])
def test_a_field_of_one_character_is_read_in_linear_time(character: str) -> None:
    read_address_text(character * 200_000)


@given(st.binary() | st.text(st.sampled_from('a@b.c<>(),:;"\\ =?')).map(lambda text: text.encode()))
def test_no_field_is_too_odd(raw: bytes) -> None:
    read_addresses(raw)
