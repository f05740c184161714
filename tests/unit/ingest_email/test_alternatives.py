"""A text part that tells less than the HTML beside it."""

import pytest
from tests.samples.mail.reading import read

from common.core.events import Message

QUOTE = "<blockquote type=cite>ご希望の日をお知らせください。</blockquote>"


def mail(text: str, html: str) -> Message:
    parts = "".join(
        f"--b\nContent-Type: text/{subtype}; charset=utf-8\n\n{body}\n"
        for subtype, body in (("plain", text), ("html", html))
    )
    head = "From: taro@example.jp\nContent-Type: multipart/alternative; boundary=b\n\n"
    return read(f"{head}{parts}--b--\n".encode()).message


def test_the_markup_shows_a_quote_that_the_text_has_no_sign_of() -> None:
    message = mail("20日です。\nご希望の日をお知らせください。", f"<p>20日です。</p>{QUOTE}")
    assert message.text == "20日です。\n\n> ご希望の日をお知らせください。"
    assert message.text_reply == "20日です。"


@pytest.mark.parametrize(
    "notice",
    [
        "このメールはHTML形式です。対応するメールソフトでご覧ください。",
        "Please use a mail client that supports HTML.",
    ],
)
def test_a_notice_to_read_the_html_is_not_what_was_written(notice: str) -> None:
    html = "<p>注文した商品の色が違いました。交換をお願いします。</p>" * 3
    message = mail(notice, html)
    assert message.text is not None
    assert message.text.startswith("注文した商品の色が違いました。")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("20日です。\n電話番号は変わりません。", f"<p>20日です。</p>{QUOTE}"),
        ("20日です。\n\n> ご希望の日を", f"<p>20日です。</p>{QUOTE}"),
        ("20日です。", "<p>20日です。<b>午後に</b></p>"),
        ("引用は要りません。", "<blockquote>引用は要りません。</blockquote>"),
        ("HTMLメールの設定方法を教えてください。", "<p>短い</p>"),
    ],
)
def test_a_text_that_says_enough_is_read_itself(text: str, html: str) -> None:
    assert mail(text, html).text == text
