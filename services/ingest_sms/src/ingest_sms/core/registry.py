"""The providers of text messages, by their name in a webhook's address."""

from collections.abc import Mapping
from types import MappingProxyType

from common.core.adapters import Adapter
from common.core.webhooks import WebhookAdapter
from ingest_sms.core.twilio import parser as twilio, signature as twilio_signature

ADAPTERS: Mapping[str, Adapter] = MappingProxyType(
    {
        adapter.provider: adapter
        for adapter in (
            WebhookAdapter(
                provider="twilio",
                authentic=twilio_signature.authentic,
                parse=twilio.parse,
                answers=twilio.TWILIO_ANSWERS,
            ),
        )
    }
)
