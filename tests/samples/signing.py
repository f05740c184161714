"""Requests signed as each provider signs them, by its own document and not by our check of it."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from urllib.parse import quote, quote_from_bytes

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, derive_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec.structs import replace
from tests.samples.golden import RECEIVED_AT, account_of

from common.core.adapters import ChannelAccount, Original

PUBLIC_URL = "https://hooks.example.jp/v1/webhooks"
SECRET = "user:MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # with a user, for those that want HTTP Basic
KEY = SECRET.encode()
OTHER_KEY = b"user:another-secret-of-the-same-use"

_ELLIPTIC = derive_private_key(20_260_115, SECP256R1())

Sign = Callable[[bytes, bytes, datetime], Original]


def account_for(provider: str, key: bytes = KEY) -> ChannelAccount:
    """Return an account that trusts whoever signs with `key`."""
    url = f"{PUBLIC_URL}/{provider}/main"
    return replace(account_of(provider), public_url=url, secrets=(secret_for(provider, key),))


def secret_for(provider: str, key: bytes = KEY) -> str:
    """Return the secret as an accounts file has it."""
    if provider == "generic":
        return f"whsec_{base64.b64encode(key).decode()}"
    if provider == "sendgrid":
        public = (
            _ELLIPTIC.public_key()
            if key == KEY
            else derive_private_key(7, SECP256R1()).public_key()
        )
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(der).decode()
    return key.decode()


def signed(provider: str, body: bytes, at: datetime = RECEIVED_AT, key: bytes = KEY) -> Original:
    """Return a request with this body (or one that holds it, where the body is what is signed)."""
    original = SIGNERS[provider](body, key, at)
    url = original.url or f"{PUBLIC_URL}/{provider}/main"
    return replace(original, provider=provider, received_at=at, url=url)


def _request(body: bytes, at: datetime, url: str = "", **headers: str) -> Original:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Original(provider="", account="main", received_at=at, body=body, headers=named, url=url)


def _seconds(at: datetime) -> str:
    return str(int(at.timestamp()))


def _hex(key: bytes, text: bytes) -> str:
    return hmac.new(key, text, hashlib.sha256).hexdigest()


def _base64(key: bytes, text: bytes, algorithm: str = "sha256") -> str:
    return base64.b64encode(hmac.new(key, text, algorithm).digest()).decode()


def _line(body: bytes, key: bytes, at: datetime) -> Original:
    return _request(body, at, x_line_signature=_base64(key, body))


def _meta(body: bytes, key: bytes, at: datetime) -> Original:
    return _request(body, at, x_hub_signature_256=f"sha256={_hex(key, body)}")


def _mastodon(body: bytes, key: bytes, at: datetime) -> Original:
    return _request(body, at, x_hub_signature=f"sha256={_hex(key, body)}")


def _x(body: bytes, key: bytes, at: datetime) -> Original:
    return _request(body, at, x_twitter_webhooks_signature=f"sha256={_base64(key, body)}")


def _viber(body: bytes, key: bytes, at: datetime) -> Original:
    return _request(body, at, x_viber_content_signature=_hex(key, body))


def _telegram(body: bytes, key: bytes, at: datetime) -> Original:
    return _request(body, at, x_telegram_bot_api_secret_token=key.decode())


def _postmark(body: bytes, key: bytes, at: datetime) -> Original:
    return _request(body, at, authorization=f"Basic {base64.b64encode(key).decode()}")


def _generic(body: bytes, key: bytes, at: datetime) -> Original:
    name, moment = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", _seconds(at)
    signature = _base64(key, f"{name}.{moment}.".encode() + body)
    return _request(
        body,
        at,
        webhook_id=name,
        webhook_timestamp=moment,
        webhook_signature=f"v1,{signature}",
    )


def _sinch(body: bytes, key: bytes, at: datetime) -> Original:
    nonce, moment = "01FJA8B4A7BM43YGWSG9GBV067", _seconds(at)
    return _request(
        body,
        at,
        x_sinch_webhook_signature=_base64(key, body + f".{nonce}.{moment}".encode()),
        x_sinch_webhook_signature_nonce=nonce,
        x_sinch_webhook_signature_timestamp=moment,
    )


def _twilio(body: bytes, key: bytes, at: datetime) -> Original:
    """Sign as a JSON webhook is: the URL holds a hash of the body."""
    url = f"{PUBLIC_URL}/twilio/main?bodySHA256={hashlib.sha256(body).hexdigest()}"
    signature = _base64(key, url.encode(), "sha1")
    return _request(body, at, url, x_twilio_signature=signature, content_type="application/json")


def _vonage_messages(body: bytes, key: bytes, at: datetime) -> Original:
    claims = {
        "iss": "Vonage",
        "iat": int(at.timestamp()),
        "payload_hash": hashlib.sha256(body).hexdigest(),
    }
    parts = [_token_part(json.dumps(part).encode()) for part in ({"alg": "HS256"}, claims)]
    text = ".".join(parts).encode()
    signature = _token_part(hmac.new(key, text, hashlib.sha256).digest())
    return _request(body, at, authorization=f"Bearer {text.decode()}.{signature}")


def _token_part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _vonage_sms(body: bytes, key: bytes, at: datetime) -> Original:
    """Sign a form whose text is `body`."""
    text = body.decode("utf-8", "replace")
    fields = {"msisdn": "819012345678", "text": text, "timestamp": _seconds(at)}
    told = "".join(
        f"&{name}={fields[name].replace('&', '_').replace('=', '_')}" for name in sorted(fields)
    )
    form = "&".join(f"{name}={quote(value)}" for name, value in fields.items())
    return _request(f"{form}&sig={_hex(key, told.encode())}".encode(), at)


def _mailgun(body: bytes, key: bytes, at: datetime) -> Original:
    """Sign a form whose mail is `body`."""
    moment, token = _seconds(at), "c" * 50
    signature = _hex(key, f"{moment}{token}".encode())
    fields = f"timestamp={moment}&token={token}&signature={signature}"
    return _request(f"{fields}&body-mime={quote_from_bytes(body)}".encode(), at)


def _sendgrid(body: bytes, key: bytes, at: datetime) -> Original:
    moment = _seconds(at)
    private = _ELLIPTIC if key == KEY else derive_private_key(7, SECP256R1())
    signature = private.sign(moment.encode() + body, ECDSA(SHA256()))
    return _request(
        body,
        at,
        x_twilio_email_event_webhook_signature=base64.b64encode(signature).decode(),
        x_twilio_email_event_webhook_timestamp=moment,
    )


# SES and AWS SMS come through SNS, whose certificate has to be fetched: see tests/unit/common/test_sns.py.
SIGNERS: Mapping[str, Sign] = MappingProxyType(
    {
        "line": _line,
        "whatsapp": _meta,
        "messenger": _meta,
        "instagram": _meta,
        "mastodon": _mastodon,
        "x": _x,
        "telegram": _telegram,
        "viber": _viber,
        "postmark": _postmark,
        "generic": _generic,
        "sinch-sms": _sinch,
        "sinch-conversation": _sinch,
        "twilio": _twilio,
        "vonage-messages": _vonage_messages,
        "vonage-sms": _vonage_sms,
        "mailgun": _mailgun,
        "sendgrid": _sendgrid,
    }
)
# Of the others a signature speaks for no body, or for the fields that are read out of it.
COVERS_BODY = frozenset(SIGNERS) - {"telegram", "postmark", "mailgun", "vonage-sms"}
