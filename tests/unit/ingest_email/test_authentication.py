"""What SPF, DKIM and DMARC say together, and how it travels with the mail."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.delivery import DeliveryStatus
from common.core.events import Authenticity, Channel, Message, MessageStatus, Party
from ingest_email.core.authentication import (
    RESULTS,
    Policy,
    Vouched,
    author_domain,
    best_of,
    dmarc,
    domain_of,
    from_header,
    is_verifiable,
    is_verified_here,
    parsing_what_was_verified,
    policy_of,
    to_header,
)
from ingest_email.core.limits import MESSAGE_BYTES
from ingest_email.core.message import parse

NOW = datetime(2026, 1, 15, tzinfo=UTC)
ACCOUNT = ChannelAccount(
    tenant="acme", provider="smtp", account="support", options={"verify": "edge"}
)
ORIGINAL = Original(
    provider="smtp",
    account="support",
    received_at=NOW,
    body=b"From: taro@example.jp\r\n\r\nx\r\n",
    headers={RESULTS: "spf=pass dkim=none dmarc=pass"},
)


def organisation(domain: str) -> str:
    return ".".join(domain.split(".")[-2:])


@pytest.mark.parametrize(
    ("fields", "domain"),
    [
        ("From: taro@Mail.Example.JP", "mail.example.jp"),
        ("From: =?UTF-8?B?5aSq6YOO?= <taro@日本語.example>", "xn--wgv71a119e.example"),
        ("From: taro@my-company.co.jp", "my-company.co.jp"),
        ("From: a@example.jp, b@example.jp", "example.jp"),
        ("From: a@example.jp, b@example.com", ""),
        ("From: a@example.jp\r\nFrom: b@example.com", ""),
        ("From: nobody", ""),
        ("Subject: x", ""),
    ],
)
def test_the_author_s_domain_is_the_only_one_or_none(fields: str, domain: str) -> None:
    assert author_domain(f"{fields}\r\n\r\nx".encode()) == domain


def test_what_is_no_name_stays_as_it_is() -> None:
    assert domain_of("a@-x-") == "-x-"
    assert domain_of("postmaster") == ""


@pytest.mark.parametrize(
    ("records", "policy"),
    [
        ((), None),
        (("v=spf1 -all",), None),
        (("v=DMARC1; p=none",), Policy()),
        (
            ("other", "v=DMARC1;p=reject; ADKIM=S ;aspf=s;"),
            Policy(strict_dkim=True, strict_spf=True),
        ),
        (("v=DMARC1; sp=reject",), None),
        (("v=DMARC1; p=none", "v=DMARC1; p=reject"), None),
    ],
)
def test_a_policy_is_one_record(records: tuple[str, ...], policy: Policy | None) -> None:
    assert policy_of(records) == policy


PASS, MAIL, OTHER = "pass", "mail.example.jp", "example.com"


@pytest.mark.parametrize(
    ("policy", "spf", "signatures", "result"),
    [
        (Policy(), None, [Vouched(PASS, "example.jp")], "pass"),
        (Policy(), None, [Vouched("fail", "example.jp"), Vouched(PASS, MAIL)], "pass"),
        (Policy(strict_dkim=True), None, [Vouched(PASS, MAIL)], "fail"),
        (Policy(strict_dkim=True), None, [Vouched(PASS, "example.jp")], "pass"),
        (Policy(), Vouched(PASS, MAIL), [], "pass"),
        (Policy(strict_spf=True), Vouched(PASS, MAIL), [], "fail"),
        (Policy(), Vouched(PASS, OTHER), [Vouched(PASS, OTHER)], "fail"),
        (Policy(), Vouched("fail", "example.jp"), [], "fail"),
        (Policy(), None, [], "fail"),
        (Policy(), Vouched("temperror", "example.jp"), [], "temperror"),
        (Policy(), None, [Vouched("temperror", "example.jp")], "temperror"),
    ],
)
def test_only_what_passes_for_the_author_s_domain_counts(
    policy: Policy, spf: Vouched | None, signatures: list[Vouched], result: str
) -> None:
    assert dmarc("example.jp", policy, spf, signatures, organisation) == result


@pytest.mark.parametrize(
    ("results", "best"),
    [((), "none"), (("fail", "pass"), "pass"), (("fail", "temperror"), "temperror")],
)
def test_of_several_signatures_the_best_counts(results: tuple[str, ...], best: str) -> None:
    assert best_of([Vouched(result) for result in results]) == best


def test_what_would_cost_the_checks_too_much_is_not_checked() -> None:
    mail = b"From: a@example.jp\r\n\r\n"
    assert is_verifiable(mail)
    assert is_verifiable(mail + b"a b\r\n" * 100_000)
    assert not is_verifiable(mail + b" " * 40_000)
    assert not is_verifiable(b"X: y\r\n" * 100_000 + b"\r\n")
    assert not is_verifiable(mail + b"x" * MESSAGE_BYTES)


RESULT = st.none() | st.sampled_from(["pass", "fail", "none", "temperror"])


@given(st.builds(Authenticity, spf=RESULT, dkim=RESULT, dmarc=RESULT))
def test_results_travel_unchanged(results: Authenticity) -> None:
    assert from_header(to_header(results)) == results


def test_results_become_labels_and_nothing_else() -> None:
    (plain,) = parse(replace(ORIGINAL, headers={}), ACCOUNT)
    (draft,) = parsing_what_was_verified(parse)(ORIGINAL, ACCOUNT)
    assert isinstance(draft.data, Message)
    assert draft.data.authenticity == Authenticity(spf="pass", dkim="none", dmarc="pass")
    assert isinstance(plain.data, Message)
    assert replace(draft.data, authenticity=plain.data.authenticity) == plain.data


@pytest.mark.parametrize(
    "original", [replace(ORIGINAL, headers={}), replace(ORIGINAL, provider="mailgun")]
)
def test_without_checks_of_ours_nothing_is_labelled(original: Original) -> None:
    assert parsing_what_was_verified(parse)(original, ACCOUNT) == parse(original, ACCOUNT)


def test_what_is_no_message_stays_what_it_is() -> None:
    status = MessageStatus(
        message_id="1",
        status=DeliveryStatus.FAILED,
        channel=Channel.EMAIL,
        provider="smtp",
        account="support",
        recipient=Party(contact="mailto:taro@example.jp"),
        occurred_at=NOW,
    )
    draft = Draft(provider_id="1", contact="mailto:taro@example.jp", time=NOW, data=status)
    assert parsing_what_was_verified(lambda *_: (draft,))(ORIGINAL, ACCOUNT) == (draft,)


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (ACCOUNT, True),
        (replace(ACCOUNT, options={}), False),
        (replace(ACCOUNT, provider="imap"), False),
    ],
)
def test_only_an_account_at_the_edge_is_checked_here(
    account: ChannelAccount, *, expected: bool
) -> None:
    assert is_verified_here(account) is expected
