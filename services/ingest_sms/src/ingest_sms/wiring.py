"""Puts the service together."""

from common.edges.ingest import IngestService, build_ingest, parse_by_adapter
from common.settings import IngestSettings
from ingest_sms.core.registry import ADAPTERS


def build(settings: IngestSettings) -> IngestService:
    """Return the service, not started yet."""
    return build_ingest("ingest_sms", settings, parse_by_adapter(ADAPTERS), ADAPTERS)
