"""Standard Webhooks 1.0.0: what docs/generic-provider.md asks other systems to sign."""

from common.core.adapters import ChannelAccount, Original
from common.core.signatures import equal, fresh, hmac_base64, unbase64
from common.core.times import from_seconds

WINDOW_SECONDS = 300  # every attempt is signed anew, so an old signature is a replayed one

_PREFIX = "whsec_"
_SHORTEST_KEY = 24  # bytes; a few zeros would make the same HMAC as no key at all


def authentic(original: Original, account: ChannelAccount) -> bool:
    """Whether a secret of the account signed id, time and body, within the last minutes.

    Several signatures may stand in one header: that is how the sender rotates.
    """
    message_id = original.headers.get("webhook-id", "")
    signed_at = original.headers.get("webhook-timestamp", "")
    signed = f"{message_id}.{signed_at}.".encode("utf-8", "surrogatepass") + original.body
    given = original.headers.get("webhook-signature", "").split(" ")
    expected = [f"v1,{hmac_base64('sha256', key, signed)}" for key in _keys(account)]
    return (
        bool(message_id)
        and fresh(from_seconds(signed_at), original, account, WINDOW_SECONDS)
        and any(equal(one, right) for one in given for right in expected)
    )


def _keys(account: ChannelAccount) -> list[bytes]:
    """Return the keys within the secrets, `whsec_` and base64; one too short opens nothing."""
    keys = (unbase64(secret.removeprefix(_PREFIX)) for secret in account.secrets)
    return [key for key in keys if key and len(key) >= _SHORTEST_KEY]
