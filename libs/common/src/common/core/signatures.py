"""What providers' signature checks share. Nothing here raises: a bad signature is an answer."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from common.core.adapters import ChannelAccount, Original

Digest = Callable[[bytes], str]

# Retries are often sent again as they were signed, hours later; ids tell us what we know already.
REPLAY_SECONDS = 86_400


def equal(given: str, expected: str) -> bool:
    """Whether both texts are the same, in a time that does not tell where they differ."""
    return hmac.compare_digest(_octets(given), _octets(expected))


def verified(secrets: Iterable[str], given: str | None, digest: Digest) -> bool:
    """Whether `given` is the signature that one of the secrets makes.

    An empty secret never verifies: a variable that was not set must not open the door to anybody.
    """
    return any(secret and equal(given or "", digest(_octets(secret))) for secret in secrets)


def hmac_base64(algorithm: str, key: bytes, message: bytes) -> str:
    """Return the HMAC in standard base64; `algorithm` as hashlib names it."""
    return base64.b64encode(hmac.digest(key, message, algorithm)).decode()


def hmac_hex(algorithm: str, key: bytes, message: bytes) -> str:
    """Return the HMAC in lower-case hex; `algorithm` as hashlib names it."""
    return hmac.digest(key, message, algorithm).hex()


def basic_credentials(user_and_password: bytes) -> str:
    """Return the Authorization header (RFC 7617) of a secret that is `user:password`."""
    return f"Basic {base64.b64encode(user_and_password).decode()}"


def sha256_hex(message: bytes) -> str:
    """Return the SHA-256 in lower-case hex."""
    return hashlib.sha256(message).hexdigest()


def fresh(
    signed_at: datetime | None,
    original: Original,
    account: ChannelAccount,
    window_seconds: int = REPLAY_SECONDS,
) -> bool:
    """Whether the request was signed not too long before, or after, it reached us.

    The account's option `replay_seconds` replaces the provider's usual window.
    """
    told = account.options.get("replay_seconds", "")
    window = timedelta(seconds=int(told) if told.isdecimal() else window_seconds)
    return signed_at is not None and abs(original.received_at - signed_at) <= window


def unbase64(text: str) -> bytes | None:
    """Return the bytes of a base64 text in either alphabet, padded or not; None where it is none.

    Spellings that differ only in bits that mean nothing are none: one signature is one text.
    """
    digits = text.translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        content = base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return content if base64.b64encode(content).decode().rstrip("=") == digits else None


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
