"""How Sinch signs callbacks ("Callback Request Signing")."""

from common.core.adapters import ChannelAccount, Original
from common.core.signatures import basic_credentials, fresh, hmac_base64, verified
from common.core.times import from_seconds

_HEADER = "x-sinch-webhook-signature"


def authentic(original: Original, account: ChannelAccount) -> bool:
    """Whether a secret of the account signed body, nonce and time, not long ago.

    SMS callbacks may be set to HTTP Basic instead: then the account's option `authentication` is
    `basic` and a secret is `user:password`.
    """
    if account.options.get("authentication") == "basic":
        return verified(account.secrets, original.headers.get("authorization"), basic_credentials)
    nonce = original.headers.get(f"{_HEADER}-nonce", "")
    signed_at = original.headers.get(f"{_HEADER}-timestamp", "")
    signed = original.body + f".{nonce}.{signed_at}".encode("utf-8", "surrogatepass")
    return fresh(from_seconds(signed_at), original, account) and verified(
        account.secrets,
        original.headers.get(_HEADER),
        lambda key: hmac_base64("sha256", key, signed),
    )
