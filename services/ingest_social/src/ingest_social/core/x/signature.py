"""How X proves itself, and asks whether we know its secret ("V2 Webhooks API", challenge-response)."""

import msgspec

from common.core.adapters import Answer, ChannelAccount, Original
from common.core.payloads import form_fields
from common.core.signatures import hmac_base64, verified


def authentic(original: Original, account: ChannelAccount) -> bool:
    """Whether a consumer secret of the account signed exactly these bytes."""
    given = original.headers.get("x-twitter-webhooks-signature")
    return verified(account.secrets, given, lambda key: _signature(key, original.body))


def challenge(original: Original, account: ChannelAccount) -> Answer | None:
    """Answer X's hourly check with its token, signed with our newest consumer secret."""
    if original.method != "GET":
        return None
    token = dict(form_fields(original.url.partition("?")[2])).get("crc_token")
    if not token or not any(account.secrets):
        return Answer(403)
    key = account.secrets[0].encode()
    signed = _signature(key, token.encode("utf-8", "surrogatepass"))
    return Answer(200, msgspec.json.encode({"response_token": signed}), "application/json")


def _signature(key: bytes, message: bytes) -> str:
    return f"sha256={hmac_base64('sha256', key, message)}"
