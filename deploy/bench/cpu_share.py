"""A share of a core for a process: a cgroup of its own (Linux, cgroup v1 or v2), gone with the block."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec import Struct

from local_stack.processes import PROC, identify

# A fifth of the kernel's default: who is held back for long at once looks dead to others.
PERIOD_MICROSECONDS = 20_000
LEAST_SHARE = 0.05  # the kernel takes no quota below a millisecond
PREFIX = "madoguchi-share-"


class NoCpuSharesError(Exception):
    """This machine lets us make no cgroups; says why."""


class Hierarchy(Struct, frozen=True):
    """Where the kernel's cpu controller is mounted."""

    root: Path
    is_unified: bool


class CpuShare:
    """The cgroup of one process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def held_back(self) -> int:
        """Return in how many periods so far the process wanted more than its share."""
        lines = (self._folder / "cpu.stat").read_text().splitlines()
        return int(dict(line.split() for line in lines)["nr_throttled"])


@contextmanager
def limited(pid: int, share: float) -> Iterator[CpuShare]:
    """Let a process and what it starts have at most `share` of one core (0.15: 15 %) in the block.

    Raises NoCpuSharesError. A group that a killed run left behind is removed by the next one.
    """
    if share < LEAST_SHARE:
        raise ValueError(f"no less than {LEAST_SHARE} of a core")
    hierarchy = hierarchy_of(Path("/proc/self/mounts").read_text())
    _sweep(hierarchy.root)
    home = _group_of(pid, hierarchy)
    folder = hierarchy.root / f"{PREFIX}{pid}"
    try:
        folder.mkdir()
    except OSError as error:
        raise NoCpuSharesError(f"{hierarchy.root}: {error.strerror}") from error
    try:
        _limit(folder, hierarchy, share)
        (folder / "cgroup.procs").write_text(str(pid))
        yield CpuShare(folder)
    finally:
        _leave(folder, home)


def hierarchy_of(mounts: str) -> Hierarchy:
    """Return where groups can be limited, by the lines of /proc/mounts; raise NoCpuSharesError."""
    for line in mounts.splitlines():
        _, folder, kind, options, *_ = line.split()
        if kind == "cgroup" and "cpu" in options.split(","):
            return Hierarchy(Path(folder), is_unified=False)
        if kind == "cgroup2" and _delegates_cpu(Path(folder)):
            return Hierarchy(Path(folder), is_unified=True)
    raise NoCpuSharesError("no cgroup controller of the processor is mounted for us")


def _delegates_cpu(root: Path) -> bool:
    with suppress(OSError):
        return "cpu" in (root / "cgroup.subtree_control").read_text().split()
    return False


def _limit(folder: Path, hierarchy: Hierarchy, share: float) -> None:
    quota = round(PERIOD_MICROSECONDS * share)
    try:
        if hierarchy.is_unified:
            (folder / "cpu.max").write_text(f"{quota} {PERIOD_MICROSECONDS}")
        else:
            (folder / "cpu.cfs_period_us").write_text(str(PERIOD_MICROSECONDS))
            (folder / "cpu.cfs_quota_us").write_text(str(quota))
        # A group competes as a group, whatever its members' own priority: keep ours.
        if os.sched_getscheduler(0) == os.SCHED_IDLE:
            (folder / "cpu.idle").write_text("1")
    except OSError as error:
        raise NoCpuSharesError(f"{folder}: {error.strerror}") from error


def _group_of(pid: int, hierarchy: Hierarchy) -> Path:
    """Return the group that a process is in."""
    for line in (PROC / str(pid) / "cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "" if hierarchy.is_unified else "cpu" in controllers.split(","):
            return hierarchy.root / path.lstrip("/")
    return hierarchy.root


def _leave(folder: Path, home: Path) -> None:
    for pid in (folder / "cgroup.procs").read_text().split():
        with suppress(ProcessLookupError):
            (home / "cgroup.procs").write_text(pid)
    folder.rmdir()


def _sweep(root: Path) -> None:
    for folder in root.glob(f"{PREFIX}*"):
        if not identify(int(folder.name.removeprefix(PREFIX))):
            with suppress(OSError):  # somebody else was quicker
                folder.rmdir()
