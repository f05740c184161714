import pytest
from hypothesis import given, strategies as st

from ingest_email.core.charsets import canonical, decode

JAPANESE = "株式会社①の髙橋です。お見積り～をお願いします"


@pytest.mark.parametrize(
    "label",
    ["Shift_JIS", "x-sjis", "MS_Kanji", "windows-31j", '"shift_jis"', "cp932", "Windows-31J "],
)
def test_every_name_of_shift_jis_means_what_windows_writes(label: str) -> None:
    assert decode(JAPANESE.encode("cp932"), label) == JAPANESE


@pytest.mark.parametrize(
    ("text", "codec", "label"),
    [
        ("お世話になっております", "iso2022_jp", "ISO-2022-JP"),
        ("お世話になっております", "iso2022_jp", "cp50220"),
        ("お世話になっております", "euc_jp", "EUC-JP"),
        ("𠂉お世話になっております", "euc_jis_2004", "EUC-JP"),
        ("您好，我的订单", "gbk", "GB2312"),
        ("您好，我的訂單", "big5hkscs", "Big5"),
        ("안녕하세요 똠방각하", "cp949", "ks_c_5601-1987"),
        ("“quoted” – naïve", "cp1252", "ISO-8859-1"),
        ("こんにちは", "utf-16", "utf-16"),
        ("こんにちは", "utf-8-sig", "utf-8"),
        ("Hi +AOk-", "ascii", "us-ascii"),
    ],
)
def test_a_true_label_is_believed(text: str, codec: str, label: str) -> None:
    assert decode(text.encode(codec), label).removeprefix("\ufeff") == text


@pytest.mark.parametrize(
    "label", ["", "us-ascii", "utf-8", "unknown-8bit", "x-nonsense", "zlib", "\x00"]
)
@pytest.mark.parametrize("codec", ["utf-8", "cp932", "iso2022_jp", "euc_jp"])
def test_japanese_is_recognised_under_a_wrong_label_or_none(label: str, codec: str) -> None:
    text = "お見積りをお願いします。山田"
    assert decode(text.encode(codec), label) == text


@pytest.mark.parametrize("label", ["iso-8859-1", "windows-1251", "shift_jis", "gb2312", "euc-kr"])
def test_valid_utf_8_is_utf_8_whatever_the_label_says(label: str) -> None:
    text = "お世話になっております。Grüße"
    assert decode(text.encode(), label) == text


def test_a_word_that_could_be_utf_8_by_chance_follows_its_label() -> None:
    raw = "薄".encode("gbk") + "潟".encode("gbk")
    assert decode(raw, "gbk") == "薄潟"


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("見積書", "cp932"),
        ("見積書", "euc_jp"),
        ("会議資料（最終版）.xlsx", "cp932"),
        ("发票", "gb18030"),
        ("請問什麼時候出貨", "big5"),
        ("주문 문의드립니다", "cp949"),
        ("café", "cp1252"),
        ("Grüße aus München, schönen Tag, für später", "cp1252"),
        ("Привет, как дела? Спасибо", "cp1251"),
        ("Заказ", "cp1251"),
        ("Заказ", "koi8-r"),
        ("안녕하세요 주문", "iso2022_kr"),
        ("注文の件", "utf-16"),
    ],
)
def test_a_few_words_without_a_label_are_recognised(text: str, codec: str) -> None:
    assert decode(text.encode(codec)) == text


def test_bytes_that_no_western_charset_defines_stay_visible() -> None:
    assert decode(b"\x81 caf\xe9") == "\x81 café"
    assert "\ufffd" not in decode(bytes(range(0x80, 0x100)))


def test_a_charset_used_elsewhere_in_the_mail_decides_before_guessing() -> None:
    assert decode("Ω".encode("cp1253"), "", "windows-1253") == "Ω"
    assert decode("ô".encode(), "", "iso-8859-1") == "ô"


def test_a_mail_cut_within_a_character_is_still_in_its_charset() -> None:
    raw = "お世話になっております".encode()[:-1]
    assert decode(raw, "utf-8") == "お世話になっておりま\ufffd"


def test_half_a_unit_at_the_end_does_not_spoil_utf_16() -> None:
    assert decode("窓口".encode("utf-16-le") + b"\x00", "utf-16le") == "窓口"


def test_iso_2022_jp_with_raw_bytes_is_not_what_its_label_says() -> None:
    assert (
        decode("お世話になっております".encode("cp932"), "iso-2022-jp") == "お世話になっております"
    )


@pytest.mark.parametrize("label", ["", "shift_jis", "iso-8859-1", "utf-8", "utf-16"])
def test_a_byte_order_mark_is_believed_before_the_label(label: str) -> None:
    assert decode("注文の件".encode("utf-16"), label) == "注文の件"


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("label", ["utf-16", "", "us-ascii"])
def test_utf_16_without_a_mark_shows_its_byte_order(codec: str, label: str) -> None:
    assert decode("No. 12 の注文です。".encode(codec), label) == "No. 12 の注文です。"


@pytest.mark.parametrize("label", ["utf-16", "utf-32"])
def test_a_label_alone_makes_no_utf_16(label: str) -> None:
    assert decode("お世話になっております".encode(), label) == "お世話になっております"


def test_utf_16_that_was_cut_is_read_as_far_as_it_goes() -> None:
    assert decode("注文の件".encode("utf-16")[:-1]).startswith("注文の")


def test_one_nul_makes_no_utf_16() -> None:
    assert decode(b"a\x00b") == "a\x00b"


@pytest.mark.parametrize(
    ("text", "codec", "label"),
    [
        ("お世話になっております。見積書の件です。", "euc_jp", "shift_jis"),
        ("お世話になっております。見積書の件です。", "cp932", "euc-jp"),
        ("お世話になっております。見積書の件です。", "euc_jp", "iso-8859-1"),
        ("お世話になっております。見積書の件です。", "cp932", "iso-8859-1"),
        ("您好，我想查询一下我的订单什么时候可以发货，谢谢。", "gb18030", "shift_jis"),
        ("안녕하세요. 주문한 상품이 아직 도착하지 않아서", "iso2022_kr", "iso-2022-jp"),
        ("㈱髙橋商店①", "cp932", ""),
    ],
)
def test_another_charset_that_fits_all_of_it_wins_over_the_label(
    text: str, codec: str, label: str
) -> None:
    assert decode(text.encode(codec), label) == text


def test_a_cut_mail_in_shift_jis_is_not_taken_for_another_charset() -> None:
    raw = "お世話になっております。お見積りの件で".encode("cp932")[:-1]
    assert decode(raw, "shift_jis").startswith("お世話になっております。お見積りの件")


@pytest.mark.parametrize(
    "label",
    ["base64", "undefined", "idna", "punycode", "unicode_escape", "raw_unicode_escape"],
)
def test_a_label_that_python_knows_for_something_else_says_nothing(label: str) -> None:
    assert canonical(label) == ""
    assert decode("見積書".encode("cp932"), label) == "見積書"


def test_a_label_of_letters_that_no_charset_has_says_nothing() -> None:
    assert canonical("ｓｊｉｓ\x00") == ""


@given(st.binary(), st.text(), st.text())
def test_no_bytes_and_no_label_are_too_odd(raw: bytes, label: str, hint: str) -> None:
    decode(raw, label, hint)


@given(st.text(), st.sampled_from(["utf-8", "utf-16", "utf-7", "gb18030"]))
def test_what_was_encoded_comes_back(text: str, codec: str) -> None:
    if not text.startswith("\ufeff") and "\x1b" not in text:
        assert decode(text.encode(codec, "ignore"), codec) == text.encode(codec, "ignore").decode(
            codec
        )
