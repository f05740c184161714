"""The HTML of a mail is a page on which nothing runs and nothing is loaded from elsewhere."""

from typing import cast

import pytest
from msgspec.structs import replace
from tests.unit.timeline.telling import mail

from common.core.events import AttachmentState, Message
from timeline.core.items import ShownFile
from timeline.core.mail_page import content_policy, mail_page, origin_of, pictures

LINKS = {"logo@example.jp": "/v1/files/T"}


def shown(html: str, **fields: str) -> str:
    message = replace(cast("Message", mail().data), html=html, **fields)
    page = mail_page(message, LINKS, content_policy(""))
    return page[page.index("<body>") + 6 : page.index("</body>")]


@pytest.mark.parametrize(
    ("html", "body"),
    [
        ('<p>こんにちは<img src="cid:logo@example.jp" alt="印">', '<p>こんにちは<img src="/v1/files/T" alt="印"></p>'),
        ('<img src="CID:logo%40example.jp">', '<img src="/v1/files/T">'),
        ('<img src="cid:other@example.jp" alt="他">', '<img alt="他">'),
        ('<img src="https://tracker.example/1.gif?to=hanako" alt="広告">', '<img alt="広告">'),
        ('<img src="//tracker.example/1.gif">', "<img>"),
        ('<img src="data:image/png;base64,AAAA">', '<img src="data:image/png;base64,AAAA">'),
        ('<img src="data:image/svg+xml,<svg onload=x>">', "<img>"),
        ("<script>alert(1)</script>安全", "安全"),
        ("<svg><script>1</script></svg>安全", "安全"),
        ('<b onclick="x()" style="background:url(http://t/)">太字</b>', "<b>太字</b>"),
        ('<form action="http://t/"><input name=a>送信</form>', "送信"),
        ('<iframe src="http://t/"></iframe><object data="http://t/"></object>安全', "安全"),
        ('<meta http-equiv="refresh" content="0;url=http://t/"><base href="http://t/">安全', "安全"),
        ('<a href="javascript:x()">押す</a>', '<a rel="noopener noreferrer nofollow">押す</a>'),
        ('<a href="/v1/customers">押す</a>', '<a rel="noopener noreferrer nofollow">押す</a>'),
        (
            '<a href="https://example.jp/">例</a>',
            '<a href="https://example.jp/" rel="noopener noreferrer nofollow">例</a>',
        ),
        ("</body></html><b>後</b>", "<b>後</b>"),
    ],
)  # fmt: skip
def test_a_mail_is_shown_without_anything_that_acts(html: str, body: str) -> None:
    assert shown(html) == body


def test_html_that_is_nested_deeper_than_any_persons_is_shown_as_its_text() -> None:
    assert shown("<div>" * 600 + "深い", text="深い\n二行目") == "<p>深い<br>二行目</p>"


def test_the_page_says_itself_what_may_be_loaded_and_in_which_language_it_is() -> None:
    message = replace(cast("Message", mail().data), html="<p>本文", language="ja")
    policy = content_policy(origin_of("https://timeline.example.jp:8443/base"))
    page = mail_page(message, {}, policy)
    assert policy.startswith("default-src 'none'; img-src data: https://timeline.example.jp:8443;")
    assert f'content="{policy}"' in page
    assert '<html lang="ja">' in page
    assert "<html>" in mail_page(replace(message, language='ja" onload="x'), {}, policy)
    assert origin_of("") == ""
    assert "'self'" in content_policy("")


def test_the_pictures_of_a_mail_are_those_that_it_names_and_that_are_held() -> None:
    def file(content_id: str | None, media_type: str, state: AttachmentState) -> ShownFile:
        return ShownFile(name="n", media_type=media_type, state=state, content_id=content_id)

    held, lost = AttachmentState.STORED, AttachmentState.REFUSED
    files = [
        file(None, "image/png", held),
        file("a", "image/png", held),
        file("b", "image/svg+xml", held),
        file("c", "image/png", lost),
    ]
    assert pictures(files) == {"a": 1}
