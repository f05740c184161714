"""The `surveys` section is checked, warned of and compared like the rest of a rules file."""

from collections.abc import Callable

import pytest

from router.core.linting import warnings
from router.core.loading import RulesError, load
from router.core.rules_diff import differences

SURVEYS = """
surveys:
  - id: gold
    sentence: our best customers
    question: nps
    plans: [gold]
    channels: [email, line]
    low: {at_most: 6, queue: general}
  - id: rest
    sentence: everybody else
    question: csat5
    low: {at_most: 2, queue: billing}
"""


@pytest.fixture
def asked(rules_text: str) -> Callable[..., bytes]:
    """The small company's rules with surveys, something replaced in these."""

    def build(old: str = "", new: str = "") -> bytes:
        assert old in SURVEYS
        return (rules_text + SURVEYS.replace(old, new, 1)).encode()

    return build


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("id: rest", "id: gold", "2 surveys are called gold"),
        ("plans: [gold]", "plans: [golden]", "no plan is called golden"),
        ("plans: [gold]", "queues: [bill]", "no queue is called bill"),
        ("queue: billing", "queue: bill", "no queue is called bill"),
        ("at_most: 6", "at_most: 11", "no answer to nps is 11"),
        ("question: csat5", "question: text", "no answer to text is 2"),
        ("question: csat5", "question: stars", "Invalid enum value 'stars'"),
        ("channels: [email, line]", "channels: [fax]", "Invalid enum value 'fax'"),
        ("question: nps", "question: nps\n    share: 0", "> 0"),
        ("question: nps", "question: nps\n    delay: soon", "a duration such as 30m"),
    ],
)
def test_a_mistake_in_a_survey_is_named(
    asked: Callable[..., bytes], old: str, new: str, complaint: str
) -> None:
    with pytest.raises(RulesError, match=complaint):
        load(asked(old, new))


@pytest.mark.parametrize(
    ("old", "new", "warning"),
    [
        ("", "", None),
        (
            "plans: [gold]\n    channels: [email, line]",
            "share: 0.5",
            "above is asked whenever rest",
        ),
        ("question: csat5", "question: csat5\n    plans: [gold]", None),
        (
            "question: csat5",
            "question: csat5\n    plans: [gold]\n    channels: [line]",
            "the survey gold above is asked whenever rest would be",
        ),
        ("question: csat5", "question: csat5\n    plans: [gold, silver]", None),
        ("at_most: 6", "at_most: 10", "every answer to gold is low"),
        ("question: nps", "question: nps\n    text: {ja: 勧めますか。}", "gold has no text in en"),
        ("question: nps", "question: nps\n    quiet: 24h", "gold may ask again while"),
    ],
)
def test_what_is_hardly_meant_is_told(
    asked: Callable[..., bytes], old: str, new: str, warning: str | None
) -> None:
    told = [complaint.reason for complaint in warnings(load(asked(old, new)).rules)]

    assert told == [] if warning is None else any(warning in reason for reason in told)


def test_a_queue_that_only_low_answers_lead_to_is_used(asked: Callable[..., bytes]) -> None:
    rules = asked().replace(
        b"  billing:", b"  quality: {sentence: quality, calendar: office}\n  billing:"
    )

    before = [one.reason for one in warnings(load(rules).rules)]
    after = [
        one.reason
        for one in warnings(load(rules.replace(b"queue: billing}", b"queue: quality}")).rules)
    ]

    assert before == ["no rule leads to the queue quality"]
    assert after == []


def test_what_surveys_say_otherwise_is_told(asked: Callable[..., bytes]) -> None:
    old = load(asked()).rules
    swapped = asked().decode().partition("surveys:\n")
    first, second = swapped[2].split("  - id: rest")
    order = load((swapped[0] + "surveys:\n  - id: rest" + second + first).encode()).rules

    assert list(differences(old, load(asked("at_most: 2", "at_most: 3")).rules)) == [
        "survey rest.low.at_most: 2 → 3"
    ]
    assert list(differences(old, load(asked("id: rest", "id: others")).rules, "ja")) == [
        "アンケート others を追加: everybody else",
        "アンケート rest を削除",
    ]
    assert list(differences(old, order)) == ["surveys: gold, rest → rest, gold"]
