"""What every metric has to say of itself, and what its labels may hold.

Whoever adds a metric gives it a unit, which its name ends in, and a sentence that says what it
tells. A label holds only values of a list that we or the operator wrote: never a path as it was
asked for, an address, or the id of a customer, a message or a case.
"""

from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct
from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

PREFIX = "madoguchi_"
STATE = "1 or 0"

LABELS = {
    "account": "an account of the accounts file; `unknown` for a request to any other",
    "check": "a check of `/readyz`",
    "error": "the name of a Python exception",
    "group": "a consumer group, without the topic prefix",
    "kind": "a kind of message or stream, a closed list",
    "method": "an HTTP method; `other` for one that no route has",
    "outcome": "what became of it, a closed list that the sentence names or the provider's adapter",
    "partition": "the number of a Kafka partition",
    "place": "the place of a credential in the account's list, from 1",
    "protocol": "`smtp`, `lmtp` or `smpp`",
    "provider": "a provider's adapter; `unknown` for any other",
    "queue": "a queue of the rules; beyond the 100 that are fullest, `other`",
    "reason": "why it was refused, a closed list",
    "route": "the template of a route, such as `/v1/customers/{customer_id}`; `none` for other paths",
    "status": "an HTTP status",
    "team": "a team of the accounts file",
    "tenant": "a tenant, at most as many as the queues that are shown; beyond, `other`",
    "topic": "a topic, without the topic prefix",
    "type": "an event type without `io.madoguchi.`; `other` for one that we do not know",
    "use": "`media` or `mentions`",
}


class Listed(Struct, frozen=True):
    """A metric as docs/metrics.md shows it. `name` is the one to ask Prometheus for."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    tells: str
    labels: tuple[str, ...]


class MetricList:
    """The list, filled while common.edges.metrics is read."""

    def __init__(self) -> None:
        # Else there is a second series for each, of when it began.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # as it is written there
        self.metrics: dict[str, Listed] = {}

    def counter(self, name: str, unit: str, tells: str, labels: Sequence[str] = ()) -> Counter:
        """Add what only grows. Its name ends in `_total`."""
        self._add(f"{name}_total", "counter", unit, tells, labels)
        return Counter(PREFIX + name, tells, labels)

    def gauge(self, name: str, unit: str, tells: str, labels: Sequence[str] = ()) -> Gauge:
        """Add what goes up and down."""
        self._add(name, "gauge", unit, tells, labels)
        return Gauge(PREFIX + name, tells, labels)

    def histogram(
        self, name: str, tells: str, labels: Sequence[str], buckets: Sequence[float]
    ) -> Histogram:
        """Add how long something takes, in seconds."""
        self._add(name, "histogram", "seconds", tells, labels)
        return Histogram(PREFIX + name, tells, labels, buckets=buckets)

    def _add(self, name: str, kind: Any, unit: str, tells: str, labels: Sequence[str]) -> None:
        if PREFIX + name in self.metrics:
            raise ValueError(f"{name} is on the list already")
        self.metrics[PREFIX + name] = Listed(PREFIX + name, kind, unit, tells, tuple(labels))

    def series(self) -> set[str]:
        """Return every name that may stand on a line of `/metrics` or in an expression."""
        of_histograms = {
            listed.name + suffix
            for listed in self.metrics.values()
            if listed.kind == "histogram"
            for suffix in ("_bucket", "_sum", "_count")
        }
        return {*self.metrics, *of_histograms}
