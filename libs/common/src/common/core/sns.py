"""Amazon SNS over HTTPS: its envelope and its signature.

By "Verifying the signatures of Amazon SNS messages". A valid signature proves only that some AWS
topic sent the message, and anybody can have one: an account names its own topics.

The certificate that signed a message lies at a URL of AWS that the message itself names. Fetching is
no business of the core: the edge asks `certificate`, fetches it once (common.edges.certificates) and
hands it over with the account.
"""

import re
from urllib.parse import urlencode, urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from msgspec import Struct, field

from common.core.adapters import ChannelAccount, Original, certificate_of
from common.core.payloads import Id, UnreadableError, json_value, shaped
from common.core.signatures import fresh, unbase64
from common.core.times import from_iso

NOTIFICATION = "Notification"
SUBSCRIPTION = "SubscriptionConfirmation"

_HOST = re.compile(r"sns\.[a-zA-Z0-9-]{3,}\.amazonaws\.com(\.cn)?")
_TOPIC = re.compile(r"arn:aws(-cn|-us-gov)?:sns:([a-z0-9-]{3,}):[0-9]{12}:[A-Za-z0-9_.-]{1,256}")
_SIGNED = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    SUBSCRIPTION: (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
}
_HASHES: dict[str, HashAlgorithm] = {
    "1": SHA1(),  # noqa: S303 - what AWS signs with until a topic is set to version 2
    "2": SHA256(),
}


class Envelope(Struct, frozen=True, rename="pascal", kw_only=True):
    """What SNS wraps around a message. `message_id` is the same in every delivery."""

    type: str
    message_id: Id
    topic_arn: str
    message: str
    timestamp: str
    signature_version: str
    signature: str
    signing_cert_url: str = field(name="SigningCertURL")
    subject: str | None = None
    token: str | None = None
    subscribe_url: str | None = field(name="SubscribeURL", default=None)


def envelope(body: bytes) -> Envelope:
    """Return the envelope of a request. Raises UnreadableError."""
    return shaped(json_value(body), Envelope)


def certificate_url(original: Original) -> str | None:
    """Return where AWS keeps the certificate of a request; None where it names no place of AWS."""
    try:
        url = envelope(original.body).signing_cert_url
        parts = urlsplit(url)
    except (UnreadableError, ValueError):
        return None
    trusted = parts.scheme == "https" and _HOST.fullmatch(parts.netloc)
    return url if trusted and parts.path.endswith(".pem") else None


def certificate(original: Original, account: ChannelAccount) -> str | None:
    """Return the certificate's URL for a message of the account's own topics, None for all others."""
    url = certificate_url(original)
    return url if url and _ours(envelope(original.body), account) else None


def confirmation(original: Original, _account: ChannelAccount) -> str | None:
    """Return the call that an authentic request asks for: the confirmation of a subscription."""
    return confirmation_url(envelope(original.body))


def authentic(original: Original, account: ChannelAccount) -> bool:
    """Whether one of the account's own topics sent this, not long ago.

    Topics are the account's option `topics`: ARNs with spaces between them.
    """
    try:
        message = envelope(original.body)
    except UnreadableError:
        return False
    return (
        _ours(message, account)
        and original.headers.get("x-amz-sns-message-type") == message.type
        and original.headers.get("x-amz-sns-message-id") == message.message_id
        and fresh(from_iso(message.timestamp), original, account)
        and _signed(message, original, account)
    )


def confirmation_url(message: Envelope) -> str | None:
    """Return the call that confirms a subscription, built from its topic, never from its own link."""
    topic = _TOPIC.fullmatch(message.topic_arn)
    if topic is None or message.type != SUBSCRIPTION:
        return None
    partition, region = topic.groups()
    suffix = ".cn" if partition == "-cn" else ""
    call = {
        "Action": "ConfirmSubscription",
        "TopicArn": message.topic_arn,
        "Token": message.token or "",
    }
    return f"https://sns.{region}.amazonaws.com{suffix}/?{urlencode(call)}"


def _ours(message: Envelope, account: ChannelAccount) -> bool:
    return message.topic_arn in account.options.get("topics", "").split()


def _signed(message: Envelope, original: Original, account: ChannelAccount) -> bool:
    url = certificate_url(original)
    pem = certificate_of(account, url) if url else ""
    algorithm = _HASHES.get(message.signature_version)
    key = _public_key(pem, original)
    if key is None or algorithm is None or message.type not in _SIGNED:
        return False
    try:
        text = _signed_text(message).encode("utf-8", "surrogatepass")
        key.verify(unbase64(message.signature) or b"", text, PKCS1v15(), algorithm)
    except InvalidSignature:
        return False
    return True


def _public_key(pem: str, original: Original) -> RSAPublicKey | None:
    try:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None
    valid = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    in_force = valid[0] <= original.received_at <= valid[1]
    return key if in_force and isinstance(key, RSAPublicKey) else None


def _signed_text(message: Envelope) -> str:
    values = {
        "Message": message.message,
        "MessageId": message.message_id,
        "Subject": message.subject,
        "SubscribeURL": message.subscribe_url,
        "Timestamp": message.timestamp,
        "Token": message.token,
        "TopicArn": message.topic_arn,
        "Type": message.type,
    }
    names = _SIGNED[message.type]
    return "".join(f"{name}\n{values[name]}\n" for name in names if values[name] is not None)
