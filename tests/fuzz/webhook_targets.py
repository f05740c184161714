"""Requests of providers: what anybody may post to us, and what only they can sign."""

import base64
import json
from collections.abc import Mapping
from functools import lru_cache, partial

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec.structs import replace
from tests.fuzz.laws import Target, flipped, pieces, storable, text
from tests.samples.golden import ADAPTERS, RECEIVED_AT, account_of, request
from tests.samples.hostile import SIGNATURES
from tests.samples.signing import COVERS_BODY, OTHER_KEY, SECRET, SIGNERS, account_for, signed

from common.core import sns
from common.core.adapters import Adapter, Original, with_certificate
from common.core.payloads import (
    UnreadableError,
    flattened,
    form_fields,
    items_at,
    json_value,
    text_at,
)
from common.core.text import clean
from common.core.times import from_iso, from_millis, from_seconds
from ingest_email.core.providers.forms import FIELDS, form_values
from ingest_social.core.bluesky import notifications as bluesky
from ingest_social.core.mastodon import notifications as mastodon

ALL = {name: adapter for adapters in ADAPTERS.values() for name, adapter in adapters.items()}
TOPIC = "arn:aws:sns:ap-northeast-1:123456789012:madoguchi"
CERTIFICATE_URL = "https://sns.ap-northeast-1.amazonaws.com/SimpleNotificationService-1.pem"
MOST_LABELS = 64


def webhook(adapter: Adapter, data: bytes) -> None:
    """Check a request's signature, which must not hold, and parse it as if it did."""
    body, signature = pieces(data, 2)
    forged = replace(
        request(adapter.provider, body),
        headers=dict.fromkeys(SIGNATURES, signature.decode("latin-1")),
        url=f"https://hooks.example.jp/?{signature.decode('latin-1')}",
    )
    account = replace(account_of(adapter.provider), secrets=(SECRET, ""))
    assert not adapter.authentic(forged, account)
    adapter.certificate(forged, account)
    adapter.challenge(forged, account)
    adapter.challenge(replace(forged, method="GET"), account)
    storable(adapter.parse(forged, account))


def signature(adapter: Adapter, data: bytes) -> None:
    """Sign any body as its provider does: it holds, and no longer once a byte of it is another."""
    where, body = int.from_bytes(data[:2], "big"), data[2:]
    name = adapter.provider
    original, account = signed(name, body), account_for(name)
    assert adapter.authentic(original, account)
    assert not adapter.authentic(signed(name, body, key=OTHER_KEY), account)
    assert not adapter.authentic(replace(original, headers={}, body=body), account)
    if name in COVERS_BODY:
        longer = replace(original, body=body + b"\0")
        assert not adapter.authentic(longer, account)
        if body:
            assert not adapter.authentic(replace(original, body=flipped(body, where)), account)
    for header in original.headers.keys() - {"content-type"}:
        assert not adapter.authentic(_with_flipped(original, header, where), account)
    storable(adapter.parse(original, account))


def sns_message(data: bytes) -> None:
    """Sign a notification: it holds, and no longer once any field is another."""
    where, said = pieces(data, 2)
    message = {
        "Type": "Notification",
        "MessageId": clean(text(where)) or "1",
        "TopicArn": TOPIC,
        "Message": clean(text(said)),  # Amazon's XML could not hold what this takes out
        "Timestamp": RECEIVED_AT.isoformat(),
        "SignatureVersion": "2",
        "SigningCertURL": CERTIFICATE_URL,
    }
    key, pem = _amazon()
    names = ("Message", "MessageId", "Timestamp", "TopicArn", "Type")
    covered = "".join(f"{name}\n{message[name]}\n" for name in names).encode()
    message["Signature"] = base64.b64encode(key.sign(covered, PKCS1v15(), SHA256())).decode()
    account = with_certificate(
        replace(account_of("ses"), options={"topics": TOPIC}), CERTIFICATE_URL, pem
    )
    assert sns.certificate(_sns(message), account) == CERTIFICATE_URL
    assert sns.authentic(_sns(message), account)
    for name in (*names, "Signature"):
        assert not sns.authentic(_sns({**message, name: "x" + message[name]}), account)


def certificate(data: bytes) -> None:
    """Check a message against a certificate of any bytes: refused, never an exception."""
    body = json.dumps(
        {
            "Type": "Notification",
            "MessageId": "1",
            "TopicArn": TOPIC,
            "Message": "",
            "Timestamp": RECEIVED_AT.isoformat(),
            "SignatureVersion": "1",
            "SigningCertURL": CERTIFICATE_URL,
            "Signature": "AAAA",
        }
    )
    account = replace(account_of("ses"), options={"topics": TOPIC})
    pem = data.decode("latin-1")
    assert not sns.authentic(
        _sns(json.loads(body)), with_certificate(account, CERTIFICATE_URL, pem)
    )


def payload(data: bytes) -> None:
    """Read JSON leniently: clean text within, labels of it bounded."""
    form_fields(data)
    for read in (from_iso, from_millis, from_seconds):
        moment = read(text(data))
        assert moment is None or moment.tzinfo
    try:
        value = json_value(data)
    except UnreadableError:
        return
    labels = flattened(value)
    assert len(labels) <= MOST_LABELS
    assert not any("\0" in f"{name}{label}" for name, label in labels.items())
    assert "".join(labels.values()).encode() is not None
    text_at(value, "a", "b")
    items_at(value, "a")


def form(data: bytes) -> None:
    """Read a mail service's form, which is refused or has a bounded number of fields."""
    try:
        values = form_values(data)
    except UnreadableError:
        return
    assert len(values) <= FIELDS
    assert sum(len(value) for _, value in values) <= len(data)
    assert not any("\0" in name for name, _ in values)


def notifications(data: bytes) -> None:
    """Read what Bluesky and Mastodon answer; the position reached can be gone on from."""
    try:
        page = bluesky.page(data)
    except UnreadableError:
        pass
    else:
        reached = bluesky.news([page], None).position
        assert not bluesky.news([page], reached).bodies
        bluesky.reaches(page, reached)
    try:
        found = mastodon.news(data, None)
    except UnreadableError:
        return
    mastodon.query(found.position)
    assert mastodon.news(data, found.position).position == found.position


def _with_flipped(original: Original, header: str, where: int) -> Original:
    value = original.headers[header]
    start = value.rfind(" ") + 1  # a scheme's case does not matter
    changed = value[:start] + flipped(value[start:].encode(), where).decode()
    return replace(original, headers={**original.headers, header: changed})


def _sns(message: Mapping[str, str]) -> Original:
    headers = {
        "x-amz-sns-message-type": message["Type"],
        "x-amz-sns-message-id": message["MessageId"],
    }
    return replace(request("ses", json.dumps(message).encode()), headers=headers)


@lru_cache(maxsize=1)
def _amazon() -> tuple[RSAPrivateKey, str]:
    key = generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sns.amazonaws.com")])
    built = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    built = built.not_valid_before(RECEIVED_AT).not_valid_after(RECEIVED_AT.replace(year=2027))
    return key, built.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()


TARGETS: Mapping[str, Target] = {
    **{f"webhook-{name}": partial(webhook, adapter) for name, adapter in sorted(ALL.items())},
    **{f"signature-{name}": partial(signature, ALL[name]) for name in sorted(SIGNERS)},
    "signature-sns": sns_message,
    "sns-certificate": certificate,
    "payload": payload,
    "form": form,
    "notifications": notifications,
}
