"""Kafka and PostgreSQL of `make up` as containers: deploy/compose.yaml, run by Docker's own tool."""

import hashlib
import subprocess
from pathlib import Path

from local_stack.database import accepts_logins
from local_stack.engine import COMPOSE_FILE, compose_is_there
from local_stack.errors import MissingToolError, StackError, StartError
from local_stack.kafka import is_broker_ready
from local_stack.layout import Ports
from local_stack.ports import LOOPBACK, require_free
from local_stack.postgres import SUPERUSER, PostgresAddress
from local_stack.private_files import generated_secret
from local_stack.report import Report
from local_stack.settings import environment_with
from local_stack.waiting import wait_for

START_LIMIT_SECONDS = 60
STATE = '{{.Label "com.docker.compose.service"}}\t{{.Status}}'


class ComposeServers:
    """Both servers as containers on the very ports that the processes would use."""

    def __init__(self, home: Path, ports: Ports) -> None:
        self._ports = ports
        # A second clone of the repository is a second project, with volumes and a password of its own.
        self._project = f"madoguchi-{hashlib.sha256(str(home.absolute()).encode()).hexdigest()[:8]}"
        self._secret = home.absolute() / "secrets" / "postgres"

    def prepare(self, report: Report) -> None:
        """Start both containers: their images and their network are fetched and made together."""
        if not compose_is_there():
            raise MissingToolError(
                "Docker is here without its compose plugin: install docker-compose-plugin,"
                " or use Java and Maven instead with MADOGUCHI_STACK=local."
            )
        generated_secret(self._secret)
        if not self.states():
            require_free(self._ports.kafka, "Kafka")
            require_free(self._ports.postgres, "PostgreSQL")
        report.say("containers", f"starting Kafka and PostgreSQL by {COMPOSE_FILE.name}")
        self._compose("up", "--detach", "--quiet-pull")

    def start_kafka(self, report: Report) -> None:
        """Wait for the broker."""
        if not wait_for(lambda: is_broker_ready(self._ports.kafka), START_LIMIT_SECONDS):
            raise StartError(f"Kafka's container is not ready: {self._compose('logs', 'kafka')}")
        report.say("Kafka", f"ready on {LOOPBACK}:{self._ports.kafka}")

    def start_postgres(self, report: Report) -> PostgresAddress:
        """Wait for the server."""
        password = self._secret.read_text()
        address = PostgresAddress(LOOPBACK, self._ports.postgres, SUPERUSER, password)
        if not wait_for(lambda: accepts_logins(address), START_LIMIT_SECONDS):
            raise StartError(
                f"PostgreSQL's container is not ready: {self._compose('logs', 'postgres')}"
            )
        report.say("PostgreSQL", f"ready on {LOOPBACK}:{self._ports.postgres}")
        return address

    def stop(self, report: Report) -> None:
        """Remove the containers and keep their volumes."""
        report.say("containers", "stopping Kafka and PostgreSQL")
        self._compose("down")

    def destroy(self) -> None:
        """Remove the containers and their volumes."""
        self._compose("down", "--volumes")

    def states(self) -> dict[str, str]:
        """Return what Docker says of each container."""
        # Not `compose ps`: its formats differ from release to release.
        listing = subprocess.run(
            [
                *("docker", "ps", "--all", "--format", STATE),
                *("--filter", f"label=com.docker.compose.project={self._project}"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        return dict(line.split("\t", 1) for line in listing.stdout.splitlines())

    def _compose(self, *words: str) -> str:
        done = subprocess.run(
            ["docker", "compose", "-p", self._project, "-f", str(COMPOSE_FILE), *words],
            env=environment_with(compose_environment(self._ports, self._secret)),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise StackError(f"docker compose {words[0]} failed: {done.stderr.strip()}")
        return done.stdout.strip()


def compose_environment(ports: Ports, secret: Path) -> dict[str, str]:
    """Return the variables that compose.yaml refers to."""
    return {
        "MADOGUCHI_KAFKA_PORT": str(ports.kafka),
        "MADOGUCHI_POSTGRES_PORT": str(ports.postgres),
        "MADOGUCHI_POSTGRES_SECRET": str(secret),
    }
