"""The timeline: whether it is up to date, and the rights of people in it."""

from observability.panels import Dashboard, Row
from observability.queries import highest, panel, rate, surface

_ROWS = (
    Row(
        "The history",
        (
            panel(
                "Behind by",
                "s",
                "The age of the oldest record not written down, by group.",
                (
                    "{{group}} {{topic}}",
                    highest("consumer_oldest_seconds", "group, topic", '{group=~"timeline.*"}'),
                ),
            ),
            panel(
                "Events written down",
                "short",
                "A second, by group.",
                (
                    "{{group}}",
                    rate("consumed_events_total", "group", '{group=~"timeline.*"}'),
                ),
            ),
            panel(
                "Live streams",
                "short",
                "Open now, all replicas together.",
                ("{{kind}}", 'sum by (kind) (madoguchi_streams_open{kind="customer"})'),
            ),
            panel(
                "Months missing",
                "short",
                "Partitions of this month and the next two.",
                ("months", "max(madoguchi_months_missing)"),
            ),
        ),
    ),
    Row(
        "Rights of people",
        (
            panel(
                "Erasures without a certificate",
                "short",
                "Open now.",
                ("erasures", "max(madoguchi_erasures_open)"),
            ),
            panel(
                "The oldest of them",
                "s",
                "Since it was asked for.",
                ("age", "max(madoguchi_erasures_oldest_seconds)"),
            ),
            panel(
                "Retention overdue",
                "d",
                "Days by which the oldest entry that may go is too old.",
                ("days", "max(madoguchi_retention_overdue_days)"),
            ),
            panel(
                "Entries deleted",
                "short",
                "In an hour, because their time is over.",
                ("entries", "sum(increase(madoguchi_retention_deleted_entries_total[1h]))"),
            ),
            panel(
                "Events about erased people",
                "short",
                "Refused, a second.",
                ("{{job}}", rate("erased_refused_events_total", "job")),
            ),
            panel(
                "Readings without a record yet",
                "short",
                "Their readers wait for it.",
                ("{{instance}}", highest("access_waiting_records", "instance")),
            ),
        ),
    ),
    surface("timeline"),
)

TIMELINE = Dashboard(
    name="timeline",
    title="timeline",
    tells="Whether the history is up to date, who asks for it, and the rights of people in it.",
    rows=_ROWS,
)
