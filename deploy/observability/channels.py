"""The channels: what is handed over, and what is answered."""

from observability.panels import Dashboard, Row
from observability.queries import highest, panel, quantile, rate

_ROWS = (
    Row(
        "Webhooks",
        (
            panel(
                "Requests",
                "reqps",
                "By provider and what was answered.",
                ("{{provider}} {{outcome}}", rate("webhook_requests_total", "provider, outcome")),
            ),
            panel(
                "Acknowledgement (p50, p99)",
                "s",
                "LINE gives up after two seconds. Dots are examples: their trace id is an event id.",
                ("{{provider}} p50", quantile("0.5", "webhook_seconds", "provider")),
                ("{{provider}} p99", quantile("0.99", "webhook_seconds", "provider")),
            ),
            panel(
                "Not authentic",
                "reqps",
                "A wrong secret or an attack.",
                (
                    "{{provider}}/{{account}}",
                    rate("webhook_requests_total", "provider, account", '{outcome="unauthentic"}'),
                ),
            ),
        ),
    ),
    Row(
        "SMTP, LMTP, SMPP",
        (
            panel(
                "Messages",
                "short",
                "A second, by our answer.",
                (
                    "{{protocol}} {{outcome}}",
                    rate("session_messages_total", "protocol, outcome"),
                ),
            ),
            panel(
                "Answer (p50, p99)",
                "s",
                "From the end of the message.",
                ("{{protocol}} p50", quantile("0.5", "session_seconds", "protocol")),
                ("{{protocol}} p99", quantile("0.99", "session_seconds", "protocol")),
            ),
            panel(
                "Sessions",
                "short",
                "Open now, all replicas together.",
                ("{{protocol}}", "sum by (protocol) (madoguchi_sessions_open)"),
            ),
        ),
    ),
    Row(
        "What becomes of it",
        (
            panel(
                "Messages taken in",
                "short",
                "A second, by provider and kind.",
                ("{{provider}} {{kind}}", rate("messages_accepted_total", "provider, kind")),
            ),
            panel(
                "Accounts that do not work",
                "short",
                "Nothing comes in by these.",
                (
                    "{{provider}}/{{account}}",
                    "1 - min by (provider, account) (madoguchi_account_ready) > 0",
                ),
            ),
            panel(
                "Credentials refused",
                "short",
                "By the place in the account's list.",
                (
                    "{{provider}}/{{account}} {{use}} {{place}}",
                    "1 - min by (provider, account, use, place) (madoguchi_credential_ready) > 0",
                ),
            ),
            panel(
                "Files",
                "short",
                "Attempts a second to fetch what messages point to.",
                ("{{provider}} {{outcome}}", rate("media_files_total", "provider, outcome")),
            ),
            panel(
                "Files waiting",
                "short",
                "To be fetched, or asked for again.",
                ("{{job}}", highest("media_waiting_files", "job")),
            ),
            panel(
                "Parses given up",
                "short",
                "Originals kept unread, a second.",
                ("{{provider}} {{reason}}", rate("parses_given_up_total", "provider, reason")),
            ),
        ),
    ),
)

CHANNELS = Dashboard(
    name="channels",
    title="channels",
    tells="What providers and mail servers hand over, and what they hear.",
    rows=_ROWS,
)
