"""The providers of social messages, by their name in a webhook's address."""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from common.core.adapters import Adapter, ChannelAccount, Draft, Original
from common.core.events import Channel
from common.core.webhooks import WebhookAdapter, never
from ingest_social.core.bluesky import parser as bluesky
from ingest_social.core.generic import parser as generic, signature as generic_signature
from ingest_social.core.line import parser as line, signature as line_signature
from ingest_social.core.mastodon import parser as mastodon, signature as mastodon_signature
from ingest_social.core.meta import messaging, signature as meta_signature, whatsapp
from ingest_social.core.telegram import parser as telegram, signature as telegram_signature
from ingest_social.core.viber import parser as viber, signature as viber_signature
from ingest_social.core.x import parser as x, signature as x_signature

ADAPTERS: Mapping[str, Adapter] = MappingProxyType(
    {
        adapter.provider: adapter
        for adapter in (
            WebhookAdapter(provider="line", authentic=line_signature.authentic, parse=line.parse),
            WebhookAdapter(
                provider="whatsapp",
                authentic=meta_signature.authentic,
                challenge=meta_signature.challenge,
                parse=whatsapp.parse,
            ),
            WebhookAdapter(
                provider="messenger",
                authentic=meta_signature.authentic,
                challenge=meta_signature.challenge,
                parse=partial(messaging.parse, Channel.MESSENGER),
            ),
            WebhookAdapter(
                provider="instagram",
                authentic=meta_signature.authentic,
                challenge=meta_signature.challenge,
                parse=partial(messaging.parse, Channel.INSTAGRAM),
            ),
            WebhookAdapter(
                provider="x",
                authentic=x_signature.authentic,
                challenge=x_signature.challenge,
                parse=x.parse,
            ),
            WebhookAdapter(
                provider="telegram",
                authentic=telegram_signature.authentic,
                parse=telegram.parse,
            ),
            WebhookAdapter(
                provider="viber", authentic=viber_signature.authentic, parse=viber.parse
            ),
            WebhookAdapter(
                provider="mastodon",
                authentic=mastodon_signature.authentic,
                parse=mastodon.parse,
            ),
            WebhookAdapter(provider="bluesky", authentic=never, parse=bluesky.parse),
            WebhookAdapter(
                provider="generic", authentic=generic_signature.authentic, parse=generic.parse
            ),
        )
    }
)


def parse(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Return the events in what one of these providers sent."""
    return ADAPTERS[original.provider].parse(original, account)
