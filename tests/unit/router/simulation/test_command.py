"""`simulate` answers on the terminal, as JSON and as a page, in English and Japanese."""

from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result
from typing_extensions import override

from router.__main__ import app
from router.core.simulation.report import Report
from router.edges.plots import Series, lines, nice

LOAD = """
zone: Asia/Tokyo
streams:
  bills:
    sentence: 請求の相談
    channel: line
    texts: [請求書をください。]
    per_hour: {mon-fri: {"09:00-12:00": 20}}
    handling: {mean: 10m}
    patience: {mean: 30m}
  outages:
    sentence: 障害の知らせ
    channel: line
    texts: ["<script>alert('障害')</script>"]
    per_hour: {mon-fri: {"09:00-12:00": 6}}
    handling: {shape: fixed, mean: 20m}
teams:
  office:
    sentence: 窓口
    people: 3
    queues: [billing, general]
    skills: {billing: 3, japanese: 5}
    shifts: {mon-fri: ["09:00-18:00"]}
  technicians:
    sentence: 技術
    people: 2
    queues: [technical]
    skills: {network: 4, japanese: 5}
    shifts: {mon-fri: ["09:00-18:00"]}
"""


@pytest.fixture
def files(tmp_path: Path, rules_text: str) -> Path:
    (tmp_path / "rules.yaml").write_text(rules_text, "utf-8")
    candidate = rules_text.replace("queue: billing", "queue: general")
    (tmp_path / "candidate.yaml").write_text(candidate, "utf-8")
    (tmp_path / "load.yaml").write_text(LOAD, "utf-8")
    return tmp_path


@pytest.fixture
def simulate(files: Path) -> Callable[..., Result]:
    def run(*more: object, rules: str = "rules.yaml", load: str = "load.yaml") -> Result:
        words = ["simulate", "--rules", files / rules, "--load", files / load]
        words += ["--from", "2026-11-24", "--to", "2026-11-25", *more]
        return CliRunner().invoke(app, [str(word) for word in words], env=ALONE)

    return run


ALONE = {"COLUMNS": "170", "MADOGUCHI_DATABASE": "postgresql://nobody@127.0.0.1:9/none"}


class Page(HTMLParser):
    """Gathers what a page has of each element, and of what it would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[str, list[dict[str, str | None]]] = {}
        self.feed(text)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.setdefault(tag, []).append(dict(attrs))


def test_two_sets_of_rules_are_compared_on_the_same_customers(
    simulate: Callable[..., Result], files: Path
) -> None:
    shown = simulate(
        *("--against", files / "rules.yaml", "--json", files / "report.json"),
        rules="candidate.yaml",
    )
    assert shown.exit_code == 0
    assert "Messages that go to another queue" in shown.stdout
    report = msgspec.json.decode((files / "report.json").read_bytes(), type=Report)
    assert report.current is not None
    assert report.differences is not None
    ((old, new, moved),) = report.differences.moves
    assert (old, new) == ("billing", "general")
    assert report.current.messages == report.candidate.messages == report.differences.messages
    by_queue = {queue.queue: queue.arrived for queue in report.candidate.queues}
    assert by_queue["general"] == moved
    assert sum(by_queue.values()) == report.candidate.total.arrived


def test_more_people_never_make_the_same_customers_wait_longer_here(
    simulate: Callable[..., Result], files: Path
) -> None:
    options = ("--team", "office", "--around", 2, "--runs", 2, "--json", files / "report.json")
    shown = simulate(*options)
    assert shown.exit_code == 0
    report = msgspec.json.decode((files / "report.json").read_bytes(), type=Report)
    assert [row.people for row in report.staffing] == [1, 2, 3, 4, 5]
    assert len({row.arrived for row in report.staffing}) == 1
    left = [row.left for row in report.staffing]
    assert left == sorted(left, reverse=True)


def test_the_same_seed_says_the_same_and_another_one_something_else(
    simulate: Callable[..., Result],
) -> None:
    assert simulate().stdout == simulate().stdout
    assert simulate("--seed", 2).stdout != simulate().stdout


@pytest.mark.parametrize(("language", "title"), [("en", "What would happen"), ("ja", "もし、")])
def test_the_page_needs_nothing_else_and_is_readable_by_all(
    simulate: Callable[..., Result], files: Path, language: str, title: str
) -> None:
    more = ("--against", files / "rules.yaml", "--team", "office", "--runs", 1, "--lang", language)
    shown = simulate(*more, "--html", files / "page.html", rules="candidate.yaml")
    assert shown.exit_code == 0
    text = (files / "page.html").read_text("utf-8")
    page = Page(text)
    assert title in text
    assert page.found["html"] == [{"lang": language}]
    fetched = {"src", "href", "srcset", "action", "data"}
    assert not any(fetched & one.keys() for found in page.found.values() for one in found)
    assert "script" not in page.found
    assert all(one["role"] == "img" and one["aria-label"] for one in page.found["svg"])
    assert all(one["scope"] in {"col", "row"} for one in page.found["th"])
    assert "prefers-color-scheme: dark" in text


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--team", "nobody"), "has no team called nobody"),
        (("--to", "2026-11-24"), "--to must be later than --from"),
        (("--against", "nowhere.yaml"), "database"),  # it may be a version, which is stored there
        (("--handling", "soon"), "a duration such as 30m"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_its_reason(
    simulate: Callable[..., Result], more: tuple[str, ...], says: str
) -> None:
    refused = simulate(*more)
    assert refused.exit_code != 0
    assert says in refused.output


def test_mistakes_in_the_files_are_named_with_their_lines(
    simulate: Callable[..., Result], files: Path
) -> None:
    (files / "load.yaml").write_text(LOAD.replace("Asia/Tokyo", "Mars"), "utf-8")
    refused = simulate()
    assert (refused.exit_code, "load.yaml:2: no time zone" in refused.output) == (1, True)
    wrong = simulate(load="load.yaml", rules="load.yaml")
    assert "load.yaml:1: the section company is missing" in wrong.output


@pytest.mark.parametrize(("highest", "top"), [(0, 4), (4, 4), (5, 8), (39, 40), (41, 80)])
def test_an_axis_ends_at_a_round_number(highest: float, top: float) -> None:
    assert nice(highest) == top


def test_a_plot_escapes_what_it_is_told() -> None:
    drawn = lines("<b>", 'a "<queue>"', [Series("x", "current", (1.0,))], ["0"], "&")
    assert "<b>" not in drawn
    assert "<queue>" not in drawn
    assert "&amp;" in drawn
