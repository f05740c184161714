"""How Meta checks our address, and proves itself."""

from urllib.parse import urlencode

import pytest
from msgspec.structs import replace
from tests.samples.golden import account_of, request

from common.core.adapters import Original
from common.core.signatures import hmac_hex
from ingest_social.core.registry import ADAPTERS

WHATSAPP = ADAPTERS["whatsapp"]
ACCOUNT = replace(account_of("whatsapp"), secrets=("secret",), options={"verify_token": "合言葉"})


def check(**asked: str) -> Original:
    named = {f"hub.{name}": text for name, text in asked.items()}
    url = f"https://hooks.acme.example/v1/webhooks/whatsapp/main?{urlencode(named)}"
    return replace(request("whatsapp", b""), method="GET", url=url)


def test_the_check_of_our_address_is_answered_with_the_challenge_unchanged() -> None:
    answer = WHATSAPP.challenge(
        check(mode="subscribe", verify_token="合言葉", challenge="1158201444"), ACCOUNT
    )
    assert answer is not None
    assert (answer.status, answer.body, answer.media_type) == (200, b"1158201444", "text/plain")


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"mode": "subscribe", "verify_token": "wrong", "challenge": "1"},
        {"mode": "subscribe", "verify_token": "", "challenge": "1"},
        {"mode": "unsubscribe", "verify_token": "合言葉", "challenge": "1"},
    ],
)
def test_a_check_by_somebody_else_is_refused(asked: dict[str, str]) -> None:
    answer = WHATSAPP.challenge(check(**asked), ACCOUNT)
    assert answer is not None
    assert (answer.status, answer.body) == (403, b"")


def test_without_a_verify_token_of_ours_no_check_passes() -> None:
    asked = check(mode="subscribe", verify_token="", challenge="1")
    answer = WHATSAPP.challenge(asked, replace(ACCOUNT, options={}))
    assert answer is not None
    assert answer.status == 403


def test_a_delivery_is_no_check_and_is_signed_over_its_raw_bytes() -> None:
    body = '{"entry": "返品"}'.encode()
    signature = f"sha256={hmac_hex('sha256', b'secret', body)}"
    original = replace(request("whatsapp", body), headers={"x-hub-signature-256": signature})
    assert WHATSAPP.challenge(original, ACCOUNT) is None
    assert WHATSAPP.authentic(original, ACCOUNT)
    assert not WHATSAPP.authentic(replace(original, body=body + b"\n"), ACCOUNT)
