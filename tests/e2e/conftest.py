"""A whole stack of real processes, on free ports and in its own folder, shared by a worker's tests."""

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_stack.layout import Ports
from local_stack.report import Report
from local_stack.servers import ProcessServers
from local_stack.stack import Stack


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Kafka, PostgreSQL and the five services, ready."""
    home = Path(tempfile.mkdtemp(prefix="madoguchi-e2e-"))
    home.chmod(0o755)  # PostgreSQL may run as another user
    stack = Stack(home, Ports.free())
    stack.servers = ProcessServers(home, stack.ports)
    report = Report(io.StringIO())
    try:
        stack.start(report)
        yield stack
    finally:
        stack.destroy(report)
