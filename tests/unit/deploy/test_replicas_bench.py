"""What the benchmark of replicas makes of what it sees."""

from pathlib import Path

import pytest

from bench.cpu_share import Hierarchy, NoCpuSharesError, hierarchy_of
from bench.handled import Gaps
from bench.scaling import Plan, Round, figures


def test_the_partition_that_waits_longest_counts() -> None:
    gaps = Gaps([0, 1], now=0.0)
    gaps.saw({}, 0.0)
    gaps.saw({0: 1, 1: 1}, 1.0)
    gaps.saw({0: 2, 1: 1}, 2.0)
    gaps.saw({0: 3, 1: 2}, 4.5)
    assert gaps.longest == 3.5


def test_a_partition_that_still_waits_counts_up_to_the_last_look() -> None:
    gaps = Gaps([0, 1], now=0.0)
    gaps.saw({0: 1, 1: 1}, 1.0)
    gaps.saw({0: 2, 1: 1}, 7.0)
    assert gaps.longest == 7.0
    assert not gaps.all_moved_since(0.5)


def test_what_was_before_the_beginning_does_not_count() -> None:
    gaps = Gaps([0], now=0.0)
    gaps.saw({0: 1}, 9.0)
    gaps.begin(10.0)
    gaps.saw({0: 2}, 10.5)
    assert gaps.longest == 0.5
    assert gaps.all_moved_since(10.0)


def test_the_old_hierarchy_of_groups_is_found_among_the_mounts() -> None:
    mounts = (
        "proc /proc proc rw 0 0\n"
        "cgroup /sys/fs/cgroup/cpuset cgroup rw,cpuset 0 0\n"
        "cgroup /sys/fs/cgroup/cpu cgroup rw,relatime,cpu,cpuacct 0 0\n"
    )
    assert hierarchy_of(mounts) == Hierarchy(Path("/sys/fs/cgroup/cpu"), is_unified=False)


def test_the_unified_hierarchy_counts_where_it_hands_the_processor_on(tmp_path: Path) -> None:
    mounts = f"cgroup2 {tmp_path} cgroup2 rw 0 0\n"
    with pytest.raises(NoCpuSharesError):
        hierarchy_of(mounts)
    (tmp_path / "cgroup.subtree_control").write_text("cpu memory\n")
    assert hierarchy_of(mounts) == Hierarchy(tmp_path, is_unified=True)


def test_a_ratio_stands_beside_as_many_times_one() -> None:
    plan = Plan(0.15, 1_000, counts=(1, 4))
    found = figures("router", plan, {1: Round(100.0, 1.0, 0), 4: Round(380.0, 1.0, 0)})
    ratio = found[-1]
    assert (ratio.name, ratio.value, ratio.ratio) == ("router_scale_ratio_4", 3.8, 0.95)
