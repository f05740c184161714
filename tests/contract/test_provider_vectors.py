"""What the providers' own code signed is accepted, and refused once anything in it was changed.

tests/samples/provider-vectors.json was made with, or accepted by, the providers' own SDKs; entries
named "SDK test" are published in their test suites. All secrets in it are made up.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from msgspec.structs import replace
from tests.samples.golden import FOLDER, RECEIVED_AT

from common.core.adapters import ChannelAccount, Original
from ingest_email.core.providers.registry import ADAPTERS as MAIL
from ingest_sms.core.registry import ADAPTERS as SMS
from ingest_social.core.registry import ADAPTERS as SOCIAL

ADAPTERS = {**MAIL, **SMS, **SOCIAL}
VECTORS: dict[str, Any] = json.loads((FOLDER / "provider-vectors.json").read_text("utf-8"))
SIGNED_BY_SNS = (
    "Message",
    "MessageId",
    "Signature",
    "SignatureVersion",
    "SigningCertURL",
    "Subject",
    "SubscribeURL",
    "Timestamp",
    "Token",
    "TopicArn",
    "Type",
)
UNSIGNED = ("content-type", "x-sinch-webhook-signature-algorithm")
FORM = "application/x-www-form-urlencoded"

Case = tuple[Original, ChannelAccount]


def case(
    provider: str,
    secret: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    url: str = "",
    options: Mapping[str, str] = MappingProxyType({}),
    received_at: datetime = RECEIVED_AT,
) -> Case:
    original = Original(
        provider=provider,
        account="main",
        received_at=received_at,
        body=body,
        url=url,
        headers=dict(headers),
    )
    # The newer secret comes first: a rotation must not refuse what the older one signed.
    account = ChannelAccount(
        tenant="acme",
        provider=provider,
        account="main",
        secrets=("newer", secret),
        options=dict(options),
    )
    return original, account


def pairs(params: Any) -> list[tuple[str, str]]:
    listed = params.items() if isinstance(params, dict) else params
    return [(name, value) for name, value in listed]


def twilio(vector: dict[str, Any]) -> Case:
    headers = {"x-twilio-signature": vector["signature"]}
    secret = vector["auth_token"]
    if "algorithm" in vector:
        settings = f"key=webhooks_sharedkey_x,algorithm={vector['algorithm']}"
        headers["x-twilio-webhooks-signature-settings"] = settings
        secret = f"webhooks_sharedkey_x={secret}"
    if "params" in vector:
        body, headers["content-type"] = urlencode(pairs(vector["params"])).encode(), FORM
    else:
        body, headers["content-type"] = vector["body"].encode(), "application/json"
    return case("twilio", secret, body, headers, url=vector["url"])


def vonage_sms(vector: dict[str, Any]) -> Case:
    body = urlencode({**vector["params"], "sig": vector["sig"]}).encode()
    method = vector["method"].split()[0].removeprefix("HMAC-").lower()
    options = {"signature_method": method}
    return case("vonage-sms", vector["secret"], body, {"content-type": FORM}, options=options)


def vonage_messages(vector: dict[str, Any]) -> Case:
    headers = {"authorization": vector["authorization"]}
    return case("vonage-messages", vector["secret"], vector["body"].encode(), headers)


def sinch(vector: dict[str, Any]) -> Case:
    headers = vector["headers"]
    signed_at = datetime.fromtimestamp(int(headers["x-sinch-webhook-signature-timestamp"]), UTC)
    body = vector["body"].encode()
    return case("sinch-sms", vector["secret"], body, headers, received_at=signed_at)


def sns(vector: dict[str, Any]) -> Case:
    message = vector["message"]
    headers = {
        "x-amz-sns-message-type": message["Type"],
        "x-amz-sns-message-id": message["MessageId"],
    }
    options = {
        "topics": message["TopicArn"],
        f"certificate:{message['SigningCertURL']}": VECTORS["sns"]["cert_pem"],
    }
    body = json.dumps(message, ensure_ascii=False).encode()
    return case("aws-sms", "unused", body, headers, options=options)


def sendgrid(vector: dict[str, Any]) -> Case:
    headers = {
        "x-twilio-email-event-webhook-signature": vector["signature"],
        "x-twilio-email-event-webhook-timestamp": vector["timestamp"],
    }
    signed_at = datetime.fromtimestamp(int(vector["timestamp"]), UTC)
    key, body = vector["public_key_base64_der"], vector["payload"].encode()
    return case("sendgrid", key, body, headers, received_at=signed_at)


def mailgun(vector: dict[str, Any]) -> Case:
    body = urlencode({name: vector[name] for name in ("timestamp", "token", "signature")}).encode()
    return case("mailgun", vector["signing_key"], body, {"content-type": FORM})


def line(vector: dict[str, Any]) -> Case:
    headers = {"x-line-signature": vector["signature"]}
    return case("line", vector["secret"], vector["body"].encode(), headers)


def meta(vector: dict[str, Any]) -> Case:
    body = vector["body"]
    provider = "whatsapp" if "whatsapp_business_account" in body else "messenger"
    headers = {"x-hub-signature-256": vector["header_x_hub_signature_256"]}
    return case(provider, vector["app_secret"], body.encode(), headers)


def x(vector: dict[str, Any]) -> Case:
    headers = {"x-twitter-webhooks-signature": vector["x_twitter_webhooks_signature"]}
    return case("x", vector["consumer_secret"], vector["body"].encode(), headers)


def mastodon(vector: dict[str, Any]) -> Case:
    headers = {"x-hub-signature": vector["x_hub_signature"]}
    return case("mastodon", vector["secret"], vector["body"].encode(), headers)


MAKERS = {
    "twilio": twilio,
    "vonage_sms_sig": vonage_sms,
    "vonage_messages_jwt": vonage_messages,
    "sinch": sinch,
    "sns": sns,
    "sendgrid": sendgrid,
    "mailgun": mailgun,
    "line": line,
    "meta": meta,
    "x": x,
    "mastodon_admin_webhook": mastodon,
}


def vectors(family: str) -> list[dict[str, Any]]:
    found = VECTORS[family]
    if family == "sns":
        return list(found["cases"])
    return [vector for vector in found if "crc_token" not in vector]  # that is a challenge


CASES = {
    f"{family}-{number}": make(vector)
    for family, make in MAKERS.items()
    for number, vector in enumerate(vectors(family))
}
every_case = pytest.mark.parametrize(("original", "account"), CASES.values(), ids=CASES)


def accepted(original: Original, account: ChannelAccount) -> bool:
    return ADAPTERS[original.provider].authentic(original, account)


def meaning(original: Original) -> Any:
    """Return what is signed: for forms the fields, however their bytes were escaped."""
    if original.headers.get("content-type") == FORM:
        text = original.body.decode("utf-8", "replace")
        return sorted(set(parse_qsl(text, keep_blank_values=True)))
    if original.provider == "aws-sms":
        return signed_by_sns(original.body)
    return original.body


def signed_by_sns(body: bytes) -> Any:
    """Return what SNS signs, and the signature: where to unsubscribe is not among it."""
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return {name: found.get(name) for name in SIGNED_BY_SNS}


def flipped(content: bytes) -> list[bytes]:
    return [
        content[:index] + bytes([byte ^ 1]) + content[index + 1 :]
        for index, byte in enumerate(content)
    ]


@every_case
def test_what_the_provider_signed_is_accepted(original: Original, account: ChannelAccount) -> None:
    assert accepted(original, account)


@every_case
def test_any_other_byte_in_the_body_is_refused(original: Original, account: ChannelAccount) -> None:
    for body in flipped(original.body):
        other = replace(original, body=body)
        assert not accepted(other, account) or meaning(other) == meaning(original)


@every_case
def test_any_other_byte_in_a_header_is_refused(original: Original, account: ChannelAccount) -> None:
    for name, value in original.headers.items():
        if name not in UNSIGNED:
            for changed in flipped(value.encode()):
                headers = original.headers | {name: changed.decode("latin-1")}
                assert not accepted(replace(original, headers=headers), account)


@every_case
def test_without_its_signature_it_is_refused(original: Original, account: ChannelAccount) -> None:
    # Vonage's SMS API and Mailgun sign within the form.
    body = original.body.partition(b"&sig=")[0].partition(b"&signature=")[0]
    assert not accepted(replace(original, headers={}, body=body), account)


@every_case
def test_another_secret_none_or_an_empty_one_is_refused(
    original: Original, account: ChannelAccount
) -> None:
    # What Amazon signs with a certificate has no secret of ours: there the certificate goes.
    options = {name: text for name, text in account.options.items() if "certificate" not in name}
    for secrets in ((), ("",), ("another",), ("webhooks_sharedkey_x=another",)):
        assert not accepted(original, replace(account, secrets=secrets, options=options))


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("twilio")])
def test_twilio_speaks_for_the_url_too(name: str) -> None:
    original, account = CASES[name]
    for url in flipped(original.url.encode()):
        assert not accepted(replace(original, url=url.decode()), account)


def test_meta_signs_its_own_escapes_not_what_another_writer_makes_of_them() -> None:
    original, account = CASES["meta-0"]
    body = json.dumps(json.loads(original.body)).encode()
    wrong = VECTORS["meta"][0]["wrong_if_reserialised"]
    assert not accepted(replace(original, body=body), account)
    assert not accepted(replace(original, headers={"x-hub-signature-256": wrong}), account)


def test_x_is_answered_with_its_token_signed() -> None:
    vector = VECTORS["x"][0]
    account = replace(CASES["x-0"][1], secrets=(vector["consumer_secret"], "older"))
    url = f"https://hooks.acme.example/v1/webhooks/x/main?crc_token={vector['crc_token']}"
    asked = replace(CASES["x-0"][0], method="GET", url=url)
    answer = ADAPTERS["x"].challenge(asked, account)
    assert answer is not None
    assert json.loads(answer.body) == vector["response"]
