"""The documented way for any other system to post messages, by Standard Webhooks."""

import base64
import json
import re
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.samples.golden import RECEIVED_AT, account_of, request

from common.core.adapters import Original
from common.core.events import Message, MessageStatus
from common.core.signatures import hmac_base64
from ingest_social.core.registry import ADAPTERS

GENERIC = ADAPTERS["generic"]
KEY = b"0123456789abcdef0123456789abcdef"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
ACCOUNT = replace(account_of("generic"), secrets=(SECRET,))
SIGNED_AT = int(RECEIVED_AT.timestamp())
DOCUMENT = Path(__file__).parents[3] / "docs" / "generic-provider.md"


def signed(
    body: bytes = b"{}", signed_at: object = SIGNED_AT, message_id: str = "msg_1"
) -> Original:
    text = f"{message_id}.{signed_at}.".encode() + body
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(signed_at),
        "webhook-signature": f"v1,{hmac_base64('sha256', KEY, text)}",
    }
    return replace(request("generic", body), headers=headers)


def with_signature(original: Original, signature: str) -> Original:
    return replace(original, headers=original.headers | {"webhook-signature": signature})


def test_the_example_of_the_specification_is_accepted() -> None:
    """Published by standardwebhooks.com with its reference libraries."""
    original = replace(
        request("generic", b'{"test": 2432232314}'),
        received_at=RECEIVED_AT.fromtimestamp(1614265330, RECEIVED_AT.tzinfo),
        headers={
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        },
    )
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert GENERIC.authentic(original, replace(ACCOUNT, secrets=(secret,)))


def test_a_signature_among_several_and_a_secret_without_its_prefix_are_accepted() -> None:
    original = signed()
    several = f"v1,AAAA v1a,ed25519 {original.headers['webhook-signature']}"
    bare = replace(ACCOUNT, secrets=("another", SECRET.removeprefix("whsec_")))
    assert GENERIC.authentic(with_signature(original, several), bare)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_signature_of_minutes_ago_is_a_replay(seconds: int) -> None:
    assert GENERIC.authentic(signed(signed_at=SIGNED_AT + seconds // 2), ACCOUNT)
    assert not GENERIC.authentic(signed(signed_at=SIGNED_AT + seconds), ACCOUNT)


@pytest.mark.parametrize(
    "original",
    [
        replace(signed(), body=b"{ }"),
        replace(signed(), headers={}),
        signed(message_id=""),
        signed(signed_at="soon"),
        with_signature(signed(), "v1,"),
        with_signature(signed(), signed().headers["webhook-signature"].removeprefix("v1,")),
    ],
)
def test_anything_else_is_refused(original: Original) -> None:
    assert not GENERIC.authentic(original, ACCOUNT)


@pytest.mark.parametrize("secret", ["", "whsec_", "not base64!", "whsec_AAAA"])
def test_a_secret_that_is_none_opens_nothing(secret: str) -> None:
    empty_key = hmac_base64("sha256", b"", b"msg_1." + str(SIGNED_AT).encode() + b".{}")
    original = with_signature(signed(), f"v1,{empty_key}")
    assert not GENERIC.authentic(original, replace(ACCOUNT, secrets=(secret,)))


def test_every_example_in_the_document_is_what_it_says() -> None:
    examples = re.findall(
        r"```json[^\n]*\n(\{.*?\n\})\n```", DOCUMENT.read_text("utf-8"), re.DOTALL
    )
    assert len(examples) >= 3
    for example in examples:
        (draft,) = GENERIC.parse(request("generic", example.encode()), ACCOUNT)
        wanted = json.loads(example)
        assert draft.data.message_id == wanted["data"]["id"]
        assert draft.time.isoformat().startswith("2026-01-15T09:30")
        assert isinstance(
            draft.data, MessageStatus if wanted["type"] == "message.status" else Message
        )
        assert getattr(draft.data, "kind", None) != "unsupported"
