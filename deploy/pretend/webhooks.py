"""Correctly signed webhook requests, as Twilio and LINE send them."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from common.core.adapters import ChannelAccount


@dataclass(frozen=True)
class WebhookRequest:
    """What to POST: path, headers, body."""

    path: str
    headers: dict[str, str]
    body: bytes


def twilio_sms(account: ChannelAccount, sender: str, text: str, message_sid: str) -> WebhookRequest:
    """Return an inbound SMS, signed like Twilio's RequestValidator expects it."""
    fields = {
        "MessageSid": message_sid,
        "SmsSid": message_sid,
        "SmsMessageSid": message_sid,
        "AccountSid": "AC" + "0" * 31 + "1",
        "From": sender,
        "To": account.addresses[0],
        "Body": text,
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsStatus": "received",
        "ApiVersion": "2010-04-01",
    }
    signed = account.public_url + "".join(name + fields[name] for name in sorted(fields))
    mac = hmac.new(account.secrets[0].encode(), signed.encode(), hashlib.sha1)
    headers = {
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "x-twilio-signature": base64.b64encode(mac.digest()).decode(),
    }
    return WebhookRequest(_path(account), headers, urlencode(fields).encode())


def line_text(
    account: ChannelAccount, user_id: str, text: str, event_id: str, moment: datetime
) -> WebhookRequest:
    """Return one text message to the bot, signed over its bytes."""
    event = {
        "type": "message",
        "message": {"type": "text", "id": event_id, "quoteToken": "q", "text": text},
        "webhookEventId": event_id,
        "deliveryContext": {"isRedelivery": False},
        "timestamp": int(moment.timestamp() * 1000),
        "source": {"type": "user", "userId": user_id},
        "replyToken": "reply-" + event_id,
        "mode": "active",
    }
    payload = {"destination": "U" + "0" * 32, "events": [event]}
    body = json.dumps(payload, ensure_ascii=False).encode()
    mac = hmac.new(account.secrets[0].encode(), body, hashlib.sha256)
    headers = {
        "content-type": "application/json; charset=utf-8",
        "x-line-signature": base64.b64encode(mac.digest()).decode(),
    }
    return WebhookRequest(_path(account), headers, body)


def _path(account: ChannelAccount) -> str:
    return f"/v1/webhooks/{account.provider}/{account.account}"
