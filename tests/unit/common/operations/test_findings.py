"""What is found is told in the order in which to do something about it."""

from common.core.operations.findings import Area, error, fine, in_order, is_wrong, warning


def test_errors_come_first_and_among_them_what_others_need() -> None:
    clock = error(Area.CLOCK, "apart", "NTP")
    setting = error(Area.SETTINGS, "wrong", "mend")
    topic = warning(Area.TOPICS, "old", "apply")
    well = fine(Area.SETTINGS, "known")
    assert in_order([well, topic, clock, setting, topic]) == [setting, clock, topic, well]


def test_warnings_are_wrong_for_the_strict_only() -> None:
    odd = [warning(Area.TOPICS, "old", "apply"), fine(Area.SETTINGS, "known")]
    assert not is_wrong(odd, strict=False)
    assert is_wrong(odd, strict=True)
    assert is_wrong([error(Area.KAFKA, "away", "start it")], strict=False)
    assert not is_wrong([], strict=True)
