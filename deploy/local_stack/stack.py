"""The whole local stack: two servers and five services, brought up and down in the right order."""

import fcntl
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path

from local_stack.compose import ComposeServers
from local_stack.database import ensure_database, execute, role_statement
from local_stack.engine import uses_docker, uses_images
from local_stack.errors import StackError
from local_stack.layout import DATABASE, HOME, ROLE, SERVICES, Ports
from local_stack.parallel import side_by_side
from local_stack.ports import LOOPBACK, require_free
from local_stack.postgres import PostgresAddress
from local_stack.private_files import generated_secret
from local_stack.readiness import wait_until_ready
from local_stack.report import Report
from local_stack.servers import ProcessServers, Servers
from local_stack.services import (
    STOP_LIMIT_SECONDS,
    ServiceProcess,
    run_tool,
    service_environment,
)
from local_stack.tokens import SigningKey

# Whoever takes messages in stops first, so that those behind can finish what is on the bus.
STOPPING_ORDER = (("ingest_email", "ingest_sms", "ingest_social"), ("router", "timeline"))


class Stack:
    """A stack with its data, logs and secrets in `home`."""

    def __init__(self, home: Path = HOME, ports: Ports | None = None) -> None:
        self.home = home
        self.ports = ports or Ports.of(home)
        self.key = SigningKey(home)

    @cached_property
    def servers(self) -> Servers:
        """Return the servers: the processes that run already, else what this machine is suited to."""
        processes = ProcessServers(self.home, self.ports)
        if processes.are_running or not uses_docker():
            return processes
        return ComposeServers(self.home, self.ports)

    @cached_property
    def environment(self) -> dict[str, str]:
        """Return the settings that services are started with."""
        password = generated_secret(self.home / "secrets" / ROLE)
        address = PostgresAddress(LOOPBACK, self.ports.postgres, ROLE, password)
        told = service_environment(
            self.home, self.ports, database=address.url(DATABASE), jwks=self.key.jwks
        )
        return told | {"MADOGUCHI_PRIVACY_KEY": generated_secret(self.home / "secrets" / "privacy")}

    @cached_property
    def services(self) -> dict[str, ServiceProcess]:
        """Return the five services by name."""
        return {
            name: ServiceProcess(name, self.ports.services[name], self.environment, self.home)
            for name in SERVICES
        }

    @contextmanager
    def alone(self, report: Report) -> Iterator[None]:
        """Keep every other `up` and `down` of this stack waiting meanwhile."""
        self.home.mkdir(exist_ok=True)
        with (self.home / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                report.say("stack", "somebody else brings it up or down: waiting for them")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def start_servers(self, report: Report) -> None:
        """Bring up Kafka with its topics and PostgreSQL with an empty database, side by side."""
        self._prepare(report)
        side_by_side([lambda: self._start_bus(report), lambda: self._start_database(report)])

    def start_schemas(self, report: Report) -> None:
        """Bring up the servers and the schemas of all services, side by side."""
        self._prepare(report)
        side_by_side([lambda: self._start_bus(report), lambda: self._start_schemas(report)])

    def start(self, report: Report) -> None:
        """Bring up the servers, the schemas and the services; return when all five are ready."""
        if uses_images():
            self._start_images(report)
            return
        for service in self.services.values():
            self._require_ports_of(service)
        self.start_schemas(report)
        self._start_services(report)

    def stop(self, report: Report) -> None:
        """End what runs of this stack and nothing else; data stays."""
        for names in STOPPING_ORDER:
            running = [service for service in self._running() if service.name in names]
            side_by_side([partial(stop_service, service, report) for service in running])
        self.servers.stop(report)

    def destroy(self, report: Report) -> None:
        """Stop, and delete every byte of data, log and secret."""
        self.stop(report)
        self.servers.destroy()
        shutil.rmtree(self.home, ignore_errors=True)

    def _start_images(self, report: Report) -> None:
        containers = self.servers
        if self._running() or not isinstance(containers, ComposeServers):
            raise StackError("the stack runs as processes: make down ends it.")
        containers.require_images()
        containers.require_free_ports()
        self._prepare(report)
        side_by_side([lambda: containers.start_kafka(report), lambda: self._start_database(report)])
        containers.start_services(report)

    def _prepare(self, report: Report) -> None:
        self.home.mkdir(exist_ok=True)
        self.key.ensure()
        self.servers.prepare(report)

    def _start_bus(self, report: Report) -> None:
        self.servers.start_kafka(report)
        report.say("topics", "comparing with common.core.topics")
        said = run_tool([sys.executable, "-m", "common", "topics", "apply"], self.environment)
        for line in said.splitlines():
            report.say("topics", line)

    def _start_database(self, report: Report) -> str:
        address = self.servers.start_postgres(report)
        password = generated_secret(self.home / "secrets" / ROLE)
        execute(address, [role_statement(ROLE, password)])
        return ensure_database(address, DATABASE, owner=ROLE)

    def _start_schemas(self, report: Report) -> None:
        mark = self._schemas_mark(self._start_database(report))
        done = self.home / "schemas.mark"
        # Five Pythons need seconds only to find that there is nothing to do.
        if done.exists() and done.read_text() == mark:
            report.say("migrations", "nothing changed since they were applied")
            return
        report.say("migrations", "bringing the services' schemas up to date")
        side_by_side([service.migrate for service in self.services.values()])
        done.write_text(mark)
        report.say("migrations", "done")

    def _schemas_mark(self, database: str) -> str:
        return "\n".join([database, *(service.code_mark() for service in self.services.values())])

    def _start_services(self, report: Report) -> None:
        self._stop_outdated(report)
        idle = [service for service in self.services.values() if not service.is_running]
        for service in idle:
            report.say(service.name, f"starting on {LOOPBACK}:{service.port}")
            service.start()
        wait_until_ready(list(self.services.values()), report)

    def _require_ports_of(self, service: ServiceProcess) -> None:
        if not service.is_running:
            require_free(service.port, service.name)
            if service.name == "ingest_email":
                require_free(self.ports.smtp, "SMTP")

    def _stop_outdated(self, report: Report) -> None:
        outdated = [service for service in self._running() if service.is_outdated]
        for service in outdated:
            report.say(service.name, "its code or settings changed: restarting it")
        side_by_side([service.stop for service in outdated])

    def _running(self) -> list[ServiceProcess]:
        return [service for service in self.services.values() if service.is_running]


def stop_service(service: ServiceProcess, report: Report) -> None:
    """Stop one service and say how it went."""
    report.say(service.name, "stopping")
    if not service.stop():
        report.say(service.name, f"did not end within {STOP_LIMIT_SECONDS} s: killed")
