"""The providers of social messages, by their name in a webhook's address."""

from collections.abc import Mapping
from types import MappingProxyType

from common.core.adapters import Adapter
from common.core.webhooks import WebhookAdapter
from ingest_social.core.line import parser as line, signature as line_signature

ADAPTERS: Mapping[str, Adapter] = MappingProxyType(
    {
        adapter.provider: adapter
        for adapter in (
            WebhookAdapter(provider="line", authentic=line_signature.authentic, parse=line.parse),
        )
    }
)
