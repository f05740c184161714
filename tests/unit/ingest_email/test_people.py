import pytest

from common.core.events import Authenticity, Party
from ingest_email.core.authenticity import read_authenticity
from ingest_email.core.automatic import LOOP_HOPS, automatic_labels
from ingest_email.core.envelope import Envelope, from_headers, to_headers
from ingest_email.core.headers import Headers, read_headers
from ingest_email.core.mailboxes import spellings
from ingest_email.core.people import contact_of, recipients, sender


def headers(text: str) -> Headers:
    return read_headers(text.encode() + b"\n\n", 0)[0]


@pytest.mark.parametrize(
    ("fields", "party"),
    [
        ("From: 山田 <Taro@Example.JP>", Party("email:taro@example.jp", "山田", "Taro@Example.JP")),
        ("From: 山田\nSender: a@example.jp", Party("email:a@example.jp", None, "a@example.jp")),
        ("Reply-To: b@example.jp", Party("email:b@example.jp", None, "b@example.jp")),
        ("Subject: a", Party("email:envelope@example.jp", None, "envelope@example.jp")),
    ],
)
def test_the_author_is_whoever_is_named_first_with_an_address(fields: str, party: Party) -> None:
    assert sender(headers(fields), Envelope("envelope@example.jp"), "") == party


@pytest.mark.parametrize(
    ("fields", "party"),
    [
        ("From: Postmaster", Party("sender:postmaster", "Postmaster")),
        ("From: <not an address>", Party("sender:not an address", "not an address")),
        ("Subject: a", Party("sender:unknown")),
        ("From: " + "a" * 900, Party("sender:" + "a" * 200, "a" * 200)),
    ],
)
def test_a_mail_without_an_address_has_an_author_all_the_same(fields: str, party: Party) -> None:
    assert sender(headers(fields), Envelope(), "") == party


def test_recipients_are_told_once_each() -> None:
    fields = "To: a@x.jp, A@X.jp, undisclosed:;\nCc: b@x.jp\nTo: c@x.jp, nobody"
    assert [party.address for party in recipients(headers(fields), "")] == [
        "a@x.jp",
        "c@x.jp",
        "b@x.jp",
    ]


def test_recipients_are_bounded() -> None:
    fields = "\n".join(f"To: a{number}@x.jp, b{number}@x.jp" for number in range(600))
    assert len(recipients(headers(fields), "")) == 1_000


def test_what_is_no_address_is_no_contact() -> None:
    assert contact_of("nobody") is None


@pytest.mark.parametrize(
    "envelope",
    [
        Envelope("taro@example.jp", ("a@x.jp", '"b,c"@x.jp'), "192.0.2.1", "mx.example.jp", "yes"),
        Envelope("", ("a@x.jp",)),
        Envelope(),
    ],
)
def test_an_envelope_survives_its_journey(envelope: Envelope) -> None:
    assert from_headers(to_headers(envelope)) == envelope


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("support@acme.example", ["support@acme.example"]),
        ("support+k.s@acme.example", ["support+k.s@acme.example", "support@acme.example"]),
        ("窓口@xn--cck0a4k.example", ["窓口@xn--cck0a4k.example", "窓口@アクメ.example"]),
        ("a@[192.0.2.1]", ["a@[192.0.2.1]"]),
    ],
)
def test_a_mailbox_is_found_under_each_of_its_spellings(address: str, found: list[str]) -> None:
    assert list(spellings(address)) == found


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        ("Subject: お問い合わせ", ""),
        ("Auto-Submitted: no", ""),
        ("Auto-Submitted: auto-replied (vacation)", "auto-replied"),
        ("Auto-Submitted: auto-generated", "auto-generated"),
        ("X-Autoreply: yes", "auto-replied"),
        ("Precedence: auto_reply", "auto-replied"),
        ("Subject: Re: 【自動返信】お問い合わせありがとうございます", "auto-replied"),
        ("Subject: 不在のお知らせ", "auto-replied"),
        ("Subject: Automatic reply: Hello", "auto-replied"),
        ("Subject: Abwesenheitsnotiz", "auto-replied"),
        ("List-Id: <users.example.jp>", "list"),
        ("Precedence: bulk", "bulk"),
        ("X-Madoguchi-Loop: x", "loop"),
        ("\n".join(["Received: a"] * (LOOP_HOPS + 1)), "loop"),
    ],
)
def test_mail_that_no_machine_may_answer_says_why(fields: str, label: str) -> None:
    assert automatic_labels(headers(fields))["automatic"] == label


TRUSTED = "Authentication-Results: mx.acme.example; spf=pass smtp.mailfrom=a; dkim=fail; dkim=PASS (good) header.d=x; dkim=none; dmarc=pass"
FORGED = "Authentication-Results: evil.example; dmarc=pass"


@pytest.mark.parametrize(
    ("fields", "authserv_id", "authenticity"),
    [
        (TRUSTED, "mx.acme.example", Authenticity(spf="pass", dkim="pass", dmarc="pass")),
        (
            f"{TRUSTED}\n{FORGED}",
            "mx.acme.example",
            Authenticity(spf="pass", dkim="pass", dmarc="pass"),
        ),
        (f"{FORGED}\n{TRUSTED}", "mx.acme.example", Authenticity()),
        (FORGED, "mx.acme.example", Authenticity()),
        (TRUSTED, None, Authenticity()),
        ("Authentication-Results: mx.acme.example 1; none", "mx.acme.example", Authenticity()),
        (
            "Authentication-Results: (a (b)) mx.acme.example; spf=softfail",
            "mx.acme.example",
            Authenticity(),
        ),
        ("Subject: a", "mx.acme.example", Authenticity()),
    ],
)
def test_only_our_own_gateways_topmost_word_counts(
    fields: str, authserv_id: str | None, authenticity: Authenticity
) -> None:
    assert read_authenticity(headers(fields), authserv_id) == authenticity
