"""How a Mastodon instance signs the webhooks of its administration (WebSub's way)."""

from common.core.adapters import ChannelAccount, Original
from common.core.signatures import hmac_hex, verified


def authentic(original: Original, account: ChannelAccount) -> bool:
    """Whether a webhook secret of the account signed exactly these bytes."""
    given = original.headers.get("x-hub-signature")
    return verified(
        account.secrets, given, lambda key: f"sha256={hmac_hex('sha256', key, original.body)}"
    )
