"""How Meta proves itself, and asks whether our address is ours ("Create a webhook endpoint")."""

from common.core.adapters import Answer, ChannelAccount, Original
from common.core.payloads import form_fields
from common.core.signatures import equal, hmac_hex, verified


def authentic(original: Original, account: ChannelAccount) -> bool:
    """Whether an app secret of the account signed exactly these bytes.

    Meta escapes its JSON its own way: a body that was decoded and written again has another hash.
    """
    given = original.headers.get("x-hub-signature-256")
    return verified(
        account.secrets, given, lambda key: f"sha256={hmac_hex('sha256', key, original.body)}"
    )


def challenge(original: Original, account: ChannelAccount) -> Answer | None:
    """Answer the check of our address: the challenge itself, where our verify token is right.

    The token is the account's option `verify_token`.
    """
    if original.method != "GET":
        return None
    asked = dict(form_fields(original.url.partition("?")[2]))
    token = account.options.get("verify_token", "")
    ours = token and equal(asked.get("hub.verify_token", ""), token)
    if not ours or asked.get("hub.mode") != "subscribe":
        return Answer(403)
    return Answer(200, asked.get("hub.challenge", "").encode("utf-8", "replace"))
