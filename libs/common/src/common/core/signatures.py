"""What providers' signature checks share. Nothing here raises: a bad signature is an answer."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable

Digest = Callable[[bytes], str]


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


def sha256_hex(message: bytes) -> str:
    """Return the SHA-256 in lower-case hex."""
    return hashlib.sha256(message).hexdigest()


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
