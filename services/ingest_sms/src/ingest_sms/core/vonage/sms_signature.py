"""How Vonage's SMS API signs parameters ("Signing messages")."""

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from common.core.adapters import ChannelAccount, Original
from common.core.payloads import UnreadableError
from common.core.signatures import fresh, hmac_hex, verified
from common.core.times import from_seconds
from ingest_sms.core.vonage.parameters import parameters

Sign = Callable[[bytes, bytes], str]


def authentic(original: Original, account: ChannelAccount) -> bool:
    """Whether a signature secret of the account signed all parameters, not long ago.

    The account's option `signature_method` is what its dashboard says: `md5hash`, `md5`, `sha1`,
    `sha256` (when not given) or `sha512`. The request cannot choose.
    """
    sign = METHODS.get(account.options.get("signature_method", "sha256"))
    try:
        params = dict(parameters(original))
    except UnreadableError:
        return False
    given = params.pop("sig", "").lower()
    signed_at = from_seconds(params.get("timestamp"))
    if sign is None or not fresh(signed_at, original, account):
        return False
    return verified(account.secrets, given, partial(sign, _signed_text(params)))


def _signed_text(params: Mapping[str, str]) -> bytes:
    text = "".join(f"&{name}={_escaped(params[name])}" for name in sorted(params))
    return text.encode("utf-8", "surrogatepass")


def _escaped(value: str) -> str:
    return value.replace("&", "_").replace("=", "_")


def _hmac(algorithm: str, text: bytes, key: bytes) -> str:
    return hmac_hex(algorithm, key, text)


def _md5_hash(text: bytes, key: bytes) -> str:
    return hashlib.md5(text + key).hexdigest()  # noqa: S324 - the dashboard's weakest choice, and its default


METHODS: Mapping[str, Sign] = MappingProxyType(
    {
        "md5hash": _md5_hash,
        **{name: partial(_hmac, name) for name in ("md5", "sha1", "sha256", "sha512")},
    }
)
