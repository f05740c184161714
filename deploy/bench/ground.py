"""Replicas of one service, with a database and topics of their own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import asyncpg
from msgspec import Struct

from common.core.topics import MESSAGES
from local_stack.database import execute
from local_stack.layout import DATABASE, ROLE
from local_stack.parallel import side_by_side
from local_stack.ports import LOOPBACK, free_port
from local_stack.private_files import generated_secret
from local_stack.readiness import wait_until_ready
from local_stack.report import Report
from local_stack.services import ServiceProcess
from local_stack.stack import Stack


class Ground(Struct, frozen=True):
    """Where replicas of `service` work; nothing is started, and the topics are not made yet."""

    service: str
    prefix: str
    environment: Mapping[str, str]
    folder: Path

    @property
    def bootstrap(self) -> str:
        """Return where Kafka is."""
        return self.environment["MADOGUCHI_KAFKA"]

    @property
    def group(self) -> str:
        """Return the consumer group of the replicas."""
        return self.prefix + self.service

    @property
    def topic(self) -> str:
        """Return the topic of messages."""
        return self.prefix + MESSAGES.name

    async def database(self) -> asyncpg.Connection:
        """Connect to the service's schema, seeing every tenant."""
        settings = {"search_path": self.service, "madoguchi.tenant": "*"}
        return await asyncpg.connect(
            self.environment["MADOGUCHI_DATABASE"], server_settings=settings
        )

    def replica(self, name: str) -> ServiceProcess:
        """Return a replica, not started yet."""
        return ServiceProcess(self.service, free_port(), self.environment, self.folder / name)

    @contextmanager
    def serving(self, count: int, report: Report) -> Iterator[list[ServiceProcess]]:
        """Yield so many replicas that are ready; they are killed in the end, as nothing is looked at any more."""
        replicas = [self.replica(f"{self.service}-{number}") for number in range(count)]
        try:
            for one in replicas:
                one.start()
            wait_until_ready(replicas, report)
            yield replicas
        finally:
            side_by_side([one.kill for one in replicas])


def new_ground(
    stack: Stack, report: Report, service: str, name: str, settings: Mapping[str, str]
) -> Ground:
    """Copy the migrated database of a stack whose servers run; none of its services may."""
    address = stack.servers.start_postgres(report)
    execute(address, [f'CREATE DATABASE "{name}" OWNER {ROLE} TEMPLATE "{DATABASE}"'])
    password = generated_secret(stack.home / "secrets" / ROLE)
    own = {
        "MADOGUCHI_KAFKA": f"{LOOPBACK}:{stack.ports.kafka}",
        "MADOGUCHI_DATABASE": address.url(name, user=ROLE, password=password),
        "MADOGUCHI_TOPIC_PREFIX": f"{name}-",
    }
    return Ground(service, f"{name}-", {**stack.environment, **own, **settings}, stack.home / name)
