"""Links to files that carry their own right to be followed, for a few minutes.

A token is a msgpack FileLink and its HMAC-SHA256, as URL-safe text. Whoever has it may read that one
file, so it names the tenant, the entry and the very object, and ends soon.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from msgspec import Struct

SHORTEST_SECRET = 32
LONGEST_SECONDS = 300
ORIGINAL = -1

_MAC_BYTES = 32
_encode = msgspec.msgpack.Encoder().encode


class FileLink(Struct, frozen=True, array_like=True):
    """Which file: the attachment at `place` of an entry, or its ORIGINAL, that lies at `location`.

    `key` names the secret that signs it, `expires` is in seconds of Unix time.
    """

    key: str
    expires: int
    tenant: str
    entry: UUID
    place: int
    location: str

    @property
    def expires_at(self) -> datetime:
        """Return the moment from which on it is refused, UTC."""
        return datetime.fromtimestamp(self.expires, UTC)


class FileAccess(Struct, frozen=True, kw_only=True):
    """Where a file can be read until `expires_at`, without a token; `size` is in bytes."""

    url: str
    expires_at: datetime
    name: str
    media_type: str
    size: int | None = None
    sha256: str | None = None


_decode = msgspec.msgpack.Decoder(FileLink).decode


class ExpiredLinkError(ValueError):
    """It was a link of ours, and its time is over."""


class LinkKeys:
    """The secrets that sign links: the first one signs, all are accepted, so they can be rotated."""

    def __init__(self, secrets: Mapping[str, bytes]) -> None:
        self._secrets = dict(secrets)
        self.signing = next(iter(self._secrets))

    def token(self, link: FileLink) -> str:
        """Return the link as text. Raises LookupError where its key is not known."""
        content = _encode(link)
        signed = content + _mac(self._secrets[link.key], content)
        return base64.urlsafe_b64encode(signed).rstrip(b"=").decode()

    def link(self, token: str, now: datetime) -> FileLink:
        """Return the link in a text from outside.

        Raises ExpiredLinkError, and ValueError where it is none of ours.
        """
        try:
            signed = base64.b64decode(
                token + "=" * (-len(token) % 4), altchars=b"-_", validate=True
            )
            content, mac = signed[:-_MAC_BYTES], signed[-_MAC_BYTES:]
            link = _decode(content)
            ours = hmac.compare_digest(mac, _mac(self._secrets[link.key], content))
        except (ValueError, msgspec.DecodeError, KeyError) as error:
            raise ValueError("not a link of ours") from error
        if not ours:
            raise ValueError("not a link of ours")
        if now >= link.expires_at:
            raise ExpiredLinkError("the link has expired")
        return link


def read_keys(text: str) -> LinkKeys | None:
    """Return the keys in a setting, `id:secret` separated by commas; None where there are none.

    Raises ValueError where one has no id or too short a secret.
    """
    pairs = [pair.strip().partition(":") for pair in text.split(",") if pair.strip()]
    if any(not name or len(secret) < SHORTEST_SECRET for name, _, secret in pairs):
        raise ValueError(f"want id:secret, the secret of {SHORTEST_SECRET} characters or more")
    return LinkKeys({name: secret.encode() for name, _, secret in pairs}) if pairs else None


def _mac(secret: bytes, content: bytes) -> bytes:
    return hmac.new(secret, b"madoguchi.file\x00" + content, hashlib.sha256).digest()
