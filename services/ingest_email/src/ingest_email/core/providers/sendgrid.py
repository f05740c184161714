"""SendGrid Inbound Parse ("Setting up the Inbound Parse Webhook"), with "POST the raw message" on.

Signed as "Securing your Inbound Parse Webhooks" says and `EventWebhook.verify_signature` of
SendGrid's library checks. Without the raw option SendGrid takes mail apart and says of each piece
what charset it is in: then the mail is written anew from the pieces.
"""

import re
from collections.abc import Iterable, Mapping

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from common.core.adapters import ChannelAccount, Draft, Original
from common.core.events import Authenticity
from common.core.payloads import UnreadableError, items_at, json_value, text_at
from common.core.signatures import basic_credentials, fresh, unbase64, verified
from common.core.times import from_seconds
from ingest_email.core.envelope import Envelope
from ingest_email.core.headers import read_headers
from ingest_email.core.providers.composing import Body, compose
from ingest_email.core.providers.delivery import Delivery, drafts_of
from ingest_email.core.providers.forms import single_values, text_of

_HEADER = "x-twilio-email-event-webhook"
_RESULTS = ("pass", "fail", "softfail", "neutral", "none", "temperror", "permerror")
_DKIM = re.compile(r":\s*([a-z]+)", re.IGNORECASE)  # in `{@example.jp : pass}`


def authentic(original: Original, account: ChannelAccount) -> bool:
    """Whether one of the account's public keys verifies time and body, signed not long ago.

    Without a security policy SendGrid signs nothing: then the account's option `authentication` is
    `basic` and a secret is the `user:password` of the address that SendGrid was given.
    """
    if account.options.get("authentication") == "basic":
        given = original.headers.get("authorization")
        return verified(account.secrets, given, basic_credentials)
    signed_at = original.headers.get(f"{_HEADER}-timestamp", "")
    signature = unbase64(original.headers.get(f"{_HEADER}-signature", "")) or b""
    signed = signed_at.encode("utf-8", "surrogatepass") + original.body
    return fresh(from_seconds(signed_at), original, account) and any(
        _verifies(key, signature, signed) for key in account.secrets
    )


def parse(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Return the event of a delivered mail. SendGrid names no delivery: the mail names itself."""
    return drafts_of(_unwrap, "sendgrid-ecdsa", original, account)


def _verifies(key: str, signature: bytes, signed: bytes) -> bool:
    try:
        public = load_der_public_key(unbase64(key) or b"")
        if isinstance(public, EllipticCurvePublicKey):
            public.verify(signature, signed, ECDSA(SHA256()))
            return True
    except (ValueError, UnsupportedAlgorithm, InvalidSignature):
        pass
    return False


def _unwrap(original: Original) -> Delivery:
    fields = single_values(original.body)
    envelope = json_value(fields.get("envelope", b"{}"))
    return Delivery(
        mime=fields["email"] if "email" in fields else _composed(fields),
        envelope=Envelope(
            sender=text_at(envelope, "from"),
            recipients=tuple(item for item in items_at(envelope, "to") if isinstance(item, str)),
            client_ip=text_of(fields.get("sender_ip", b"")),
        ),
        authenticity=Authenticity(
            spf=_best([text_of(fields.get("SPF", b"")).strip()]),
            dkim=_best(_DKIM.findall(text_of(fields.get("dkim", b"")))),
        ),
    )


def _best(results: Iterable[str]) -> str | None:
    """Return a pass, if there is one, or the first result that RFC 8601 knows."""
    known = [result.lower() for result in results if result.lower() in _RESULTS]
    return "pass" if "pass" in known else next(iter(known), None)


def _composed(fields: Mapping[str, bytes]) -> bytes:
    if "headers" not in fields:
        raise UnreadableError("no mail in the form")
    charsets = json_value(fields.get("charsets", b"{}"))
    texts = [
        Body(media_type, fields[name], text_at(charsets, name) or "utf-8")
        for name, media_type in (("text", "text/plain"), ("html", "text/html"))
        if name in fields
    ]
    headers, _ = read_headers(fields["headers"].lstrip() + b"\r\n\r\n", 0)
    written = [(name, text_of(value)) for name, value in headers.fields]
    return compose(written, texts, _files(fields))


def _files(fields: Mapping[str, bytes]) -> list[Body]:
    told = json_value(fields.get("attachment-info", b"{}"))
    return [
        Body(
            text_at(told, name, "type") or "",
            content,
            name=text_at(told, name, "filename") or name,
            content_id=text_at(told, name, "content-id") or "",
        )
        for name, content in fields.items()
        if re.fullmatch(r"attachment[0-9]+", name)
    ]
