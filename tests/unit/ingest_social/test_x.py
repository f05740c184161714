"""How X asks whether we know its secret."""

import json
from urllib.parse import urlencode

from msgspec.structs import replace
from tests.samples.golden import account_of, request

from common.core.adapters import Original
from common.core.signatures import hmac_base64
from ingest_social.core.registry import ADAPTERS

X = ADAPTERS["x"]
ACCOUNT = replace(account_of("x"), secrets=("newest", "older"))


def check(**asked: str) -> Original:
    url = f"https://hooks.acme.example/v1/webhooks/x/main?{urlencode(asked)}"
    return replace(request("x", b""), method="GET", url=url)


def test_the_check_is_answered_with_the_newest_secret() -> None:
    answer = X.challenge(check(crc_token="合言葉", nonce="1"), ACCOUNT)
    assert answer is not None
    assert (answer.status, answer.media_type) == (200, "application/json")
    expected = f"sha256={hmac_base64('sha256', b'newest', '合言葉'.encode())}"
    assert json.loads(answer.body) == {"response_token": expected}


def test_without_a_token_or_a_secret_there_is_nothing_to_answer() -> None:
    for asked, account in (
        (check(), ACCOUNT),
        (check(crc_token="t"), replace(ACCOUNT, secrets=())),
    ):
        answer = X.challenge(asked, account)
        assert answer is not None
        assert answer.status == 403


def test_a_delivery_is_no_check_and_is_signed_over_its_raw_bytes() -> None:
    signature = f"sha256={hmac_base64('sha256', b'older', b'{}')}"
    original = replace(request("x", b"{}"), headers={"x-twitter-webhooks-signature": signature})
    assert X.challenge(original, ACCOUNT) is None
    assert X.authentic(original, ACCOUNT)
    assert not X.authentic(replace(original, body=b"{ }"), ACCOUNT)
