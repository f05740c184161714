"""A real IMAP server for each test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.ingest_email.dovecot import DOVECOT, Dovecot

from local_stack.ports import free_port


@pytest.fixture
def dovecot(server_folder: Path) -> Iterator[Dovecot]:
    if DOVECOT is None:
        pytest.skip("no Dovecot here: `apt-get install dovecot-imapd` brings it")
    server_folder.chmod(0o755)
    server = Dovecot(server_folder, free_port(), free_port())
    server.start()
    yield server
    server.stop()
