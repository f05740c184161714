"""Twilio's habits that a captured request does not show."""

from urllib.parse import urlencode

import pytest
from msgspec.structs import replace
from tests.samples.golden import RECEIVED_AT, account_of

from common.core.adapters import ChannelAccount, Original, Outcome
from common.core.events import Message
from common.core.signatures import hmac_base64, sha256_hex
from ingest_sms.core.registry import ADAPTERS

TWILIO = ADAPTERS["twilio"]
URL = "https://hooks.acme.example/v1/webhooks/twilio/main"
FIELDS = {"MessageSid": "SM1", "From": "+819012345678", "To": "+815012345678", "Body": "予約"}
FORM = "application/x-www-form-urlencoded; charset=UTF-8"


def account(*secrets: str) -> ChannelAccount:
    return replace(account_of("twilio"), secrets=secrets)


def signed(text: str, algorithm: str = "sha1", **fields: object) -> Original:
    original = Original(
        provider="twilio",
        account="main",
        received_at=RECEIVED_AT,
        body=urlencode(FIELDS).encode(),
        url=URL,
        headers={"content-type": FORM, "x-twilio-signature": sign(text, algorithm)},
    )
    return replace(original, **fields)


def sign(text: str, algorithm: str = "sha1") -> str:
    return hmac_base64(algorithm, b"token", text.encode())


SIGNED_FORM = "".join(name + FIELDS[name] for name in sorted(FIELDS))


@pytest.mark.parametrize(
    ("url", "signed_url"),
    [
        (URL, URL),
        (URL, URL.replace(".example/", ".example:443/")),
        (URL.replace(".example/", ".example:443/"), URL),
        (URL.replace(".example/", ".example:8443/"), URL),
        ("http://hooks.acme.example/x", "http://hooks.acme.example:80/x"),
        ("http://hooks.acme.example", "http://hooks.acme.example:80"),
        ("hooks.acme.example/x", "hooks.acme.example/x"),
    ],
)
def test_twilio_may_sign_the_url_with_or_without_its_port(url: str, signed_url: str) -> None:
    assert TWILIO.authentic(signed(signed_url + SIGNED_FORM, url=url), account("token"))


def test_a_get_request_is_signed_in_its_url_alone() -> None:
    url = f"{URL}?{urlencode(FIELDS)}"
    original = signed(url, url=url, method="GET", body=b"ignored")
    assert TWILIO.authentic(original, account("token"))
    (draft,) = TWILIO.parse(original, account("token"))
    assert isinstance(draft.data, Message)
    assert draft.data.text == "予約"


def test_a_body_that_the_signature_does_not_cover_is_refused() -> None:
    """Else the signature of any GET request would vouch for any JSON body."""
    headers = {"content-type": "application/json", "x-twilio-signature": sign(URL)}
    assert not TWILIO.authentic(signed("", headers=headers), account("token"))
    url = f"{URL}?bodySHA256={sha256_hex(b'{}')}"
    headers = headers | {"x-twilio-signature": sign(url)}
    assert TWILIO.authentic(signed("", headers=headers, url=url, body=b"{}"), account("token"))
    assert not TWILIO.authentic(signed("", headers=headers, url=url, body=b"[]"), account("token"))


@pytest.mark.parametrize(
    ("settings", "algorithm", "secret", "accepted"),
    [
        ("key=k1,algorithm=HMAC_SHA256", "sha256", "k1=token", True),
        ("key=k1, algorithm=HMAC_SHA1", "sha1", "k1=token", True),
        ("key=k1", "sha1", "token", True),
        ("key=k1,algorithm=HMAC_SHA256", "sha256", "token", False),
        ("key=k2,algorithm=HMAC_SHA256", "sha256", "k1=token", False),
        ("algorithm=HMAC_SHA256", "sha256", "token", False),
        ("key=k1,algorithm=MD5", "md5", "k1=token", False),
        ("", "sha1", "k1=token", False),
    ],
)
def test_a_request_is_checked_with_the_kind_of_key_it_names(
    settings: str, algorithm: str, secret: str, *, accepted: bool
) -> None:
    original = signed("")
    headers = original.headers | {
        "x-twilio-webhooks-signature-settings": settings,
        "x-twilio-signature": sign(URL + SIGNED_FORM, algorithm),
    }
    assert TWILIO.authentic(replace(original, headers=headers), account(secret)) is accepted


def test_twilio_is_asked_to_say_nothing_to_the_customer() -> None:
    answer = TWILIO.answer(Outcome.ACCEPTED)
    assert (answer.status, answer.body, answer.media_type) == (200, b"<Response/>", "text/xml")
