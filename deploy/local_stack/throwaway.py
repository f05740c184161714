"""A stack that is made for one run and leaves nothing behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
