"""A whole stack of real processes, on free ports and in its own folder, shared by a worker's tests."""

import io
from collections.abc import Iterator

import pytest

from local_stack.report import Report
from local_stack.shared_servers import SharedServers
from local_stack.stack import Stack
from local_stack.throwaway import throwaway_stack


@pytest.fixture(scope="module")
def stack(servers: SharedServers) -> Iterator[Stack]:
    """Kafka, PostgreSQL and the five services, ready."""
    home = servers.scratch()
    report = Report(io.StringIO())
    with throwaway_stack(home, report) as (stack, _):
        stack.start(report)
        yield stack
