"""A whole mail, from bytes to the event."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import example, given, settings, strategies as st
from tests.samples.mail.reading import ACCOUNT, original, read, reading

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.events import Channel, Direction, MessageKind, Party
from ingest_email.core.cleaning import storable
from ingest_email.core.message import parse_with

JAPANESE = (
    "From: =?ISO-2022-JP?B?GyRCOzNFRBsoQiAbJEJCQE86GyhC?= <taro@example.jp>\r\n"
    "To: =?utf-8?b?56qT5Y+j?= <support@acme.example>, hanako@example.jp\r\n"
    "Cc: support@acme.example\r\n"
    "Subject: =?ISO-2022-JP?B?GyRCJCo4KyVKJEobKEI=?=\r\n"
    "Date: Thu, 15 Jan 2026 09:29:00 +0900\r\n"
    "Message-ID: <first@example.jp>\r\n"
    "Authentication-Results: mx.acme.example; spf=pass; dkim=pass; dmarc=pass\r\n"
    "MIME-Version: 1.0\r\n"
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    "--b\r\nContent-Type: text/plain; charset=ISO-2022-JP\r\n\r\n"
    "\x1b$B-!\x1b(B\x1b$B$N7o$G$9!#\x1b(B\r\n\r\n-- \r\n\x1b$B;3ED\x1b(B\r\n"
    "--b\r\nContent-Type: application/pdf; name*=utf-8''%E8%A6%8B%E7%A9%8D.pdf\r\n\r\n%PDF-\r\n--b--\r\n"
).encode("latin-1")


def test_a_japanese_mail_with_an_attachment() -> None:
    draft = read(
        JAPANESE,
        mail_from="bounces@example.jp",
        rcpt_to="support@acme.example",
        client_ip="192.0.2.1",
    )
    message = draft.message
    assert draft.contact == "email:taro@example.jp"
    assert draft.draft.time == datetime(2026, 1, 15, 0, 29, tzinfo=UTC)
    assert (message.kind, message.direction, message.channel) == (
        MessageKind.MESSAGE,
        Direction.INBOUND,
        Channel.EMAIL,
    )
    assert message.sender == Party("email:taro@example.jp", "山田 太郎", "taro@example.jp")
    assert [party.contact for party in message.recipients] == [
        "email:support@acme.example",
        "email:hanako@example.jp",
    ]
    assert (message.message_id, message.team) == ("<first@example.jp>", "お客様サポート")
    assert message.text == "①の件です。\n\n-- \n山田"
    assert message.text_reply == "①の件です。"
    assert message.language == "ja"
    assert (message.authenticity.spf, message.authenticity.dmarc) == ("pass", "pass")
    assert [(found.name, found.media_type) for found in message.attachments] == [
        ("見積.pdf", "application/pdf")
    ]
    assert [file.content for file in draft.files] == [b"%PDF-"]
    assert message.attributes == {
        "envelope_from": "bounces@example.jp",
        "envelope_to": "support@acme.example",
    }


def test_the_same_mail_is_the_same_event_by_whatever_path_it_came() -> None:
    again = b"Received: by mx2.acme.example\r\n" + JAPANESE.replace(b"\r\n", b"\n")
    assert read(again).draft.provider_id == read(JAPANESE).draft.provider_id


def test_another_mail_under_the_same_message_id_is_another_event() -> None:
    other = JAPANESE.replace(b"%PDF-", b"%PDF+")
    assert read(other).draft.provider_id != read(JAPANESE).draft.provider_id


def test_an_answer_is_in_the_conversation_of_the_first_mail() -> None:
    answer = b"From: hanako@example.jp\nReferences: <first@example.jp> <second@example.jp>\n\nx"
    assert read(answer).message.conversation.key == read(JAPANESE).message.conversation.key


def test_nul_and_half_characters_are_shown_where_they_stood() -> None:
    mail = b"From: a@example.jp\nSubject: a\x00b\nContent-Type: text/plain; charset=utf-7\n\nx\x00y+2AA-z"
    message = read(mail).message
    assert (message.subject, message.text) == ("a␀b", "x␀y\ufffdz")
    assert storable("\ud800") == "\ufffd"


def test_an_empty_mail_is_an_event() -> None:
    draft = read(b"")
    assert (draft.contact, draft.message.text, draft.message.text_reply) == (
        "sender:unknown",
        None,
        None,
    )


def test_raw_bytes_in_a_header_are_in_the_charset_of_the_text() -> None:
    part = b"--b\nContent-Type: text/plain; charset=windows-1253\n\nx\n--b--\n"
    outer = b"From: a@example.jp\nContent-Type: multipart/mixed; boundary=b\nSubject: "
    mail = outer + "Ωμ".encode("cp1253") + b"\n\n--b\nContent-Type: image/png\n\nx\n" + part
    assert read(mail).message.subject == "Ωμ"


@pytest.mark.parametrize(
    ("mail", "reason"),
    [
        (b"From: a@example.jp\nSubject: x\n\n" + b"a" * 35_000_001, "size"),
        (
            b"From: a@example.jp\nSubject: x\nContent-Type: multipart/x; boundary=a\n\n"
            + b"--a\n\n" * 501,
            "parts",
        ),
    ],
)
def test_what_is_over_a_limit_is_kept_raw_and_marked(mail: bytes, reason: str) -> None:
    message = read(mail).message
    assert (message.kind, message.subject) == (MessageKind.UNSUPPORTED, "x")
    assert message.attributes["unreadable"] == reason


def test_a_fault_of_ours_marks_the_mail_instead_of_losing_it() -> None:
    def fault(_original: Original, _account: ChannelAccount) -> Draft:
        raise ZeroDivisionError

    message = reading(parse_with(fault, original(JAPANESE), ACCOUNT)).message
    assert message.kind is MessageKind.UNSUPPORTED
    assert message.attributes["unreadable"] == "ZeroDivisionError"


def test_headers_that_were_cut_are_named() -> None:
    message = read(b"From: a@example.jp\nSubject: " + b"a" * 20_000 + b"\n\nx").message
    assert message.attributes["truncated"] == "header"
    assert len(message.subject or "") == 2_000


PIECES = [
    piece.encode("latin-1")
    for piece in [
        "\n",
        "\r\n",
        "\n\n",
        "From: ",
        "Subject: ",
        "Date: ",
        "Thu, 15 Jan 2026 09:30:00 +0900",
        "References: <a@b>",
        "\x00",
        "ÿþ",
        "Content-Type: ",
        "multipart/report",
        "text/html",
        "message/delivery-status",
        "; boundary=b",
        "; charset=",
        "iso-2022-jp",
        "Content-Transfer-Encoding: base64\n",
        "--b\n",
        "--b--\n",
        "\x1b$B",
        "=?utf-8?q?=E3?=",
        "<p>",
        "> ",
        "MAILER-DAEMON@x",
        "failure notice",
    ]
]


def texts(value: object) -> Iterator[str]:
    """Yield every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts(item)


@settings(max_examples=300)
@example(b"")
@given(st.binary() | st.lists(st.sampled_from(PIECES)).map(b"".join))
def test_any_bytes_become_one_event_that_json_and_postgres_can_hold(mail: bytes) -> None:
    message = read(mail).message
    assert not any("\x00" in text for text in texts(json.loads(msgspec.json.encode(message))))
    assert "unreadable" not in message.attributes


@settings(max_examples=300)
@given(st.data())
def test_a_mail_damaged_on_its_way_is_still_one_event(data: st.DataObject) -> None:
    mail = bytearray(JAPANESE)
    for position in data.draw(st.lists(st.integers(0, len(mail) - 1), max_size=20)):
        mail[position] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(mail)))
    assert "unreadable" not in read(bytes(mail[:cut])).message.attributes
