"""Every metric of Madoguchi, in one closed list, each with its unit and what it tells."""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

webhook_requests = Counter(
    "madoguchi_webhook_requests_total",
    "Webhook requests by outcome; `unauthentic` rising means a wrong secret or an attack.",
    ["provider", "account", "outcome"],
)
webhook_seconds = Histogram(
    "madoguchi_webhook_seconds",
    "Seconds from request to answer; providers give up after 2 (LINE) to 20.",
    ["provider"],
    buckets=_SECONDS,
)
messages_accepted = Counter(
    "madoguchi_messages_accepted_total",
    "Events published or kept in the inbox, by kind.",
    ["provider", "account", "team", "kind"],
)
inbox_rows = Gauge(
    "madoguchi_inbox_rows", "Requests in the durable inbox; above zero means Kafka is away."
)
consumed_events = Counter(
    "madoguchi_consumed_events_total", "Events handled and committed.", ["group", "topic"]
)
consumer_lag = Gauge(
    "madoguchi_consumer_lag_records", "Records not yet handled.", ["group", "topic", "partition"]
)
batch_seconds = Histogram(
    "madoguchi_batch_seconds", "Seconds to handle and commit one batch.", buckets=_SECONDS
)
dead_letters = Counter(
    "madoguchi_dead_letters_total", "Records refused for good, by reason.", ["topic", "reason"]
)
retries = Counter("madoguchi_retries_total", "Batches rolled back and tried again.", ["error"])
outbox_rows = Gauge("madoguchi_outbox_rows", "Events committed and not yet published.")
published_records = Counter(
    "madoguchi_published_records_total", "Records acknowledged by Kafka.", ["topic"]
)
publish_failures = Counter(
    "madoguchi_publish_failures_total", "Publishing attempts that ended in doubt."
)
media_files = Counter(
    "madoguchi_media_files_total",
    "Attempts to fetch a message's file: `stored`, `later`, or why it was given up.",
    ["provider", "account", "outcome"],
)
parses_given_up = Counter(
    "madoguchi_parses_given_up_total",
    "Originals that the parser did not come back from, kept unread: `time` or `crash`.",
    ["provider", "reason"],
)
media_waiting = Gauge(
    "madoguchi_media_waiting",
    "Files to be fetched or asked for again, up to 100,000; replicas share the queue and show the same.",
)
credential_ready = Gauge(
    "madoguchi_credential_ready",
    "1 while a provider accepts a credential that we show it, by its use (`media`, `mentions`) and "
    "its place in the account's list, from 1; 0 after a refusal.",
    ["provider", "account", "use", "place"],
)
account_ready = Gauge(
    "madoguchi_account_ready",
    "1 while an account's credentials work.",
    ["provider", "account", "team"],
)
rules_loaded = Counter(
    "madoguchi_rules_loaded_total", "Attempts to load routing rules, by outcome.", ["outcome"]
)
erased_refused = Counter(
    "madoguchi_erased_refused_total",
    "Events not taken in because they are about somebody who was erased.",
)
erasures_open = Gauge(
    "madoguchi_erasures_open", "Erasures without a certificate yet; a day is long."
)
retention_deleted = Counter(
    "madoguchi_retention_deleted_total", "Entries deleted because their time is over."
)
retention_overdue_days = Gauge(
    "madoguchi_retention_overdue_days",
    "Days by which the oldest entry that may go is too old; rising means that retention falls behind.",
)
access_waiting = Gauge(
    "madoguchi_access_waiting",
    "Readings whose record is not in the database yet; they wait for it.",
)
streams_open = Gauge(
    "madoguchi_streams_open",
    "Server-sent event streams that readers hold open, by kind: `offers`, `customer`, `queue`.",
    ["kind"],
)
