"""A whole PostgreSQL server copied while it works, and put back where nothing is left of it."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from local_stack.accounts import Account
from local_stack.errors import StackError
from local_stack.postgres import ENVIRONMENT, SETTINGS, SUPERUSER, PostgresServer
from local_stack.postgres_tools import find_postgres
from local_stack.settings import environment_with

LIMIT_SECONDS = 600
ARCHIVE_EVERY = "5s"  # what an idle server may still keep to itself


def archiving(folder: Path, account: Account | None) -> Mapping[str, str]:
    """Return the settings of a server that keeps every finished piece of its log in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    if account:
        account.own(folder)
    return {
        **SETTINGS,
        "archive_mode": "on",
        "archive_command": f"test ! -f {folder}/%f && cp %p {folder}/%f",
        "archive_timeout": ARCHIVE_EVERY,
    }


def take(server: PostgresServer, folder: Path) -> None:
    """Copy a running server's data into `folder`, which need not exist, with the log to make it whole."""
    address = server.address
    command = [
        *(str(find_postgres() / "pg_basebackup"), "--pgdata", str(folder)),
        *("--host", address.host, "--port", str(address.port), "--username", SUPERUSER),
        *("--wal-method", "stream", "--checkpoint", "fast", "--no-password"),
    ]
    _run(command, {"PGPASSWORD": address.password})
    _run([str(find_postgres() / "pg_verifybackup"), str(folder)], {})


def put_back(server: PostgresServer, folder: Path, archive: Path | None) -> None:
    """Make a server's data what the backup holds, and what was archived since; it is not started."""
    shutil.copytree(folder, server.data)
    server.data.chmod(0o700)
    if archive:
        line = f"restore_command = 'cp {archive}/%f %p'\n"
        with (server.data / "postgresql.auto.conf").open("a") as file:
            file.write(line)
        (server.data / "recovery.signal").touch()
    if server.account:
        for path in (server.data, *server.data.rglob("*")):
            server.account.own(path)


def _run(command: list[str], environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        command,
        env=environment_with({**ENVIRONMENT, **environment}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise StackError(f"{Path(command[0]).name} failed: {done.stdout.strip()}")
