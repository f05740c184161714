"""A whole stack of real processes, on free ports and in its own folder, shared by a worker's tests."""

import io
from collections.abc import Iterator

import pytest

from local_stack.layout import Ports
from local_stack.report import Report
from local_stack.servers import ProcessServers
from local_stack.shared_servers import SharedServers
from local_stack.stack import Stack


@pytest.fixture(scope="session")
def stack(servers: SharedServers) -> Iterator[Stack]:
    """Kafka, PostgreSQL and the five services, ready."""
    home = servers.scratch()
    stack = Stack(home, Ports.free())
    stack.servers = ProcessServers(home, stack.ports)
    report = Report(io.StringIO())
    try:
        stack.start(report)
        yield stack
    finally:
        stack.destroy(report)
