"""What is alive on this machine: a process is known by its pid *and* its start, so no stranger is ever signalled."""

import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class ProcessIdentity:
    """A process, told apart from a later one that was given the same pid."""

    pid: int
    started: str

    def as_text(self) -> str:
        """Return what `parse` reads."""
        return f"{self.pid} {self.started}"

    @classmethod
    def parse(cls, text: str) -> "ProcessIdentity | None":
        """Read what `as_text` wrote; None if it is anything else, such as a half-written file."""
        pid, _, started = text.strip().partition(" ")
        return cls(int(pid), started) if pid.isdigit() and started else None

    @property
    def is_alive(self) -> bool:
        """Tell whether this very process still runs."""
        return started_at(self.pid) == self.started

    def send(self, number: signal.Signals) -> None:
        """Signal the process, or do nothing if it has ended meanwhile."""
        if self.is_alive:
            os.kill(self.pid, number)


def identify(pid: int) -> ProcessIdentity | None:
    """Return who has `pid` now, or None if nobody does."""
    started = started_at(pid)
    return ProcessIdentity(pid, started) if started else None


def started_at(pid: int) -> str:
    """Return when `pid` started in the system's own words, "" if it does not run."""
    if PROC.joinpath("self", "stat").exists():
        return _start_ticks(pid)
    listing = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listing.stdout.strip()


def _start_ticks(pid: int) -> str:
    try:
        stat = PROC.joinpath(str(pid), "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    # The command's name may hold spaces and parentheses, so the fields are counted after its last one.
    state, *fields = stat.rpartition(")")[2].split()
    return "" if state in "ZX" and _threads_of(pid) <= 1 else fields[18]


def _threads_of(pid: int) -> int:
    # A leader becomes a zombie first: while other threads are ending, its ports are still bound.
    return sum(1 for _ in PROC.glob(f"{pid}/task/*"))


def children_of(pid: int) -> list[ProcessIdentity]:
    """Return the processes whose parent is `pid`; none where there is no /proc."""
    found = []
    for listing in PROC.glob(f"{pid}/task/*/children"):
        try:
            pids = [int(child) for child in listing.read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
        found += [child for child in map(identify, pids) if child]
    return found


def command_of(pid: int) -> str:
    """Return the command line of `pid`, or "" where it may not be read."""
    try:
        words = PROC.joinpath(str(pid), "cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    return b" ".join(words).decode(errors="replace").strip()
