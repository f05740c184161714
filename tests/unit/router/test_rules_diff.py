"""Two rules files are compared by what they mean."""

from collections.abc import Callable
from pathlib import Path

import pytest

from router.core.loading import load
from router.core.rules import Rules
from router.core.rules_diff import differences
from router.core.wording import Language

LOCAL = Path(__file__).parents[3] / "deploy" / "local" / "rules.yaml"
NEW_RULE = """  - id: returns
    sentence: 返品は請求へ
    when: mentions("返品")
    queue: billing
"""


@pytest.fixture
def changed(rules_text: str) -> Callable[..., list[str]]:
    """The differences that replacing something in the small company's file makes."""

    def compare(old: str, new: str, language: Language = "en") -> list[str]:
        before = load(rules_text.encode()).rules
        assert old in rules_text
        after = load(rules_text.replace(old, new, 1).encode()).rules
        return list(differences(before, after, language))

    return compare


def test_the_same_rules_differ_in_nothing() -> None:
    rules: Rules = load(LOCAL.read_bytes()).rules
    assert list(differences(rules, rules)) == []


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ("first_response: 8h", "first_response: 6h", ["plan default.first_response: 8h → 6h"]),
        (
            '"13:00-18:00"',
            '"13:00-17:00"',
            ["calendar office.open.mon-fri: 09:00-12:00, 13:00-18:00 → 09:00-12:00, 13:00-17:00"],
        ),
        (
            "holidays: [2026-11-23]",
            "holidays: []",
            ["calendar office.holidays: 2026-11-23 (gone)"],
        ),
        ("skills: {billing: 1}", "skills: {billing: 2}", ["queue billing.skills.billing: 1 → 2"]),
        ("overflow: [nightshift]", "overflow: []", ["queue technical.overflow: nightshift (gone)"]),
        (
            "  vip: {sentence: dear to us, priority: 30}",
            "  gold: {sentence: 金, priority: 3}",
            ["tier gold is new: 金", "tier vip is gone"],
        ),
        ("network: knows routers", "network: 機器", ["skill network: knows routers → 機器"]),
        (
            "calendar: night}",
            "calendar: night, when_closed: wait}",
            ["queue nightshift.when_closed: overflow → wait"],
        ),
        (
            "    skills: {network: 3}\n",
            "",
            ["rule outage.skills.network: 3 (gone)"],
        ),
        (
            '    when: mentions("請求")\n',
            "    when: ['mentions(\"請求\")', 'contract.in_force']\n",
            ["rule bills also asks for contract.in_force"],
        ),
        (
            'mentions(["障害", "outage"])',
            'mentions("障害")',
            [
                'rule outage no longer asks for mentions(["障害", "outage"])',
                'rule outage also asks for mentions("障害")',
            ],
        ),
        (
            "  - id: japanese\n",
            NEW_RULE + "  - id: japanese\n",
            ["rule returns is new: 返品は請求へ"],
        ),
        ("  - id: japanese\n", "  - id: ja\n", ["rule japanese is called ja now"]),
        (
            "    queue: billing\n",
            "    queue: billing\n    priority: {points: 5, reason: お金の話}\n",
            ["rule bills.priority: points 5, reason お金の話 (new)"],
        ),
        ("urgency: {points: 10}", "urgency: {points: 5}", ["urgency.points: 10 → 5"]),
        (
            "urgency: {points: 10}",
            "urgency: {points: 10, words: [至急]}",
            ["urgency.words: 至急 (new)"],
        ),
        (
            "urgency: {points: 10}",
            "urgency: {points: 10}\nteams: {tokyo: [billing]}",
            ["team tokyo is new: billing"],
        ),
        ("language: en", "language: ja", ["language: en → ja"]),
    ],
)
def test_a_difference_is_said_in_words(
    changed: Callable[..., list[str]], old: str, new: str, lines: list[str]
) -> None:
    assert changed(old, new) == lines


def test_a_rule_that_is_gone_or_elsewhere_is_told(rules_text: str) -> None:
    head, _, tail = rules_text.partition("  - id: bills\n")
    bills, _, rest = tail.partition("  - id: japanese\n")
    before = load(rules_text.encode()).rules
    without = load((head + "  - id: japanese\n" + rest).encode()).rules
    last = load((head + "  - id: japanese\n" + rest + "  - id: bills\n" + bills).encode()).rules
    assert list(differences(before, without)) == ["rule bills is gone"]
    assert list(differences(before, last)) == ["rule japanese stands above bills now"]
    assert list(differences(last, before)) == ["rule bills stands above japanese now"]


def test_differences_are_said_in_japanese(changed: Callable[..., list[str]]) -> None:
    assert changed("first_response: 8h", "first_response: 6h", "ja") == [
        "プラン default.first_response: 8h → 6h"
    ]
    assert changed("  - id: japanese\n", NEW_RULE + "  - id: japanese\n", "ja") == [
        "ルール returns を追加: 返品は請求へ"
    ]


def test_truths_are_written_as_in_the_file(changed: Callable[..., list[str]]) -> None:
    lines = changed(
        "skills: {japanese: speaks it",
        "assignment: {pick: false}\nskills: {japanese: speaks it",
    )
    assert lines == ["assignment.pick: true → false"]
