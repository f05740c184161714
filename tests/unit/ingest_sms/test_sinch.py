"""Sinch's habits that a captured request does not show."""

import base64

import pytest
from msgspec.structs import replace
from tests.samples.golden import RECEIVED_AT, account_of, request

from common.core.adapters import Original
from common.core.signatures import hmac_base64
from ingest_sms.core.registry import ADAPTERS

SINCH = ADAPTERS["sinch-sms"]
ACCOUNT = replace(account_of("sinch-sms"), secrets=("secret",))
SIGNED_AT = int(RECEIVED_AT.timestamp())


def signed(signed_at: object) -> Original:
    signature = hmac_base64("sha256", b"secret", f"{{}}.nonce.{signed_at}".encode())
    headers = {
        "x-sinch-webhook-signature": signature,
        "x-sinch-webhook-signature-nonce": "nonce",
        "x-sinch-webhook-signature-timestamp": str(signed_at),
    }
    return replace(request("sinch-sms", b"{}"), headers=headers)


def test_a_signature_of_yesterday_is_accepted_because_retries_last_a_day() -> None:
    assert SINCH.authentic(signed(SIGNED_AT - 82_000), ACCOUNT)


@pytest.mark.parametrize("signed_at", [SIGNED_AT - 90_000, SIGNED_AT + 90_000, "soon", ""])
def test_a_signature_of_another_time_is_refused(signed_at: object) -> None:
    assert not SINCH.authentic(signed(signed_at), ACCOUNT)


def test_sms_callbacks_may_use_http_basic_where_the_account_says_so() -> None:
    credentials = base64.b64encode("窓口:secret".encode()).decode()
    original = replace(
        request("sinch-sms", b"{}"), headers={"authorization": f"Basic {credentials}"}
    )
    by_basic = replace(ACCOUNT, secrets=("窓口:secret",), options={"authentication": "basic"})
    assert SINCH.authentic(original, by_basic)
    assert not SINCH.authentic(original, replace(by_basic, options={}))
    assert not SINCH.authentic(signed(SIGNED_AT), by_basic)
