"""docs/metrics.md: the closed list, for people."""

from collections.abc import Iterable

from common.edges.metric_list import LABELS, Listed
from common.edges.metrics import LIST

_HEAD = """\
# Metrics

Written by `python -m observability` from
[metrics.py](../libs/common/src/common/edges/metrics.py), the one closed list: `/metrics` of every service shows these, those of the Python
client about the process itself (`process_`, `python_`), and nothing else. A service shows what it has to tell. What several replicas count
from a database that they share, all of them show: ask for `max`, not for `sum`. [Observability](observability.md) shows how they are
used; [alerts.yaml](../deploy/observability/alerts.yaml) says when to act.

| metric | kind | unit | labels | tells |
|---|---|---|---|---|
"""
_LABELS = """
Histograms have `_bucket`, `_sum` and `_count`; their buckets carry the trace of an example to whoever asks for OpenMetrics, which
Prometheus does with `--enable-feature=exemplar-storage`.

## Labels

No label holds a path as it was asked for, an address, or the id of a customer, a message or a case.

| label | holds |
|---|---|
"""


def metric_page() -> str:
    """Return the whole page."""
    metrics = "".join(map(_metric, LIST.metrics.values()))
    labels = "".join(f"| `{name}` | {holds} |\n" for name, holds in sorted(LABELS.items()))
    return f"{_HEAD}{metrics}{_LABELS}{labels}"


def _metric(listed: Listed) -> str:
    tells = listed.tells.replace("|", "\\|")
    return (
        f"| `{listed.name}` | {listed.kind} | {listed.unit} | {_named(listed.labels)} | {tells} |\n"
    )


def _named(labels: Iterable[str]) -> str:
    return ", ".join(f"`{label}`" for label in labels)
