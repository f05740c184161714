"""Joining a long text message that arrives in parts."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st
from msgspec.structs import replace

from ingest_sms.core.concatenation import Assembly, Part, assembled

NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
PATIENCE = timedelta(hours=24)


def part(number: int, total: int = 3, content: str | None = None) -> Part[str]:
    return Part("series", number, total, content or f"text {number}", NOW)


@given(st.permutations([part(1), part(2), part(3), part(1), part(3)]))
def test_parts_in_any_order_and_repeated_make_the_same_message(parts: list[Part[str]]) -> None:
    (message,) = assembled(parts)
    assert message.runs() == (("text 1", "text 2", "text 3"),)
    assert message.missing == ()


@given(st.sets(st.integers(1, 6), min_size=1))
def test_every_part_is_there_once_or_missing(numbers: set[int]) -> None:
    (message,) = assembled(part(number, 6) for number in numbers)
    there = [content for run in message.runs() for content in run]
    assert there == [f"text {number}" for number in sorted(numbers)]
    assert set(message.missing) == set(range(1, 7)) - numbers


def test_between_runs_something_is_missing() -> None:
    (message,) = assembled([part(1, 5), part(2, 5), part(4, 5)])
    assert message.runs() == (("text 1", "text 2"), ("text 4",))


def test_a_message_waits_for_its_parts_and_no_longer_than_is_patient() -> None:
    waiting = Assembly.of(part(1)).with_part(replace(part(2), arrived_at=NOW + timedelta(hours=1)))
    assert not waiting.due(NOW, PATIENCE)
    assert waiting.due(NOW + PATIENCE, PATIENCE)
    assert waiting.with_part(part(3)).due(NOW, PATIENCE)


def test_a_reference_that_came_round_again_is_another_message() -> None:
    first, second, longer = part(1), part(1, content="other"), part(1, total=4)
    assert not Assembly.of(first).holds(second)
    assert not Assembly.of(first).holds(longer)
    assert len(assembled([first, second, part(2), longer])) == 3
