"""How Viber signs a callback ("Viber REST Bot API", Callbacks): hex of HMAC-SHA256 over the raw body."""

from common.core.adapters import ChannelAccount, Original
from common.core.signatures import hmac_hex, verified


def authentic(original: Original, account: ChannelAccount) -> bool:
    """Whether an authentication token of the account signed exactly these bytes."""
    given = original.headers.get("x-viber-content-signature")
    return verified(account.secrets, given, lambda key: hmac_hex("sha256", key, original.body))
