"""Words of urgency are found by the list that ships, or by what an installed package offers."""

from collections.abc import Callable
from pathlib import Path

import pytest

from common.core.cases import Decision
from router.core.facts import Arrival
from router.core.loading import RulesError, load
from router.core.policy import Policy
from router.core.urgency import scorer_maker

NAMED = "urgency: {points: 10, scorer: loud}"


@pytest.fixture
def loud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package that takes every 「！」 for urgency."""
    (tmp_path / "loudness.py").write_text(
        "def loud(words):\n    return lambda text: tuple(c for c in text if c == '！')[:1]\n"
    )
    info = tmp_path / "loudness-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: loudness\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[madoguchi.urgency]\nloud = loudness:loud\n")
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("loud")
def test_the_rules_can_name_a_scorer_that_a_package_offers(
    written: Callable[..., Arrival],
    ruled: Callable[..., Policy],
    decision_of: Callable[..., Decision],
) -> None:
    policy = ruled("urgency: {points: 10}", NAMED)
    parts = decision_of(written("まだですか！"), policy).priority_parts
    assert [(part.name, part.points) for part in parts] == [("plan", 0), ("words", 10)]


def test_a_scorer_that_nobody_offers_is_refused(rules_text: str) -> None:
    with pytest.raises(RulesError, match="no scorer is called loud"):
        load(rules_text.replace("urgency: {points: 10}", NAMED).encode())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("至急お願いします", ("至急",)),
        ("急ぎではありませんが、請求書をください", ()),
        ("This is URGENT, asap!", ("urgent", "asap")),
        ("insurgent plans", ()),
        ("つながりません", ("つながりません",)),
        ("half a pair \ud83d", ()),
    ],
)
def test_the_list_that_ships_knows_japanese_and_english(text: str, found: tuple[str, ...]) -> None:
    assert scorer_maker("words")(["つながりません"])(text) == found
