"""The crash test's judge sees every fault that it is there to see."""

from hypothesis import given, strategies as st

from chaos.verdict import Verdict, judge


def test_what_is_as_acknowledged_is_exact() -> None:
    assert judge({"a": [0, 1, 2]}, {"a": [0, 1, 2]}, {"a": 3}).is_exact


def test_each_fault_is_counted_by_its_name() -> None:
    acknowledged = {"a": [0, 1, 2], "b": [0], "c": [0, 1]}
    shown = {"a": [0, 2, 1, 1], "c": [0, 1, 5]}
    verdict = judge(acknowledged, shown, {"a": 4, "b": 0, "c": 2})
    assert verdict == Verdict(6, lost=1, twice=1, out_of_order=1, never_acknowledged=1, undecided=2)
    assert not verdict.is_exact
    assert "1 lost" in str(verdict)


@given(st.lists(st.integers(0, 9), max_size=6), st.lists(st.integers(0, 9), max_size=6))
def test_only_equal_histories_are_exact(wanted: list[int], shown: list[int]) -> None:
    wanted = sorted(set(wanted))
    exact = judge({"a": wanted}, {"a": shown}, {"a": len(wanted)}).is_exact
    assert exact == (wanted == shown)
