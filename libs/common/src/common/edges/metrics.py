"""Every metric of Madoguchi, in one closed list, each with its unit and what it tells.

`python -m observability` writes docs/metrics.md from it. What several replicas count from a
shared database all of them show: ask for `max`, not for `sum`.
"""

from common.edges.metric_list import STATE, MetricList

LIST = MetricList()

_ANSWERS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_ROUNDS = (0.001, 0.0025, *_ANSWERS)
_WAITS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)

# What comes in.
webhook_requests = LIST.counter(
    "webhook_requests",
    "requests",
    "Webhook requests by outcome; `unauthentic` rising means a wrong secret or an attack.",
    ["provider", "account", "outcome"],
)
webhook_seconds = LIST.histogram(
    "webhook_seconds",
    "Seconds from request to answer; providers give up after 2 (LINE) to 20.",
    ["provider"],
    _ANSWERS,
)
session_messages = LIST.counter(
    "session_messages",
    "messages",
    "Messages that came in a session, by answer: `accepted`, `deferred` (the sender tries again), "
    "`refused` (nobody here has that address).",
    ["protocol", "outcome"],
)
session_seconds = LIST.histogram(
    "session_seconds",
    "Seconds from the end of a message to our answer; the sender waits for it.",
    ["protocol"],
    _ANSWERS,
)
sessions_open = LIST.gauge(
    "sessions_open", "sessions", "Connections of mail servers, or binds.", ["protocol"]
)
messages_accepted = LIST.counter(
    "messages_accepted",
    "messages",
    "Events published or kept in the inbox, by kind.",
    ["provider", "account", "team", "kind"],
)
inbox_rows = LIST.gauge(
    "inbox_rows", "rows", "Requests in the durable inbox; above zero means Kafka is away."
)
inbox_oldest_seconds = LIST.gauge(
    "inbox_oldest_seconds", "seconds", "How long the oldest request in the inbox has waited."
)
parses_given_up = LIST.counter(
    "parses_given_up",
    "parses",
    "Originals that the parser did not come back from, kept unread: `time` or `crash`.",
    ["provider", "reason"],
)
media_files = LIST.counter(
    "media_files",
    "files",
    "Attempts to fetch a message's file: `stored`, `later`, or why it was given up.",
    ["provider", "account", "outcome"],
)
media_waiting = LIST.gauge(
    "media_waiting_files", "files", "Files to be fetched or asked for again, up to 100,000."
)
account_ready = LIST.gauge(
    "account_ready",
    STATE,
    "1 while an account's credentials work.",
    ["provider", "account", "team"],
)
credential_ready = LIST.gauge(
    "credential_ready",
    STATE,
    "1 while a provider accepts a credential that we show it; 0 after a refusal.",
    ["provider", "account", "use", "place"],
)

# The bus.
consumer_lag = LIST.gauge(
    "consumer_lag_records",
    "records",
    "Records that are not handled yet, of the partitions that this process has.",
    ["group", "topic", "partition"],
)
consumer_oldest_seconds = LIST.gauge(
    "consumer_oldest_seconds",
    "seconds",
    "How long ago the oldest record that is not handled yet was published; 0: none waits.",
    ["group", "topic", "partition"],
)
handled_seconds = LIST.histogram(
    "handled_seconds",
    "Seconds from a record's publication to the commit of what it changed; the oldest record of "
    "each batch counts.",
    ["group", "topic"],
    _WAITS,
)
batch_seconds = LIST.histogram(
    "batch_seconds", "Seconds to handle and commit one batch.", ["group"], _ROUNDS
)
consumed_events = LIST.counter(
    "consumed_events", "events", "Events handled and committed.", ["group", "topic"]
)
retries = LIST.counter(
    "retries", "retries", "Batches rolled back and tried again.", ["group", "error"]
)
dead_letters = LIST.counter(
    "dead_letters", "letters", "Records refused for good, by reason.", ["topic", "reason"]
)
dead_letters_parked = LIST.gauge(
    "dead_letters_parked",
    "letters",
    "Dead letters that nobody has replayed or dropped yet; the router counts them.",
)
outbox_rows = LIST.gauge(
    "outbox_rows", "rows", "Events committed and not yet published, up to 100,000."
)
outbox_oldest_seconds = LIST.gauge(
    "outbox_oldest_seconds", "seconds", "How long the oldest of them has waited."
)
published_records = LIST.counter(
    "published_records",
    "records",
    "Records acknowledged by Kafka, by event type: offers by what became of them, and SLAs.",
    ["topic", "type"],
)
publish_failures = LIST.counter(
    "publish_failures", "failures", "Publishing attempts that ended in doubt, and were repeated."
)

# The router.
cases_waiting = LIST.gauge(
    "cases_waiting", "cases", "Cases that nobody has taken yet.", ["tenant", "queue"]
)
cases_oldest_seconds = LIST.gauge(
    "cases_oldest_seconds", "seconds", "How long the oldest of them is open.", ["tenant", "queue"]
)
cases_at_risk = LIST.gauge(
    "cases_at_risk",
    "cases",
    "Open cases with a promise in danger and none broken.",
    ["tenant", "queue"],
)
cases_breached = LIST.gauge(
    "cases_breached", "cases", "Open cases with a broken promise.", ["tenant", "queue"]
)
agents_free_units = LIST.gauge(
    "agents_free_units",
    "units",
    "Units of work that the agents of a queue who are online can still take.",
    ["tenant", "queue"],
)
match_round_seconds = LIST.histogram(
    "match_round_seconds", "Seconds to match one shard and write the offers.", (), _ROUNDS
)
rules_loaded = LIST.counter(
    "rules_loaded", "rules", "Attempts to load rules: `loaded` or `refused`.", ["outcome"]
)

# The timeline.
months_missing = LIST.gauge(
    "months_missing", "months", "Partitions of this month and the next two that are not there."
)
erased_refused = LIST.counter(
    "erased_refused_events",
    "events",
    "Events not taken in because they are about somebody who was erased.",
)
erasures_open = LIST.gauge(
    "erasures_open", "erasures", "Erasures without a certificate yet; a day is long."
)
erasures_oldest_seconds = LIST.gauge(
    "erasures_oldest_seconds", "seconds", "How long ago the oldest of them was asked for."
)
retention_deleted = LIST.counter(
    "retention_deleted_entries", "entries", "Entries deleted because their time is over."
)
retention_overdue_days = LIST.gauge(
    "retention_overdue_days",
    "days",
    "Days by which the oldest entry that may go is too old; rising: retention falls behind.",
)
access_waiting = LIST.gauge(
    "access_waiting_records",
    "records",
    "Readings whose record is not in the database yet; the readers wait for it.",
)

# Every surface, and the process itself.
http_requests = LIST.counter(
    "http_requests",
    "requests",
    "Requests to the HTTP surface other than webhooks, by route and answer.",
    ["route", "method", "status"],
)
http_seconds = LIST.histogram(
    "http_seconds",
    "Seconds from request to the end of the answer; of a stream, to its beginning.",
    ["route", "method"],
    _ANSWERS,
)
streams_open = LIST.gauge(
    "streams_open",
    "streams",
    "Server-sent event streams that readers hold open, by kind: `offers`, `customer`, `queue`.",
    ["kind"],
)
check_missing = LIST.gauge(
    "check_missing", STATE, "1 while a check keeps the process from being ready.", ["check"]
)
check_noted = LIST.gauge(
    "check_noted", STATE, "1 while `/readyz` notes something, ready or not.", ["check"]
)
watch_age_seconds = LIST.gauge(
    "watch_age_seconds",
    "seconds",
    "Since when what is counted from the database has not been counted; 0 in a process that counts "
    "nothing.",
)
