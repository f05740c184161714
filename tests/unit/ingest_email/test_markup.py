import pytest
from hypothesis import given, strategies as st

from common.core.html import text_to_html
from ingest_email.core.html_text import html_to_text
from ingest_email.core.markup import declared_charset, safe_html


@pytest.mark.parametrize(
    ("source", "safe"),
    [
        ("<p onclick=x()>a<script>alert(1)</script></p>", "<p>a</p>"),
        ('<a href="javascript:alert(1)">a</a>', '<a rel="noopener noreferrer nofollow">a</a>'),
        ('<a href="/v1/agents/logout">a</a>', '<a rel="noopener noreferrer nofollow">a</a>'),
        ('<a href="data:text/html,x">a</a>', '<a rel="noopener noreferrer nofollow">a</a>'),
        ('<img src="cid:x@y">', '<img src="cid:x@y">'),
        ('<img src="https://tracker.example/p.gif" alt="logo">', '<img alt="logo">'),
        ('<img src="//tracker.example/p.gif">', "<img>"),
        ('<img src="data:image/png;base64,AAAA">', '<img src="data:image/png;base64,AAAA">'),
        ('<img src="data:image/svg+xml,<svg/>">', "<img>"),
        ('<p style="background:url(https://tracker.example)">a</p>', "<p>a</p>"),
        ("<style>p{}</style><form><iframe src=x></iframe>a</form>", "a"),
    ],
)
def test_nothing_runs_loads_or_tracks(source: str, safe: str) -> None:
    assert safe_html(source) == safe


def test_html_nested_deeper_than_any_persons_is_shown_as_text() -> None:
    assert safe_html("<div>" * 600 + "本文<br>二行目") == "<p>本文<br>二行目</p>"
    assert "<b>" in safe_html("<p>x<br><b>y</b></i>" * 600)


def test_text_as_html_keeps_lines_and_escapes_marks() -> None:
    assert text_to_html('1 < 2 & "3"\nあ') == '<p>1 &lt; 2 &amp; "3"<br>あ</p>'


def test_a_page_names_its_charset() -> None:
    assert (
        declared_charset(b'<META http-equiv=x content="text/html; charset=Shift_JIS">')
        == "Shift_JIS"
    )
    assert declared_charset(b"<p>charset=x") == ""


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>一行目</p><p>二行目<br>三行目</p>", "一行目\n\n二行目\n三行目"),
        ("<table><tr><td>品名<td>数量</tr></table>", "品名  数量"),
        ("<ul><li>一<li>二</ul>", "  * 一\n  * 二"),
        ('<p>a</p><div style="display: none">x</div>', "a"),
        ('<p>a</p><span style="visibility:hidden">x</span>', "a"),
        ("<p>a</p><p hidden>x</p>", "a"),
        ('<p>a</p><div style="max-height:0; overflow:hidden">x</div>', "a"),
        ('<p>a</p><span style="font-size:0">x</span>', "a"),
        ('<p>a</p><span style="color:#FFFFFF">x</span>', "a"),
        ('<div style="background:#003"><span style="color:#fff">b</span></div>', "b"),
        ('<div style="background:#fff"><span style="color:#fff">b</span>a</div>', "a"),
        ('<td bgcolor="navy"><span style="color:white">b</span>', "b"),
        ('<div class="button"><span style="color:white">b</span></div>', "b"),
        ('<div style="font-size:0px"><p style="font-size:13px">b</p></div>', "b"),
        ("<style>.pre{display:none}</style><p class='x pre'>x</p><p class=y>a</p>", "a"),
        ("<style>@media (max-width:9px){.wide{display:none}}</style><p class=wide>a</p>", "a"),
        ("<style></style><script>x</script><title>x</title>a", "a"),
        ("<?xml version='1.0' encoding='utf-16'?><p>a</p>", "a"),
        ("<html hidden>a</html>", "a"),
        ("<!-- only a comment -->", ""),
        ("", ""),
    ],
)
def test_the_text_of_html_is_what_a_reader_sees(source: str, text: str) -> None:
    assert html_to_text(source) == text


@pytest.mark.parametrize(
    "source",
    [
        "<div>" * 300 + "本文<script>x</script>",
        "<b>本文</b>" * 20_000,
        f"<table><tr><td>本文<td>{'文' * 100_000}{'<tr><td>' * 1_000}</table>",
    ],
)
def test_html_too_heavy_to_lay_out_is_text_without_layout(source: str) -> None:
    text = html_to_text(source)
    assert text.split("\n")[0] == "本文"
    assert "x" not in text


def test_no_style_makes_a_text_wider_than_it_is() -> None:
    assert html_to_text('<p style="padding-left:99999999em;margin-top:99999em">a</p>') == "a"


@given(st.text() | st.text(st.sampled_from("<>/=\"'& pdivtable style:;#0\x00あ")))
def test_no_html_is_too_odd(source: str) -> None:
    html_to_text(source)
    safe_html(source)
