"""The settings that only one service reads: a doctor in another one's image must know them, too."""

from collections.abc import Mapping

OF_ONE_SERVICE: Mapping[str, frozenset[str]] = {
    "ingest_email": frozenset(
        {
            *("smtp_host", "smtp_port", "smtp_hostname", "smtp_size_limit", "smtp_max_recipients"),
            *("smtp_max_connections", "lmtp_port", "smtp_tls_certificate", "smtp_tls_key"),
            *("imap_idle_seconds", "imap_poll_seconds", "imap_batch", "dns_seconds"),
        }
    ),
    "ingest_sms": frozenset(
        {
            *("parts_patience_seconds", "parts_sweep_seconds"),
            *("smpp_retry_seconds", "smpp_longest_retry_seconds"),
        }
    ),
    "ingest_social": frozenset({"mentions_seconds"}),
    "router": frozenset(
        {"rules", "rules_source", "rules_poll_seconds", "match_seconds", "live_streams"}
    ),
    "timeline": frozenset(
        {
            *("region", "search_indexing", "public_url", "link_keys", "search_connections"),
            *("figures_counting", "figures_time_zone", "live_streams"),
        }
    ),
}

# Read by what stands around the services: the local stack and deploy/compose.yaml.
BESIDE_THE_SERVICES = frozenset(
    {
        *("MADOGUCHI_STACK", "MADOGUCHI_VERSION", "MADOGUCHI_KAFKA_PORT"),
        *("MADOGUCHI_POSTGRES_PORT", "MADOGUCHI_POSTGRES_SECRET"),
    }
)
