"""What panels ask Prometheus for."""

from observability.panels import Panel, Row, Unit


def rate(name: str, by: str, selector: str = "") -> str:
    """Return how many a second, by some labels."""
    return f"sum by ({by}) (rate(madoguchi_{name}{selector}[$__rate_interval]))"


def quantile(share: str, name: str, by: str, selector: str = "") -> str:
    """Return a quantile of a duration, by some labels."""
    buckets = f"rate(madoguchi_{name}_bucket{selector}[$__rate_interval])"
    return f"histogram_quantile({share}, sum by ({by}, le) ({buckets}))"


def highest(name: str, by: str, selector: str = "") -> str:
    """Return the highest that any replica shows, by some labels."""
    return f"max by ({by}) (madoguchi_{name}{selector})"


def panel(title: str, unit: Unit, tells: str, *shown: tuple[str, str]) -> Panel:
    """Return a panel that shows pairs of a legend and an expression."""
    return Panel(title=title, unit=unit, tells=tells, shown=shown)


def surface(job: str) -> Row:
    """Return rate, errors and duration of an API. A job is called as the service."""
    selector = f'{{job=~".*{job}.*"}}'
    failures = f'{{job=~".*{job}.*", status=~"5.."}}'
    return Row(
        "The API",
        (
            panel(
                "Requests",
                "reqps",
                "By route.",
                ("{{method}} {{route}}", rate("http_requests_total", "method, route", selector)),
            ),
            panel(
                "Failures",
                "reqps",
                "Answers of 500 and above, by route.",
                ("{{route}} {{status}}", rate("http_requests_total", "route, status", failures)),
            ),
            panel(
                "Duration (p99)",
                "s",
                "By route; of a stream, to its beginning.",
                ("{{route}}", quantile("0.99", "http_seconds", "route", selector)),
            ),
        ),
    )
