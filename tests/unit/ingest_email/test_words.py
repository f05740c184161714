import base64

import pytest
from hypothesis import given, strategies as st

from ingest_email.core.words import decode_header, decode_words


def word(text: str, charset: str, codec: str | None = None) -> bytes:
    encoded = base64.b64encode(text.encode(codec or charset)).decode()
    return f"=?{charset}?B?{encoded}?=".encode()


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (word("お問い合わせ", "ISO-2022-JP"), "お問い合わせ"),
        (word("①髙橋～", "Shift_JIS", "cp932"), "①髙橋～"),
        (b"=?utf-8?Q?=E5=95=8F_=E3=81=84?= later", "問 い later"),
        (b"Re: =?utf-8?q?caf=C3=A9?=", "Re: café"),
        (b"=?utf-8*ja?q?a?= =?UTF-8?q?b?=\r\n =?utf-8?q?c?=", "abc"),
        (b"=?iso-8859-1?q?a?= x =?iso-8859-1?q?b?=", "a x b"),
        (b"=?utf-8?Q?what? now?=", "what? now"),
        (b"=?utf-8?Q?two words?=", "two words"),
        (b"=?utf-8?B?44GC", "=?utf-8?B?44GC"),
        (b"=?utf-8?q?broken =?utf-8?q?whole?=", "=?utf-8?q?broken whole"),
        (b"=?nonsense?q?a=E9?=", "aé"),
        (b" =?utf-8?q?a?=", " a"),
        (b"a =?x", "a =?x"),
    ],
)
def test_encoded_words_as_they_occur(raw: bytes, text: str) -> None:
    assert decode_header(raw) == text


@pytest.mark.parametrize("charset", ["utf-8", "iso-2022-jp", "euc-jp", "shift_jis"])
def test_a_character_split_between_two_words_is_one_character(charset: str) -> None:
    raw = "窓口担当".encode(charset)
    words = [
        f"=?{charset}?b?{base64.b64encode(raw[i : i + 3]).decode()}?="
        for i in range(0, len(raw), 3)
    ]
    assert decode_words(" ".join(words)) == "窓口担当"


@pytest.mark.parametrize("codec", ["utf-8", "cp932", "iso2022_jp", "euc_jp"])
def test_raw_bytes_in_a_header_are_recognised(codec: str) -> None:
    assert decode_header("ご注文の確認".encode(codec)) == "ご注文の確認"


def test_the_charset_of_the_text_decides_what_raw_bytes_mean() -> None:
    assert decode_header("Ωμέγα".encode("cp1253"), "windows-1253") == "Ωμέγα"


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"])))
def test_a_word_says_what_was_put_into_it(text: str) -> None:
    encoded = base64.b64encode(text.encode()).decode()
    decoded = decode_words(f"=?utf-8?b?{encoded}?=")
    assert decoded == text.removeprefix("\ufeff") or "\ufeff" in text


@given(st.text(st.sampled_from("=?utf-8qbB_ \n*あ")) | st.text())
def test_no_header_is_too_odd(text: str) -> None:
    decode_words(text)
