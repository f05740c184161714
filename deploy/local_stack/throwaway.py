"""A stack that is made for one run and leaves nothing behind."""

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, Protocol, TypeVar

from local_stack.keeper import ended_with_us
from local_stack.layout import Ports
from local_stack.report import Report
from local_stack.servers import ProcessServers
from local_stack.stack import Stack


@contextmanager
def throwaway_stack(home: Path, report: Report) -> Iterator[tuple[Stack, ProcessServers]]:
    """Yield a stack of local processes on free ports in `home`, not started yet, and its servers.

    It is destroyed with the block, or with this process if that is killed.
    """
    stack = Stack(home, Ports.free())
    servers = ProcessServers(home, stack.ports)
    stack.servers = servers
    with ended_with_us(home):
        try:
            yield stack, servers
        finally:
            stack.destroy(report)


def throwaway_home(name: str) -> Path:
    """Return a new folder for such a stack; `name` says in its own name what it is for."""
    home = Path(tempfile.mkdtemp(prefix=f"madoguchi-{name}-"))
    home.chmod(0o755)  # PostgreSQL may run as another user
    return home


class Outcome(Protocol):
    """What a run has found."""

    @property
    def complaints(self) -> Sequence[str]:
        """Return what was not as promised, a sentence each."""
        ...


Found = TypeVar("Found", bound=Outcome)


def rehearse(
    name: str, run: Callable[[Path, Report], Found], show: Callable[[Found, Report], None]
) -> NoReturn:
    """Run in a folder of its own and show what was found; exit 1 unless all was as promised."""
    report = Report()
    found = run(throwaway_home(name), report)
    show(found, report)
    for complaint in found.complaints:
        report.show(f"NOT AS PROMISED: {complaint}")
    sys.exit(bool(found.complaints))
