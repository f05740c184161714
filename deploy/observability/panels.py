"""Grafana's form of a dashboard, as much of it as is needed to say what is shown."""

from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct

WIDTH = 24
COLUMNS = 3
HEIGHT = 8
SCHEMA_VERSION = 41  # Grafana 12; older ones read it, too
_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

Unit = Literal["s", "short", "reqps", "percentunit", "d"]


class Panel(Struct, frozen=True, kw_only=True):
    """Lines over time. `shown` holds pairs of a legend, in Grafana's form, and an expression."""

    title: str
    tells: str
    unit: Unit
    shown: tuple[tuple[str, str], ...]


class Row(Struct, frozen=True):
    """Panels that belong together."""

    title: str
    panels: tuple[Panel, ...]


class Dashboard(Struct, frozen=True, kw_only=True):
    """A page. `name` is its file's."""

    name: str
    title: str
    tells: str
    rows: tuple[Row, ...]

    def expressions(self) -> list[str]:
        """Return every expression."""
        return [
            expression for row in self.rows for panel in row.panels for _, expression in panel.shown
        ]


def rendered(dashboard: Dashboard) -> dict[str, Any]:
    """Return the dashboard as Grafana imports it."""
    return {
        "uid": f"madoguchi-{dashboard.name}",
        "title": f"Madoguchi: {dashboard.title}",
        "description": dashboard.tells,
        "tags": ["madoguchi"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "templating": {
            "list": [
                {
                    "name": "datasource",
                    "label": "Prometheus",
                    "type": "datasource",
                    "query": "prometheus",
                }
            ]
        },
        "links": [
            {
                "title": "Madoguchi",
                "type": "dashboards",
                "tags": ["madoguchi"],
                "asDropdown": True,
            }
        ],
        "panels": _panels(dashboard.rows),
    }


def _panels(rows: Sequence[Row]) -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = []
    top = 0
    for row in rows:
        panels.append(_heading(row.title, top, len(panels) + 1))
        top += 1
        for place, panel in enumerate(row.panels):
            at = {
                "x": place % COLUMNS * (WIDTH // COLUMNS),
                "y": top + place // COLUMNS * HEIGHT,
                "w": WIDTH // COLUMNS,
                "h": HEIGHT,
            }
            panels.append(_panel(panel, at, len(panels) + 1))
        top += -(-len(row.panels) // COLUMNS) * HEIGHT
    return panels


def _heading(title: str, top: int, number: int) -> dict[str, Any]:
    at = {"x": 0, "y": top, "w": WIDTH, "h": 1}
    return {
        "id": number,
        "type": "row",
        "title": title,
        "collapsed": False,
        "gridPos": at,
        "panels": [],
    }


def _panel(panel: Panel, at: dict[str, int], number: int) -> dict[str, Any]:
    return {
        "id": number,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.tells,
        "datasource": _DATASOURCE,
        "gridPos": at,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "datasource": _DATASOURCE,
                "expr": expression,
                "legendFormat": legend,
                "exemplar": "_bucket" in expression,
            }
            for place, (legend, expression) in enumerate(panel.shown)
        ],
    }
