"""The rehearsal of a restore compares the timeline with the bus, and sees every difference."""

from urllib.parse import urlsplit

import pytest
from tests.integration.timeline.conftest import NOW, Tell, on_the_bus
from tests.integration.timeline.test_rebuilding import HISTORY

from local_stack.shared_servers import SharedPostgres
from restore.comparing import compared, row_of, stored_rows
from timeline.core.recording import entry_of, position_of

WANTED = {
    entry.event_id: row_of(entry)
    # What is told twice counts as it was told first.
    for one in reversed(on_the_bus(HISTORY, range(len(HISTORY))))
    if (entry := entry_of(one.event, position_of(one.topic, one.partition, one.offset), NOW, "JP"))
}


@pytest.fixture
def database(migrated: str, postgres_server: SharedPostgres) -> str:
    """The same database for somebody whom no policy keeps from a row."""
    return postgres_server.admin.url(urlsplit(migrated).path.removeprefix("/"))


async def test_what_was_written_is_what_the_bus_tells(tell: Tell, database: str) -> None:
    await tell(*HISTORY)
    found = compared(WANTED, await stored_rows(database))
    assert found.is_none, str(found)
    assert found.rows == len(WANTED) > 5


async def test_what_is_missing_or_changed_is_counted(tell: Tell, database: str) -> None:
    await tell(*HISTORY)
    kept = {row[0]: row for row in await stored_rows(database)}
    lost, changed, *_ = kept
    rows = [row for event, row in kept.items() if event not in (lost, changed)]
    found = compared(WANTED, [*rows, (*kept[changed][:-1], "{}")])
    assert (found.missing, found.different, found.added, found.repeated) == (1, 1, 0, 0)
