"""What markup tells about quotes: it becomes the signs that quotes have in text."""

import pytest
from hypothesis import given, strategies as st

from ingest_email.core.html_text import html_to_text
from ingest_email.core.quotes import reply_text

ATTRIBUTION = "2026年1月15日(木) 9:30 サポート &lt;support@acme.example&gt;:"
INTRODUCED = "はい\n\n2026年1月15日(木) 9:30 サポート <support@acme.example>:\n\n"
UNKNOWN = "Da Support tamen scripsit:"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("はい<blockquote type=cite>a<br>b</blockquote>", "はい\n> a\n> b"),
        (
            "はい<blockquote type=cite>a<blockquote>b</blockquote></blockquote>c",
            "はい\n> a\n> b\nc",
        ),
        (
            "はい<blockquote type=cite>a<blockquote type=cite>b</blockquote></blockquote>c",
            "はい\n> a\n>> b\nc",
        ),
        (
            f"はい<blockquote type=cite>{ATTRIBUTION}<br><br>a</blockquote>",
            "はい\n2026年1月15日(木) 9:30 サポート <support@acme.example>:\n\n> a",
        ),
        (f"はい<div class=gmail_attr>{UNKNOWN}</div>", f"はい\n> {UNKNOWN}"),
        (f"はい<div class=moz-cite-prefix>{ATTRIBUTION}</div>a", None),
        (f"はい<div class=gmail_quote>{UNKNOWN}<div>a</div></div>", f"はい\n> {UNKNOWN}\n> a"),
        (
            "<div class=gmail_quote><blockquote class=gmail_quote>a</blockquote>はい</div>",
            "> a\nはい",
        ),
        ("はい<div class=x_yahoo_quoted><p>a<p>b</div>", "はい\n\n> a\n>\n> b"),
        ("はい<div id=divRplyFwdMsg>Ab X:<p>a</div><p>b", "はい\n> Ab X:\n>\n> a\n>\n>\n> b"),
        ("<div id=appendonsend></div>はい", "はい"),
        ("<div id=divRplyFwdMsg>From: a<br>To: b<br>Subject: c</div>d", None),
        (
            '日本<div style="border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0">X: a<br>Y: b<br>Z: c</div>d',
            "日本\n> X: a\n> Y: b\n> Z: c\n> d",
        ),
        ('日本<div style="border-top:solid red;padding:3pt">X: a</div>d', "日本\nX: a\nd"),
        ("はい<hr>いいえ", "はい\nいいえ"),
        ("<table><tr><td><blockquote type=cite>a</blockquote></table>b", "> a\n\nb"),
        ("はい<blockquote>a</blockquote><blockquote>b</blockquote>", "はい\na\n> b"),
        (
            f"はい<p>{ATTRIBUTION}<blockquote>a</blockquote><blockquote>b</blockquote>",
            INTRODUCED + "> a\n> b",
        ),
        ("<blockquote>はい</blockquote>", "はい"),
        ("はい<blockquote class=gmail_quote>a</blockquote>", "はい\na"),
        ("a&#xFDD0;b&#xFDD8;&#xFDD8;", "> ab"),
        ("a\ufdd0b", "ab"),
    ],
)
def test_what_markup_calls_a_quote_is_marked(source: str, text: str | None) -> None:
    found = html_to_text(source)
    assert found == text if text is not None else ">" not in found.replace("example>", "")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("はい<div class=gmail_signature>山田</div>", "はい\n--\n山田"),
        ("はい<div class=gmail_signature>-- <br>山田</div>", "はい\n--\n山田"),
        ("はい<br>-- <div class=gmail_signature>山田</div>", "はい\n--\n山田"),
        (
            "はい<div id=Signature>山田</div><blockquote type=cite>a</blockquote>",
            "はい\n--\n山田\n> a",
        ),
        (f"はい<div id=Signature>山田</div><p>{ATTRIBUTION}<p>a", None),
        ("はい<div id=Signature>山田</div>いいえ", "はい\n山田\nいいえ"),
        ("<div id=Signature>山田</div>", "山田"),
        ("はい<div id=Signature></div>", "はい"),
        ("<p>a<blockquote type=cite>b<div id=Signature>c</div></blockquote>", "a\n\n> b\n> c"),
    ],
)
def test_a_signature_stands_below_its_delimiter(source: str, text: str | None) -> None:
    found = html_to_text(source)
    assert found == text if text is not None else found.startswith("はい\n--\n山田\n")


@pytest.mark.parametrize(
    "source",
    [
        "<div>" * 200 + "はい" + "</div>" * 200 + "<blockquote type=cite>old</blockquote>",
        "はい" + "<blockquote type=cite>" * 5_000 + "old",
        "<p>はい</p>" + "<div class=gmail_quote>" * 5_000 + "old",
    ],
)
def test_html_too_heavy_to_lay_out_is_trimmed_too(source: str) -> None:
    assert reply_text(html_to_text(source)) == "はい"


PIECES = st.recursive(
    st.sampled_from(
        ["はい", "<br>", "<hr>", ATTRIBUTION, UNKNOWN, "&gt; a", "From: a<br>To: b<br>Date: c"]
    ),
    lambda inner: st.builds(
        "<{0[0]} {0[1]}>{1}</{0[0]}>".format,
        st.sampled_from(
            [
                ("blockquote", "type=cite"),
                ("blockquote", ""),
                ("blockquote", "class=gmail_quote"),
                ("div", "class=gmail_quote"),
                ("div", "class=gmail_attr"),
                ("div", "class=yahoo_quoted"),
                ("div", "id=divRplyFwdMsg"),
                ("div", "id=Signature"),
                ("span", "id=OLK_SRC_BODY_SECTION"),
                ("p", ""),
                ("td", "class=zmail_extra"),
            ]
        ),
        st.lists(inner, max_size=4).map("".join),
    ),
    max_leaves=12,
)


@given(PIECES)
def test_whatever_is_marked_a_reply_is_made_of_lines_of_the_text(source: str) -> None:
    text = html_to_text(source)
    written = reply_text(text)
    remaining = iter(text.split("\n"))
    assert all(line in remaining for line in written.split("\n")) or not written
    assert reply_text(written) == written
    assert not any("\ufdd0" <= character <= "\ufdef" for character in text)


@given(PIECES)
def test_own_words_above_all_markup_stay(source: str) -> None:
    assert reply_text(html_to_text(f"<p>返金してください。</p>{source}")).startswith(
        "返金してください。"
    )
