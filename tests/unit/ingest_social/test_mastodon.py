"""Mastodon's signature and its HTML."""

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace
from tests.samples.golden import account_of, request

from common.core.events import Message
from common.core.signatures import hmac_hex
from ingest_social.core.mastodon.markup import plain
from ingest_social.core.registry import ADAPTERS

MASTODON = ADAPTERS["mastodon"]


def test_a_webhook_is_signed_over_its_raw_bytes() -> None:
    headers = {"x-hub-signature": f"sha256={hmac_hex('sha256', b'secret', b'{}')}"}
    original = replace(request("mastodon", b"{}"), headers=headers)
    account = replace(account_of("mastodon"), secrets=("secret",))
    assert MASTODON.authentic(original, account)
    assert not MASTODON.authentic(replace(original, body=b"{ }"), account)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("<p>一行目<br/>二行目</p>\n<p>次の段落</p>", "一行目\n二行目\n\n次の段落"),
        ("&lt;script&gt; &amp; &#39;", "<script> & '"),
        ("a < b", "a < b"),
        ("", ""),
    ],
)
def test_html_is_read_as_a_reader_sees_it(content: str, text: str) -> None:
    assert plain(content) == text


@given(st.text())
def test_no_html_breaks_it(content: str) -> None:
    assert isinstance(plain(content), str)


def test_what_we_wrote_ourselves_is_outbound_by_our_handle() -> None:
    body = """{"event": "status.created", "object": {"id": "1", "content": "<p>はい</p>",
               "account": {"acct": "Acme", "url": "https://m.example/@Acme"}}}"""
    account = replace(account_of("mastodon"), options={"handle": "@Acme@m.example"})
    (draft,) = MASTODON.parse(request("mastodon", body.encode()), account)
    assert isinstance(draft.data, Message)
    assert draft.data.direction == "outbound"
