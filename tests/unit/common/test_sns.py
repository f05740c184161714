"""What an Amazon SNS message must be, beside well signed."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec.structs import replace
from tests.samples.golden import FOLDER

from common.core.adapters import CERTIFICATE, ChannelAccount, Original
from common.core.sns import (
    authentic,
    certificate,
    certificate_url,
    confirmation,
    confirmation_url,
    envelope,
)

VECTORS = json.loads((FOLDER / "provider-vectors.json").read_text("utf-8"))["sns"]
MESSAGE: dict[str, Any] = VECTORS["cases"][1]["message"]
URL = MESSAGE["SigningCertURL"]
NOW = datetime(2026, 1, 15, 9, 30, 5, tzinfo=UTC)


def request(message: Any) -> Original:
    return Original(
        provider="aws-sms",
        account="main",
        received_at=NOW,
        body=json.dumps(message).encode(),
        headers={
            "x-amz-sns-message-type": MESSAGE["Type"],
            "x-amz-sns-message-id": MESSAGE["MessageId"],
        },
    )


def account(**options: str) -> ChannelAccount:
    trusted = {f"{CERTIFICATE}{URL}": VECTORS["cert_pem"], "topics": MESSAGE["TopicArn"]}
    return ChannelAccount(
        tenant="acme", provider="aws-sms", account="main", options=trusted | options
    )


def test_a_message_of_our_topic_is_accepted_by_either_version_of_the_signature() -> None:
    for case in VECTORS["cases"][:4]:
        assert authentic(request(case["message"]), account())


def test_a_message_of_somebody_elses_topic_is_refused_however_well_it_is_signed() -> None:
    assert not authentic(request(MESSAGE), account(topics="arn:aws:sns:us-east-1:1:theirs"))
    assert not authentic(request(MESSAGE), account(topics=""))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-amz-sns-message-type": "Notification"},
        {"x-amz-sns-message-type": "Notification", "x-amz-sns-message-id": "another"},
        {
            "x-amz-sns-message-type": "SubscriptionConfirmation",
            "x-amz-sns-message-id": MESSAGE["MessageId"],
        },
    ],
)
def test_headers_that_say_something_else_than_the_body_are_refused(headers: dict[str, str]) -> None:
    assert not authentic(replace(request(MESSAGE), headers=headers), account())


@pytest.mark.parametrize(
    "change",
    [
        {"SignatureVersion": "3"},
        {"Signature": "not base64!"},
        {"Signature": ""},
        {"Message": "another"},
        {"Timestamp": "2026-01-12T09:30:00.123Z"},
        {"SigningCertURL": "https://sns.ap-northeast-1.amazonaws.com/other.pem"},
        {"SigningCertURL": "https://evil.example/SimpleNotificationService-test.pem"},
    ],
)
def test_a_message_that_was_changed_is_refused(change: dict[str, str]) -> None:
    assert not authentic(request(MESSAGE | change), account())


def test_a_kind_of_message_that_needs_no_trust_is_refused() -> None:
    original = request(MESSAGE | {"Type": "UnsubscribeConfirmation"})
    headers = original.headers | {"x-amz-sns-message-type": "UnsubscribeConfirmation"}
    assert not authentic(replace(original, headers=headers), account())


def test_what_is_no_envelope_is_refused_and_names_no_certificate() -> None:
    assert not authentic(request([]), account())
    assert certificate_url(request([])) is None


def certificate_of_another_kind() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .sign(key, SHA256())
    )
    return made.public_bytes(Encoding.DER)


def pem_of(der: bytes) -> str:
    body = base64.encodebytes(der).decode()
    return f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n"


def test_a_certificate_that_is_none_or_of_another_kind_or_out_of_date_is_refused() -> None:
    other = certificate_of_another_kind()
    curve = bytes.fromhex("2a8648ce3d030107")  # P-256's name; the one below is nobody's
    unknown = other.replace(curve, curve[:-1] + b"\x70")
    for pem in ("", "no certificate", pem_of(other), pem_of(unknown)):
        assert not authentic(request(MESSAGE), account(**{f"{CERTIFICATE}{URL}": pem}))
    for received_at in (NOW - timedelta(days=400), NOW + timedelta(days=5000)):
        patient = account(replay_seconds=str(10**9))
        assert not authentic(replace(request(MESSAGE), received_at=received_at), patient)


@pytest.mark.parametrize(
    ("url", "trusted"),
    [
        ("https://sns.ap-northeast-1.amazonaws.com/a.pem", True),
        ("https://sns.cn-north-1.amazonaws.com.cn/a.pem", True),
        ("http://sns.ap-northeast-1.amazonaws.com/a.pem", False),
        ("https://sns.ap-northeast-1.amazonaws.com.evil.example/a.pem", False),
        ("https://user@sns.ap-northeast-1.amazonaws.com/a.pem", False),
        ("https://sns.ap-northeast-1.amazonaws.com:8443/a.pem", False),
        ("https://sns.ap-northeast-1.amazonaws.com/a.pem?x=.txt", True),
        ("https://sns.ap-northeast-1.amazonaws.com/a", False),
        ("https://[::1/a.pem", False),
    ],
)
def test_a_certificate_is_looked_for_at_amazon_only(url: str, trusted: bool) -> None:  # noqa: FBT001 - a table's column
    assert certificate_url(request(MESSAGE | {"SigningCertURL": url})) == (url if trusted else None)


def test_a_subscription_is_confirmed_at_the_topics_own_region() -> None:
    asked = VECTORS["cases"][4]["message"]
    url = confirmation_url(envelope(json.dumps(asked | {"SubscribeURL": "https://evil"}).encode()))
    assert url == (
        "https://sns.ap-northeast-1.amazonaws.com/?Action=ConfirmSubscription"
        "&TopicArn=arn%3Aaws%3Asns%3Aap-northeast-1%3A123456789012%3Ainbound&Token=2336412f37"
    )
    china = asked | {"TopicArn": "arn:aws-cn:sns:cn-north-1:123456789012:inbound"}
    assert "cn-north-1.amazonaws.com.cn/" in str(
        confirmation_url(envelope(json.dumps(china).encode()))
    )


@pytest.mark.parametrize("change", [{"TopicArn": "arn:aws:sqs:x"}, {"Type": "Notification"}])
def test_nothing_else_is_confirmed(change: dict[str, str]) -> None:
    asked = VECTORS["cases"][4]["message"] | change
    assert confirmation_url(envelope(json.dumps(asked).encode())) is None


def test_a_certificate_is_fetched_for_our_own_topics_only() -> None:
    assert certificate(request(MESSAGE), account()) == URL
    assert certificate(request(MESSAGE | {"TopicArn": "arn:theirs"}), account()) is None
    assert certificate(request([]), account()) is None


def test_only_what_asks_for_a_confirmation_is_confirmed() -> None:
    asked = VECTORS["cases"][4]["message"]
    assert confirmation(request(MESSAGE), account()) is None
    assert "Action=ConfirmSubscription" in str(confirmation(request(asked), account()))
