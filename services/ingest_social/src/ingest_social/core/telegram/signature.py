"""How Telegram proves itself: it repeats the secret we gave to `setWebhook` (Bot API 10.1)."""

from common.core.adapters import ChannelAccount, Original
from common.core.signatures import verified


def authentic(original: Original, account: ChannelAccount) -> bool:
    """Whether the request carries a secret of the account. Nothing is signed: TLS guards the body."""
    given = original.headers.get("x-telegram-bot-api-secret-token")
    return verified(account.secrets, given, lambda key: key.decode("utf-8", "surrogatepass"))
