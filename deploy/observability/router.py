"""The router: what waits, and who gets it."""

from observability.panels import Dashboard, Row
from observability.queries import highest, panel, quantile, rate, surface

_ROWS = (
    Row(
        "What waits",
        (
            panel(
                "Cases waiting",
                "short",
                "The fullest queues.",
                ("{{tenant}} {{queue}}", highest("cases_waiting", "tenant, queue")),
            ),
            panel(
                "Oldest case waiting",
                "s",
                "Since it was opened.",
                ("{{tenant}} {{queue}}", highest("cases_oldest_seconds", "tenant, queue")),
            ),
            panel(
                "Room",
                "short",
                "Units of work that the agents of a queue can still take.",
                ("{{tenant}} {{queue}}", highest("agents_free_units", "tenant, queue")),
            ),
            panel(
                "Promises in danger",
                "short",
                "Open cases, none of whose promises is broken yet.",
                ("{{tenant}} {{queue}}", highest("cases_at_risk", "tenant, queue")),
            ),
            panel(
                "Promises broken",
                "short",
                "Open cases.",
                ("{{tenant}} {{queue}}", highest("cases_breached", "tenant, queue")),
            ),
            panel(
                "SLA events",
                "short",
                "A second.",
                (
                    "{{type}}",
                    rate("published_records_total", "type", '{type=~"sla\\\\..*"}'),
                ),
            ),
        ),
    ),
    Row(
        "Who gets it",
        (
            panel(
                "Offers",
                "short",
                "A second, by what became of them.",
                (
                    "{{type}}",
                    rate("published_records_total", "type", '{type=~"offer\\\\..*"}'),
                ),
            ),
            panel(
                "Cases",
                "short",
                "A second, by what happened to them.",
                ("{{type}}", rate("published_records_total", "type", '{type=~"case\\\\..*"}')),
            ),
            panel(
                "A round of the matcher (p50, p99)",
                "s",
                "To match one shard and write the offers.",
                ("p50", quantile("0.5", "match_round_seconds", "job")),
                ("p99", quantile("0.99", "match_round_seconds", "job")),
            ),
            panel(
                "Live streams",
                "short",
                "Open now, all replicas together.",
                ("{{kind}}", 'sum by (kind) (madoguchi_streams_open{kind=~"offers|queue"})'),
            ),
            panel(
                "Rules",
                "short",
                "Attempts to load them, in an hour.",
                ("{{outcome}}", "sum by (outcome) (increase(madoguchi_rules_loaded_total[1h]))"),
            ),
        ),
    ),
    surface("router"),
)

ROUTER = Dashboard(
    name="router",
    title="router",
    tells="What waits in which queue, who is offered it, and which promises are in danger.",
    rows=_ROWS,
)
