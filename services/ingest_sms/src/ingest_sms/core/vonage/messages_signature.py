"""How Vonage signs the webhooks of its newer APIs: a JWT that names the body ("Signed webhooks")."""

from msgspec import Struct

from common.core.adapters import ChannelAccount, Original
from common.core.payloads import UnreadableError, json_value, shaped
from common.core.signatures import equal, fresh, hmac_base64, sha256_hex, unbase64, verified
from common.core.times import from_seconds


class Claims(Struct, frozen=True):
    """What the token says. Vonage's tokens have no `exp`."""

    iss: str
    iat: float
    payload_hash: str
    api_key: str = ""


def authentic(original: Original, account: ChannelAccount) -> bool:
    """Whether a signature secret of the account signed a token for exactly this body, not long ago.

    The account's option `api_key` says which Vonage account may speak; when not given, any that
    knows the secret.
    """
    claims = _claims(original.headers.get("authorization", ""), account)
    return (
        claims is not None
        and claims.iss == "Vonage"
        and equal(claims.payload_hash.lower(), sha256_hex(original.body))
        and account.options.get("api_key", claims.api_key) == claims.api_key
        and fresh(from_seconds(claims.iat), original, account)
    )


def _claims(authorization: str, account: ChannelAccount) -> Claims | None:
    """Return the claims of a token that is signed with HS256 by a secret of the account."""
    scheme, _, token = authorization.partition(" ")
    header, _, rest = token.partition(".")
    payload, _, signature = rest.partition(".")
    signed = f"{header}.{payload}".encode("utf-8", "surrogatepass")
    if scheme.lower() != "bearer" or not verified(
        account.secrets, signature, lambda key: _urlsafe(hmac_base64("sha256", key, signed))
    ):
        return None
    try:
        # The algorithm is ours to choose, never the token's: its header is only checked.
        shaped(json_value(unbase64(header) or b""), _Header)
        return shaped(json_value(unbase64(payload) or b""), Claims)
    except UnreadableError:
        return None


class _Header(Struct, tag_field="alg", tag="HS256"):
    pass


def _urlsafe(text: str) -> str:
    return text.translate(str.maketrans("+/", "-_")).rstrip("=")
