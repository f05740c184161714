import base64

import pytest

from ingest_email.core.conversation import (
    conversation_key,
    read_conversation,
    signed_address,
    signed_key,
    signed_message_id,
)
from ingest_email.core.headers import Headers, read_headers
from ingest_email.core.identifiers import body_digest, message_id, references
from ingest_email.core.limits import REFERENCES

SECRETS = ("new", "old")
KEY = conversation_key("<root@example.jp>")
OWN = "<own@example.jp>"
THREAD_INDEX = base64.b64encode(b"\x01" + b"t" * 5 + b"g" * 16).decode()
ANSWER_INDEX = base64.b64encode(b"\x01" + b"t" * 5 + b"g" * 16 + b"a" * 5).decode()


def headers(text: str) -> Headers:
    return read_headers(text.encode() + b"\n\n", 0)[0]


def key(text: str, *recipients: str) -> str:
    return read_conversation(headers(text), OWN, recipients, SECRETS).key


def test_a_first_mail_begins_a_conversation_of_its_own() -> None:
    found = read_conversation(headers("Subject: #1024"), OWN, (), SECRETS)
    assert (found.key, found.in_reply_to, found.references) == (conversation_key(OWN), None, ())


@pytest.mark.parametrize(
    "fields",
    [
        "References: <root@example.jp> <middle@example.jp>\nIn-Reply-To: <middle@example.jp>",
        "References: <root@example.jp>",
        "In-Reply-To: Your message of Thu <root@example.jp>",
        "References: nonsense <root@example.jp>\n <later@example.jp>",
    ],
)
def test_an_answer_belongs_to_the_root_of_its_thread(fields: str) -> None:
    assert key(fields) == KEY


def test_the_mail_that_is_answered_is_told() -> None:
    found = read_conversation(headers("References: <a@x> <b@x>"), OWN, (), ())
    assert (found.in_reply_to, found.references) == ("<b@x>", ("<a@x>", "<b@x>"))
    assert (
        read_conversation(headers("In-Reply-To: <c@x>\nReferences: <a@x>"), OWN, (), ()).in_reply_to
        == "<c@x>"
    )


def test_our_own_token_is_believed_before_anything_else() -> None:
    token = signed_message_id(KEY, "m1", "acme.example", "new")
    assert key(f"References: <stranger@example.jp> {token}") == KEY
    assert key(f"In-Reply-To: {token}") == KEY
    assert key("Subject: a", signed_address("support@acme.example", KEY, "old")) == KEY
    assert key(f"In-Reply-To: {token.upper()}") == KEY


def test_a_token_that_somebody_made_up_joins_nothing() -> None:
    forged = signed_message_id(KEY, "m1", "acme.example", "guess")
    assert key(f"In-Reply-To: {forged}") == conversation_key(forged)
    assert signed_key([signed_address("a@b.example", KEY, "guess"), "x"], SECRETS) is None
    other = signed_message_id(KEY, "m1", "acme.example", "new").replace(".m1.", ".m2.")
    assert signed_key([other], SECRETS) is None


def test_outlooks_thread_index_joins_answers_that_carry_nothing_else() -> None:
    assert key(f"Thread-Index: {ANSWER_INDEX}") == key(f"Thread-Index: {ANSWER_INDEX}\nSubject: x")
    assert key(f"Thread-Index: {ANSWER_INDEX}") != conversation_key(OWN)
    assert key(f"Thread-Index: {ANSWER_INDEX}\nReferences: <root@example.jp>") == KEY


@pytest.mark.parametrize(
    "index", [THREAD_INDEX, "not base64!", "QUJD", base64.b64encode(b"\x02" * 30).decode()]
)
def test_a_first_mails_thread_index_or_a_broken_one_says_nothing(index: str) -> None:
    assert key(f"Thread-Index: {index}") == conversation_key(OWN)


def test_a_long_thread_keeps_its_root_and_its_end() -> None:
    found = references(
        headers("References: " + "\n ".join(f"<{number}@x>" for number in range(500)))
    )
    assert (len(found), found[0], found[-1]) == (REFERENCES, "<0@x>", "<499@x>")


@pytest.mark.parametrize(
    ("field", "found"),
    [
        ("<a@b>", "<a@b>"),
        ("prose <a@b> more", "<a@b>"),
        ("a@b", "<a@b>"),
        ("<a@b", "<a@b>"),
    ],
)
def test_a_message_id_is_read_however_it_is_bracketed(field: str, found: str) -> None:
    assert message_id(headers(f"Message-ID: {field}"), b"") == found


def test_a_mail_without_an_id_has_one_that_every_delivery_of_it_has() -> None:
    first = message_id(headers("Received: a\nFrom: a@b\nSubject: x"), b"body\r\n")
    again = message_id(headers("Received: b\nReceived: c\nFrom: a@b\nSubject: x"), b"body\n\n")
    other = message_id(headers("From: a@b\nSubject: y"), b"body\n")
    assert first == again != other
    assert message_id(headers("Message-ID: two words"), b"").endswith("@no-message-id.invalid>")


def test_line_ends_do_not_change_what_a_body_is() -> None:
    assert body_digest(b"a\r\nb\r\n") == body_digest(b"a\nb\n\n") != body_digest(b"a\nb\nc")
