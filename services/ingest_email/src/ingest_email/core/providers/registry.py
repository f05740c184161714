"""The mail services that deliver by webhook, by their name in a webhook's address."""

from collections.abc import Mapping
from types import MappingProxyType

from common.core import sns
from common.core.adapters import Adapter, ChannelAccount, Draft, Original
from common.core.webhooks import WebhookAdapter
from ingest_email.core import message
from ingest_email.core.providers import mailgun, postmark, sendgrid, ses

ADAPTERS: Mapping[str, Adapter] = MappingProxyType(
    {
        adapter.provider: adapter
        for adapter in (
            WebhookAdapter(provider="sendgrid", authentic=sendgrid.authentic, parse=sendgrid.parse),
            WebhookAdapter(
                provider="mailgun",
                authentic=mailgun.authentic,
                parse=mailgun.parse,
                answers=mailgun.MAILGUN_ANSWERS,
            ),
            WebhookAdapter(
                provider="postmark",
                authentic=postmark.authentic,
                parse=postmark.parse,
                answers=postmark.POSTMARK_ANSWERS,
            ),
            WebhookAdapter(
                provider="ses",
                certificate=sns.certificate,
                authentic=sns.authentic,
                confirmation=sns.confirmation,
                parse=ses.parse,
            ),
        )
    }
)


def parse(original: Original, account: ChannelAccount) -> tuple[Draft, ...]:
    """Return the events of what reached this service: a provider's request, or a mail as it came."""
    adapter = ADAPTERS.get(original.provider)
    return adapter.parse(original, account) if adapter else message.parse(original, account)
