"""Vonage's habits that a captured request does not show."""

import base64
import hashlib
import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from msgspec.structs import replace
from tests.samples.golden import RECEIVED_AT, account_of, request

from common.core.adapters import ChannelAccount, Original
from common.core.events import Message
from common.core.signatures import hmac_base64, hmac_hex, sha256_hex
from ingest_sms.core.registry import ADAPTERS

SMS, MESSAGES = ADAPTERS["vonage-sms"], ADAPTERS["vonage-messages"]
FIELDS = {"msisdn": "819012345678", "to": "815012345678", "messageId": "1", "text": "a=b&c"}
SIGNED_AT = str(int(RECEIVED_AT.timestamp()))


def account(provider: str, **options: str) -> ChannelAccount:
    return replace(account_of(provider), secrets=("secret",), options=options)


def signed_fields(timestamp: str = SIGNED_AT) -> dict[str, str]:
    fields = FIELDS | {"timestamp": timestamp}
    text = "".join(
        f"&{name}={fields[name].replace('&', '_').replace('=', '_')}" for name in sorted(fields)
    )
    return fields | {"sig": hmac_hex("sha256", b"secret", text.encode()).upper()}


def signed_form(timestamp: str = SIGNED_AT) -> Original:
    return request("vonage-sms", urlencode(signed_fields(timestamp)).encode())


def test_parameters_are_signed_the_same_as_form_json_or_query() -> None:
    by_json = request("vonage-sms", json.dumps(signed_fields()).encode())
    query = f"https://hooks.acme.example/?{urlencode(signed_fields())}"
    by_query = replace(request("vonage-sms", b""), method="GET", url=query)
    for original in (signed_form(), by_json, by_query):
        assert SMS.authentic(original, account("vonage-sms"))
        (draft,) = SMS.parse(original, account("vonage-sms"))
        assert isinstance(draft.data, Message)
        assert draft.data.text == "a=b&c"


@pytest.mark.parametrize("timestamp", ["", "soon", str(int(SIGNED_AT) - 86_401)])
def test_a_signature_without_a_timestamp_or_an_old_one_is_refused(timestamp: str) -> None:
    assert not SMS.authentic(signed_form(timestamp), account("vonage-sms"))


def test_the_accounts_own_window_for_old_signatures_counts() -> None:
    old = signed_form(str(int(SIGNED_AT) - 10))
    assert SMS.authentic(old, account("vonage-sms", replay_seconds="10"))
    assert not SMS.authentic(old, account("vonage-sms", replay_seconds="9"))


def test_only_the_method_of_the_account_is_accepted() -> None:
    assert not SMS.authentic(signed_form(), account("vonage-sms", signature_method="sha512"))
    assert not SMS.authentic(signed_form(), account("vonage-sms", signature_method="rot13"))


def test_json_that_cannot_be_read_is_not_authentic() -> None:
    assert not SMS.authentic(request("vonage-sms", b"{"), account("vonage-sms"))


BODY = b'{"message_uuid": "1"}'
CLAIMS: dict[str, object] = {
    "iss": "Vonage",
    "iat": int(SIGNED_AT),
    "payload_hash": sha256_hex(BODY),
    "api_key": "abcd1234",
}


def bearer(claims: object, algorithm: str = "HS256", scheme: str = "Bearer") -> Original:
    header, payload = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
        for part in ({"alg": algorithm, "typ": "JWT"}, claims)
    )
    signature = hmac_base64("sha256", b"secret", f"{header}.{payload}".encode())
    urlsafe = signature.replace("+", "-").replace("/", "_").rstrip("=")
    token = f"{scheme} {header}.{payload}.{urlsafe}"
    return replace(request("vonage-messages", BODY), headers={"authorization": token})


def test_a_token_for_this_body_is_accepted_whatever_api_key_unless_one_is_named() -> None:
    assert MESSAGES.authentic(bearer(CLAIMS), account("vonage-messages"))
    assert MESSAGES.authentic(bearer(CLAIMS), account("vonage-messages", api_key="abcd1234"))
    assert not MESSAGES.authentic(bearer(CLAIMS), account("vonage-messages", api_key="other"))


@pytest.mark.parametrize(
    "claims",
    [
        CLAIMS | {"iss": "Somebody"},
        CLAIMS | {"payload_hash": sha256_hex(b"{}")},
        CLAIMS | {"iat": (RECEIVED_AT - timedelta(days=2)).timestamp()},
        {"iss": "Vonage"},
        [],
    ],
)
def test_a_signed_token_that_says_something_else_is_refused(claims: object) -> None:
    assert not MESSAGES.authentic(bearer(claims), account("vonage-messages"))


def test_the_token_chooses_neither_its_algorithm_nor_its_scheme() -> None:
    assert not MESSAGES.authentic(bearer(CLAIMS, algorithm="none"), account("vonage-messages"))
    assert not MESSAGES.authentic(bearer(CLAIMS, scheme="Basic"), account("vonage-messages"))


def test_the_oldest_method_hashes_text_and_secret_without_hmac() -> None:
    text = "".join(f"&{name}={value}" for name, value in sorted({"timestamp": SIGNED_AT}.items()))
    digest = hashlib.md5(f"{text}secret".encode()).hexdigest()  # noqa: S324 - Vonage's method
    original = request("vonage-sms", urlencode({"timestamp": SIGNED_AT, "sig": digest}).encode())
    assert SMS.authentic(original, account("vonage-sms", signature_method="md5hash"))
