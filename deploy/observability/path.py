"""The path of a message: whether it gets through, and where it waits if not."""

from observability.panels import Dashboard, Row
from observability.queries import highest, panel, quantile, rate

_LATE = Row(
    "Is anything late?",
    (
        panel(
            "Oldest record not handled",
            "s",
            "What is committed is younger than this. Seconds are normal; a line that climbs by a second "
            "a second is a consumer that stands still.",
            ("{{group}} {{topic}}", highest("consumer_oldest_seconds", "group, topic")),
        ),
        panel(
            "Oldest event in an outbox",
            "s",
            "Committed and not published yet.",
            ("{{job}}", highest("outbox_oldest_seconds", "job")),
        ),
        panel(
            "Oldest request in an inbox",
            "s",
            "Acknowledged while Kafka was away, or until everything before it is published.",
            ("{{job}}", highest("inbox_oldest_seconds", "job")),
        ),
        panel(
            "Lag",
            "short",
            "Records not handled, all partitions together.",
            ("{{group}}", "sum by (group) (madoguchi_consumer_lag_records)"),
        ),
        panel(
            "Outbox",
            "short",
            "Rows; up to 100,000 are counted.",
            ("{{job}}", highest("outbox_rows", "job")),
        ),
        panel(
            "Inbox",
            "short",
            "Rows; up to 100,000 are counted.",
            ("{{job}}", highest("inbox_rows", "job")),
        ),
    ),
)
_FLOW = Row(
    "What flows",
    (
        panel(
            "Published records",
            "short",
            "By topic, a second.",
            ("{{topic}}", rate("published_records_total", "topic")),
        ),
        panel(
            "Handled events",
            "short",
            "By group, a second.",
            ("{{group}} {{topic}}", rate("consumed_events_total", "group, topic")),
        ),
        panel(
            "From publication to commit (p50, p99)",
            "s",
            "Of the oldest record of each batch. Dots are examples: their trace id is an event id.",
            ("{{group}} p50", quantile("0.5", "handled_seconds", "group")),
            ("{{group}} p99", quantile("0.99", "handled_seconds", "group")),
        ),
        panel(
            "Time of a batch (p99)",
            "s",
            "To handle and commit it.",
            ("{{group}}", quantile("0.99", "batch_seconds", "group")),
        ),
        panel(
            "Batches tried again",
            "short",
            "A second, by what was in the way.",
            ("{{group}} {{error}}", rate("retries_total", "group, error")),
        ),
        panel(
            "Dead letters",
            "short",
            "A second, by reason; and how many are parked in all.",
            ("{{topic}} {{reason}}", rate("dead_letters_total", "topic, reason")),
            ("parked", "max(madoguchi_dead_letters_parked)"),
        ),
    ),
)
_PROCESSES = Row(
    "The processes",
    (
        panel(
            "Not ready",
            "short",
            "1: this check keeps the process from its work.",
            ("{{instance}} {{check}}", highest("check_missing", "instance, check") + " > 0"),
        ),
        panel(
            "Noted",
            "short",
            "What `/readyz` tells without being unready for it.",
            ("{{instance}} {{check}}", highest("check_noted", "instance, check") + " > 0"),
        ),
        panel(
            "Publishing in doubt",
            "short",
            "Attempts a second that Kafka did not answer in time; they are repeated.",
            ("{{job}}", rate("publish_failures_total", "job")),
        ),
    ),
)

PATH = Dashboard(
    name="path",
    title="the path of a message",
    tells="Whether what customers write gets through, and where it waits if not.",
    rows=(_LATE, _FLOW, _PROCESSES),
)
