"""The providers of text messages, by their name in a webhook's address."""

from collections.abc import Mapping
from types import MappingProxyType

from common.core import sns
from common.core.adapters import Adapter, ChannelAccount, Draft, Original
from common.core.webhooks import WebhookAdapter, never
from ingest_sms.core.aws import parser as aws
from ingest_sms.core.joining import Joiner
from ingest_sms.core.sinch import (
    conversation as sinch_conversation,
    signature as sinch_signature,
    sms as sinch_sms,
)
from ingest_sms.core.smpp import parser as smpp, parts as smpp_parts
from ingest_sms.core.twilio import parser as twilio, signature as twilio_signature
from ingest_sms.core.vonage import (
    messages as vonage_messages,
    messages_signature as vonage_messages_signature,
    parts as vonage_parts,
    sms as vonage_sms,
    sms_signature as vonage_sms_signature,
)

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
            WebhookAdapter(
                provider="vonage-sms",
                authentic=vonage_sms_signature.authentic,
                parse=vonage_sms.parse,
            ),
            WebhookAdapter(
                provider="vonage-messages",
                authentic=vonage_messages_signature.authentic,
                parse=vonage_messages.parse,
            ),
            WebhookAdapter(
                provider="sinch-sms",
                authentic=sinch_signature.authentic,
                parse=sinch_sms.parse,
            ),
            WebhookAdapter(
                provider="sinch-conversation",
                authentic=sinch_signature.authentic,
                parse=sinch_conversation.parse,
            ),
            WebhookAdapter(
                provider="aws-sms",
                certificate=sns.certificate,
                authentic=sns.authentic,
                confirmation=sns.confirmation,
                parse=aws.parse,
            ),
            WebhookAdapter(provider="smpp", authentic=never, parse=smpp.parse),
        )
    }
)

JOINERS: Mapping[str, Joiner] = MappingProxyType(
    {"smpp": smpp_parts.JOINER, "vonage-sms": vonage_parts.JOINER}
)


def parse(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Return the events in what one of these providers sent."""
    return ADAPTERS[original.provider].parse(original, account)
