"""What Prometheus and Grafana are told to look at exists, is explained, and has somebody's page."""

import ast
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.edges.metric_list import LABELS, STATE
from common.edges.metrics import LIST
from local_stack.layout import ROOT
from observability.__main__ import outdated
from observability.dashboards import DASHBOARDS
from observability.expressions import faults_of, metrics_in
from observability.panels import rendered

FOLDER = ROOT / "deploy" / "observability"
ALERTS: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
TESTED = yaml.safe_load((FOLDER / "alerts_test.yaml").read_text("utf-8"))
PROMTOOL = shutil.which("promtool") or shutil.which(
    "promtool", path=str(ROOT / "build" / "tools" / "usr" / "bin")
)


def name_of(rule: dict[str, Any]) -> str:
    return str(rule["alert"])


def test_what_is_generated_is_what_the_code_says() -> None:
    assert outdated() == [], "run `make observability`"


@pytest.mark.parametrize("name", LIST.metrics)
def test_a_metric_names_its_unit_and_explains_its_labels(name: str) -> None:
    listed = LIST.metrics[name]
    assert listed.unit in (*name.split("_"), STATE)
    assert listed.tells.endswith(".")
    assert set(listed.labels) <= set(LABELS)


def test_every_label_that_is_explained_is_used() -> None:
    assert {label for one in LIST.metrics.values() for label in one.labels} == set(LABELS)


def test_metrics_are_made_by_the_list_alone() -> None:
    makers = {
        path.name
        for path in [*ROOT.glob("libs/*/src/**/*.py"), *ROOT.glob("services/*/src/**/*.py")]
        if "prometheus_client" in (source := path.read_text("utf-8"))
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id in ("Counter", "Gauge", "Histogram", "Summary", "Info", "Enum")
    }
    assert makers == {"metric_list.py"}


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda one: one.name)
def test_dashboards_ask_for_what_there_is(dashboard: Any) -> None:
    for expression in dashboard.expressions():
        assert metrics_in(expression), expression
        assert faults_of(expression, LIST.metrics, LIST.series()) == [], expression
    panels = rendered(dashboard)["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [tuple(panel["gridPos"].values()) for panel in panels]
    assert len(set(places)) == len(places)


def test_every_metric_is_on_a_dashboard() -> None:
    shown = {
        re.sub(r"_(bucket|sum|count)$", "", name)
        for dashboard in DASHBOARDS
        for expression in dashboard.expressions()
        for name in metrics_in(expression)
    }
    assert set(LIST.metrics) - shown == {"madoguchi_watch_age_seconds"}  # an alert is enough


@pytest.mark.parametrize("rule", ALERTS, ids=name_of)
def test_an_alert_asks_for_what_there_is_and_has_a_page(rule: dict[str, Any]) -> None:
    assert metrics_in(rule["expr"])
    assert faults_of(rule["expr"], LIST.metrics, LIST.series()) == []
    assert rule["labels"]["severity"] in ("page", "ticket")
    page = (ROOT / rule["annotations"]["runbook_url"]).read_text("utf-8")
    assert page.splitlines()[0] == f"# {rule['alert']}"
    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert headings == ["What it means", "How to look", "What to do", "How you know it is over"]


def test_every_page_is_an_alerts_and_every_alert_is_tested() -> None:
    pages = {f"docs/runbooks/{path.name}" for path in (ROOT / "docs/runbooks").glob("*.md")}
    assert pages - {"docs/runbooks/README.md"} == {
        rule["annotations"]["runbook_url"] for rule in ALERTS
    }
    asked = [case for test in TESTED["tests"] for case in test["alert_rule_test"]]
    fired = {case["alertname"] for case in asked if case.get("exp_alerts")}
    silent = {case["alertname"] for case in asked if not case.get("exp_alerts")}
    assert fired == silent == set(map(name_of, ALERTS))


@pytest.mark.skipif(PROMTOOL is None, reason="no promtool here: `make promtool` brings one")
def test_the_rules_fire_when_they_should_and_not_before(tmp_path: Path) -> None:
    said = subprocess.run(  # noqa: S603 - our own words
        [str(PROMTOOL), "test", "rules", str(FOLDER / "alerts_test.yaml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stdout + said.stderr
    shown = [
        {"record": f"shown:{place}", "expr": expression.replace("$__rate_interval", "5m")}
        for place, expression in enumerate(
            expression for dashboard in DASHBOARDS for expression in dashboard.expressions()
        )
    ]
    rules = tmp_path / "dashboards.yaml"
    rules.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": shown}]}))
    checked = subprocess.run(  # noqa: S603 - our own words
        [str(PROMTOOL), "check", "rules", str(rules)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
