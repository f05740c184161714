"""How LINE signs a webhook ("Verify webhook signature"): base64 of HMAC-SHA256 over the raw body."""

from common.core.adapters import ChannelAccount, Original
from common.core.signatures import hmac_base64, verified


def authentic(original: Original, account: ChannelAccount) -> bool:
    """Whether a channel secret of the account signed exactly these bytes."""
    given = original.headers.get("x-line-signature")
    return verified(account.secrets, given, lambda key: hmac_base64("sha256", key, original.body))
