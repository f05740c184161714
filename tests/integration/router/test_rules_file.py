"""Rules change while the router runs; a bad file changes nothing and says why."""

import asyncio
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from router.core.loading import RulesError
from router.edges.rules_file import RulesFile


@pytest.fixture
def path(tmp_path: Path, rules_path: Path) -> Path:
    copy = tmp_path / "rules.yaml"
    copy.write_bytes(rules_path.read_bytes())
    return copy


def look(rules: RulesFile) -> None:
    asyncio.run(rules.look())


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("madoguchi_rules_loaded_total", {"outcome": outcome}) or 0.0


def test_a_changed_file_is_in_force_from_the_next_look(path: Path) -> None:
    rules = RulesFile(path)
    before = rules.policy.version
    path.write_text(path.read_text().replace("first_response: 8h", "first_response: 6h"))
    look(rules)
    assert rules.policy.version != before
    assert rules.complaint() is None


def test_a_bad_file_is_refused_with_its_line_and_the_old_rules_stay(path: Path) -> None:
    rules = RulesFile(path)
    good, policy, refused = path.read_text(), rules.policy, counted("refused")
    path.write_text(good.replace("queue: social", "queue: soical", 1))
    look(rules)
    look(rules)  # the same mistake is not told twice

    line = good[: good.index("queue: social")].count("\n") + 1
    assert rules.policy is policy
    assert rules.complaint() == f"{path}: line {line}: no queue is called soical"
    assert counted("refused") == refused + 1

    path.write_text(good)
    look(rules)
    assert rules.complaint() is None
    assert rules.policy.version == policy.version


def test_a_file_that_is_gone_for_a_moment_is_looked_for_again(path: Path) -> None:
    rules = RulesFile(path)
    good, policy = path.read_text(), rules.policy
    path.unlink()
    look(rules)
    assert rules.policy is policy
    assert "No such file" in (rules.complaint() or "")
    path.write_text(good)
    look(rules)
    assert rules.complaint() is None


def test_without_rules_there_is_no_router(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        RulesFile(tmp_path / "none.yaml")
    bad = tmp_path / "bad.yaml"
    bad.write_text("rules: nothing")
    with pytest.raises(RulesError, match="the section company is missing"):
        RulesFile(bad)
