"""Which metrics an expression of Prometheus asks for, and which of its labels it names."""

import re
from collections.abc import Mapping

from common.edges.metric_list import Listed

_NAME = re.compile(r"\bmadoguchi_[a-z_]+")
_SELECTED = re.compile(r"\b(madoguchi_[a-z_]+)\{([^}]*)\}")
_MATCHER = re.compile(r'([a-z_]+)\s*(?:=~|!~|!=|=)\s*"')
_SUFFIX = re.compile(r"_(bucket|sum|count)$")
# Which Prometheus adds to every series.
TARGET_LABELS = frozenset({"job", "instance", "le"})


def metrics_in(expression: str) -> set[str]:
    """Return the names of our series in an expression."""
    return set(_NAME.findall(expression))


def faults_of(expression: str, listed: Mapping[str, Listed], series: set[str]) -> list[str]:
    """Return what is wrong with an expression: unknown series, and selectors by labels they lack."""
    unknown = [f"no series {name}" for name in sorted(metrics_in(expression) - series)]
    wrong = [
        f"{name} has no label {label}"
        for name, selector in _SELECTED.findall(expression)
        if name in series
        for label in _MATCHER.findall(selector)
        if label not in {*listed[_listed_name(name, listed)].labels, *TARGET_LABELS}
    ]
    return unknown + wrong


def _listed_name(series: str, listed: Mapping[str, Listed]) -> str:
    return series if series in listed else _SUFFIX.sub("", series)
