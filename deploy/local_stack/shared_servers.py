"""One Kafka and one PostgreSQL for a whole test session, however many workers it has."""

import fcntl
import json
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from local_stack.daemons import Daemon
from local_stack.database import execute, role_statement
from local_stack.kafka import KafkaServer
from local_stack.ports import free_port
from local_stack.postgres import SETTINGS, THROWAWAY, PostgresAddress, PostgresServer
from local_stack.processes import identify

PREFIX = "madoguchi-tests-"
ROLE = "madoguchi"
CONTAINERS = "containers"


@dataclass(frozen=True)
class SharedPostgres:
    """The session's server, and the ordinary role that tests and services log in as."""

    admin: PostgresAddress
    role_password: str

    def url(self, database: str) -> str:
        """Return the URL of `database` for the ordinary role."""
        return self.admin.url(database, user=ROLE, password=self.role_password)


class TopicMaker(Protocol):
    """What the fixture `make_topic` hands to a test."""

    async def __call__(self, name: str, partitions: int = 1) -> str:
        """Make a topic on the session's broker and return its prefixed name."""


class Backend(Protocol):
    """Where the servers of a session come from."""

    def start_kafka(self, folder: Path) -> str:
        """Start a broker and return its bootstrap address."""

    def start_postgres(self, folder: Path) -> PostgresAddress:
        """Start a PostgreSQL and return where it is."""


class LocalProcesses:
    """Servers as processes of this machine."""

    def start_kafka(self, folder: Path) -> str:
        """Start a broker on free ports; fetch its jars the first time."""
        server = KafkaServer(folder, free_port(), free_port())
        server.start()
        return server.bootstrap

    def start_postgres(self, folder: Path) -> PostgresAddress:
        """Start a cluster on a free port."""
        server = PostgresServer(folder, free_port(), settings={**SETTINGS, **THROWAWAY})
        server.start()
        return server.address


class SharedServers:
    """Servers in a temporary folder: the first worker that needs one starts it, the session's owner ends all."""

    def __init__(self, folder: Path, backend: Callable[[], Backend]) -> None:
        self.folder = folder
        self._backend = backend

    def kafka(self) -> str:
        """Return the bootstrap address of the session's broker."""
        return self._once("kafka-address", lambda: self._backend().start_kafka(self.folder))

    def postgres(self) -> SharedPostgres:
        """Return the session's PostgreSQL."""
        known = json.loads(self._once("postgres-address", self._start_postgres))
        return SharedPostgres(PostgresAddress(**known["admin"]), known["role_password"])

    def scratch(self) -> Path:
        """Return a new folder for servers that one test has to itself; ended with the session, too."""
        self.folder.mkdir(mode=0o755, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        folder.chmod(0o755)  # PostgreSQL may run as another user
        return folder

    def end(self) -> None:
        """Stop everything that this session started, and delete its folder."""
        if self.folder.exists():
            end_processes(self.folder)
            end_containers(self.folder)
            shutil.rmtree(self.folder, ignore_errors=True)

    def _once(self, name: str, start: Callable[[], str]) -> str:
        self.folder.mkdir(mode=0o755, exist_ok=True)
        known = self.folder / name
        with known.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not known.exists():
                known.write_text(start())
            return known.read_text()

    def _start_postgres(self) -> str:
        admin = self._backend().start_postgres(self.folder)
        known = SharedPostgres(admin, secrets.token_urlsafe(16))
        execute(admin, [role_statement(ROLE, known.role_password)])
        return json.dumps(asdict(known))


def folder_of_this_session() -> Path:
    """Return the folder for servers that live as long as this process."""
    return Path(tempfile.gettempdir()) / f"{PREFIX}{os.getpid()}"


def end_forgotten_sessions() -> None:
    """End the servers of sessions that were killed before they could clean up."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}[0-9]*"):
        if not identify(int(folder.name.removeprefix(PREFIX))):
            SharedServers(folder, LocalProcesses).end()


def end_processes(folder: Path) -> None:
    """Kill what has a pid file below `folder`, and delete the clusters wherever they had to be put."""
    for pid_file in folder.rglob("run/*.pid"):
        Daemon(pid_file.stem, pid_file.parents[1]).kill()
        if pid_file.stem == "postgres":
            PostgresServer(pid_file.parents[1], port=0).destroy()


def end_containers(folder: Path) -> None:
    """Remove the containers whose ids are kept in `folder`, with their volumes."""
    for identifier in (folder / CONTAINERS).glob("*"):
        remove = ["docker", "rm", "--force", "--volumes", identifier.name]
        subprocess.run(remove, capture_output=True, check=False)
