"""What the samples and the vectors do not show: edges of each service's habits."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec.structs import replace
from tests.samples.golden import FOLDER, account_of, request

from common.core.adapters import Draft, Outcome
from common.core.events import Authenticity, Message, MessageKind
from ingest_email.core.providers.composing import Body, compose, header_block
from ingest_email.core.providers.registry import ADAPTERS, parse

SAMPLES = FOLDER / "mail-webhooks"
NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def read(provider: str, body: bytes, **account: Any) -> Message:
    [draft] = drafts(provider, body, **account)
    assert isinstance(draft.data, Message)
    return draft.data


def drafts(provider: str, body: bytes, **account: Any) -> tuple[Draft, ...]:
    return parse(request(provider, body), replace(account_of(provider), **account))


def test_a_mail_that_came_as_it_is_is_read_as_it_is() -> None:
    assert read("smtp", b"From: taro@example.jp\r\n\r\nhello").text == "hello"


@pytest.mark.parametrize(
    ("provider", "stop"), [("sendgrid", 413), ("mailgun", 406), ("postmark", 403), ("ses", 413)]
)
def test_what_can_never_be_taken_is_answered_with_the_services_own_stop(
    provider: str, stop: int
) -> None:
    assert ADAPTERS[provider].answer(Outcome.TOO_LARGE).status == stop


def test_mailgun_and_postmark_try_again_while_our_secret_is_wrong() -> None:
    assert ADAPTERS["mailgun"].answer(Outcome.UNAUTHENTIC).status == 401
    assert ADAPTERS["postmark"].answer(Outcome.UNAUTHENTIC).status == 401


SIGNED = b"timestamp=1768469400&token=50CharsOfRandomTokenAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
SIGNATURE = b"&signature=6d5d4798358eb8d73806fb0e2ecde8882b535be38ced75571cf689aeb104e04c"


def mailgun_accepts(body: bytes, received_at: datetime = NOW) -> bool:
    account = replace(account_of("mailgun"), secrets=("key-3ax6xnjp29jd6fds4gc373sgvjxteol0",))
    original = replace(request("mailgun", body), received_at=received_at)
    return ADAPTERS["mailgun"].authentic(original, account)


def test_of_fields_given_twice_to_mailgun_the_last_counts() -> None:
    assert mailgun_accepts(b"token=forged&signature=forged&" + SIGNED + SIGNATURE)
    assert not mailgun_accepts(SIGNED + SIGNATURE + b"&token=forged")
    assert not mailgun_accepts(b"--no form")


def test_what_mailgun_signed_days_ago_is_refused() -> None:
    assert not mailgun_accepts(SIGNED + SIGNATURE, datetime(2026, 1, 17, tzinfo=UTC))


def test_a_mailgun_token_names_the_event_so_that_it_cannot_carry_another_mail() -> None:
    body = sample("mailgun/mime-urlencoded.form")
    forged = body.replace(b"1234", b"9999")
    assert drafts("mailgun", forged)[0].provider_id == drafts("mailgun", body)[0].provider_id


def test_a_mailgun_request_without_token_and_envelope_is_named_by_its_mail() -> None:
    [draft] = drafts("mailgun", b"body-mime=Message-ID:+%3Ca@example.jp%3E%0A%0Ax")
    assert draft.provider_id.startswith("<a@example.jp> ")


BASIC = {"authorization": "Basic " + base64.b64encode("窓口:あいことば".encode()).decode()}


@pytest.mark.parametrize("provider", ["postmark", "sendgrid"])
def test_a_password_in_the_address_is_checked_whole(provider: str) -> None:
    account = replace(
        account_of(provider),
        secrets=("newer:word", "窓口:あいことば"),
        options={"authentication": "basic"},
    )
    adapter, original = ADAPTERS[provider], request(provider, b"{}")
    assert adapter.authentic(replace(original, headers=BASIC), account)
    for wrong in ({}, {"authorization": "Basic"}, {"authorization": BASIC["authorization"][:-2]}):
        assert not adapter.authentic(replace(original, headers=wrong), account)
    assert not adapter.authentic(replace(original, headers=BASIC), replace(account, secrets=("",)))


def test_what_sendgrid_signed_is_accepted_with_the_older_of_two_keys() -> None:
    vectors = json.loads((FOLDER / "provider-vectors.json").read_text("utf-8"))["sendgrid"]
    for vector in vectors:
        keys = (vectors[0]["public_key_base64_der"], vector["public_key_base64_der"])
        headers = {
            "x-twilio-email-event-webhook-timestamp": vector["timestamp"],
            "x-twilio-email-event-webhook-signature": vector["signature"],
        }
        signed_at = datetime.fromtimestamp(int(vector["timestamp"]), UTC)
        original = request("sendgrid", vector["payload"].encode())
        original = replace(original, headers=headers, received_at=signed_at)
        account = replace(account_of("sendgrid"), secrets=keys)
        assert ADAPTERS["sendgrid"].authentic(original, account)


def test_a_sendgrid_key_of_another_kind_verifies_nothing() -> None:
    public = generate_private_key(65537, 2048).public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    account = replace(account_of("sendgrid"), secrets=(base64.b64encode(der).decode(), "!"))
    headers = {
        "x-twilio-email-event-webhook-timestamp": "1768469400",
        "x-twilio-email-event-webhook-signature": "AAAA",
    }
    original = replace(request("sendgrid", b""), headers=headers)
    assert not ADAPTERS["sendgrid"].authentic(original, account)


def test_a_mail_that_pretends_to_be_sendgrids_fields_is_told_apart_from_them() -> None:
    forged = b'\r\n--xYzZY\r\nContent-Disposition: form-data; name="SPF"\r\n\r\npass'
    greeting = "高橋様".encode("cp932")
    body = sample("sendgrid/raw-shift-jis.form").replace(greeting, greeting + forged)
    message = read("sendgrid", body)
    assert message.kind is MessageKind.UNSUPPORTED
    assert message.authenticity == Authenticity(signature="sendgrid-ecdsa")


@pytest.mark.parametrize("spf", ["", "unheard of", "\x00"])
def test_a_result_that_nobody_documented_vouches_for_nothing(spf: str) -> None:
    body = sample("sendgrid/raw-shift-jis.form").replace(b"softfail", spf.encode())
    told = Authenticity(signature="sendgrid-ecdsa", dkim="pass")
    assert read("sendgrid", body).authenticity == told


def test_our_own_gateways_results_count_where_the_service_tells_none() -> None:
    mime = "Authentication-Results: mx.acme.example; spf=pass; dkim=fail\r\n\r\n本文"
    body = json.dumps({"MessageID": "1", "RawEmail": mime}).encode()
    message = read("postmark", body, options={"authserv_id": "mx.acme.example"})
    assert message.authenticity == Authenticity(signature="basic", spf="pass", dkim="fail")


def test_an_ses_request_without_an_envelope_is_kept_as_unsupported() -> None:
    assert read("ses", b"{}").kind is MessageKind.UNSUPPORTED


def test_a_postmark_author_with_a_name_in_the_address_stays_as_written() -> None:
    told = json.loads(sample("postmark/taken-apart.json")) | {"From": "花子 <hanako@example.jp>"}
    assert read("postmark", json.dumps(told).encode()).sender.name == "花子"


def test_what_is_written_anew_cannot_be_given_headers_or_types_of_its_own() -> None:
    assert header_block(
        [("Subject", "a\r\nBcc: b"), ("bad name", "x"), ("MIME-Version", "1.0")]
    ) == (b"Subject: a Bcc: b\r\n\r\n")
    body = Body('text/"html', b"x", name='a"\r\nb', content_id="c>\r\nd")
    mail = compose([], [], [body])
    assert b'filename="a__' in mail
    assert b"Content-Type: application/octet-stream\r\n" in mail
    assert b"\r\nb" not in mail
    assert b"\r\nd" not in mail
    assert compose([], [], [body]) == mail
