import pytest
from hypothesis import given, strategies as st

from ingest_email.core.japanese import decode_iso_2022_jp

JIS_CHARACTERS = "".join(
    bytes((row | 0x80, cell | 0x80)).decode("euc_jp", "ignore")
    for row in range(0x21, 0x7F)
    for cell in range(0x21, 0x7F)
)


@given(st.text(st.sampled_from("abc\\~\r\n \t" + JIS_CHARACTERS)))
def test_what_is_strictly_valid_reads_as_the_strict_codec_reads_it(text: str) -> None:
    raw = text.encode("iso2022_jp", "ignore")
    assert decode_iso_2022_jp(raw) == raw.decode("iso2022_jp")


@given(
    st.binary()
    | st.lists(st.sampled_from([b"\x1b$B", b"\x1b(B", b"$", b"!", b"\n", b"\x8e"])).map(b"".join)
)
def test_no_bytes_are_too_odd(raw: bytes) -> None:
    decode_iso_2022_jp(raw)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"\x1b$B-!-j|b66\x1b(B", "①㈱髙橋"),
        (b"\x1b$@F|K\\\x1b(J", "日本"),
        (b"\x1b(I6@6E\x1b(B ok", "ｶﾀｶﾅ ok"),
        (b"\x0e6@6E\x0f ok \x1b$B-!", "ｶﾀｶﾅ ok ①"),
        (b'\x1b$B-!$"\r\nABC', "①あ\r\nABC"),
        (b"\x1b&@\x1b$B-!\x1b(B", "①"),
        (b"\x1b$B-!\x1b$(D0!\x1b(B", "①丂"),
        (b"\x1b$B-!\x1b$(O.!\x1b$(P!!\x1b(B", "①俱𠂉"),
        (b"\x1b$B-!\x1b(Ja\\b~\x1b(B", "①a¥b‾"),
        (b'\x1b$B-! $"\x1b(B', "① あ"),
        (b"\x1b$B-!$\x1b(B", "①$"),
        (b"\x1b$B-!\x7e\x7e\x1b(B", "①\ufffd"),
        (b"\x1b$B-!\x1b(B\xb6\xc5", "①ｶﾅ"),
    ],
    ids=[
        "vendor characters",
        "the set of 1978",
        "half-width kana",
        "kana by shift-out, and no return to ASCII",
        "a line end returns to ASCII",
        "the announcement of 1990",
        "JIS X 0212",
        "JIS X 0213",
        "JIS-Roman",
        "a blank among pairs",
        "half a pair",
        "a pair that no table knows",
        "eight-bit kana",
    ],
)
def test_what_strict_codecs_refuse_is_read_all_the_same(raw: bytes, text: str) -> None:
    assert decode_iso_2022_jp(raw) == text
