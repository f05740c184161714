"""The stack as containers: deploy/compose.yaml, run by Docker's own tool.

Kafka and PostgreSQL for `make up` where a Docker engine answers; the services, too, from their images,
with MADOGUCHI_STACK=images.
"""

import hashlib
import subprocess
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from local_stack.database import accepts_logins
from local_stack.engine import COMPOSE_FILE, compose_is_there, image_is_there
from local_stack.errors import MissingToolError, StackError, StartError
from local_stack.kafka import is_broker_ready
from local_stack.layout import DATABASE, ROLE, Ports
from local_stack.ports import LOOPBACK, require_free
from local_stack.postgres import SUPERUSER, PostgresAddress
from local_stack.private_files import generated_secret, write_for_containers
from local_stack.report import Report
from local_stack.services import READY_LIMIT_SECONDS, is_ready, missing_at
from local_stack.settings import environment_with
from local_stack.waiting import wait_for

START_LIMIT_SECONDS = 60
STATE = '{{.Label "com.docker.compose.service"}}\t{{.Status}}'
SERVICES_TOO = ("--profile", "services")
LINES_SHOWN = "20"
OURS = "madoguchi/"


class ComposeServers:
    """The servers as containers on the very ports that the processes would use, and the services likewise."""

    def __init__(self, home: Path, ports: Ports) -> None:
        self._ports = ports
        self._home = home.absolute()
        # A second clone of the repository is a second project, with volumes and a password of its own.
        self._project = f"madoguchi-{hashlib.sha256(str(self._home).encode()).hexdigest()[:8]}"
        self._secret = self._home / "secrets" / "postgres"

    def prepare(self, report: Report) -> None:
        """Start both containers: their images and their network are fetched and made together."""
        _require_compose()
        write_secrets(self._home)
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

    def require_free_ports(self) -> None:
        """Raise PortTakenError if somebody else has a port of a service whose container does not run."""
        running = self.states()
        for name, port in self._ports.services.items():
            if name not in running:
                require_free(port, name)

    def require_images(self) -> None:
        """Raise MissingToolError if an image of ours was not built."""
        _require_compose()
        named = self._compose(*SERVICES_TOO, "config", "--images").splitlines()
        for image in sorted(set(named)):
            if image.startswith(OURS) and not image_is_there(image):
                raise MissingToolError(f"there is no image {image}: make images builds it.")

    def start_services(self, report: Report) -> None:
        """Start the services from their images, topics and schemas before them; wait until all are ready."""
        report.say("containers", "topics and schemas, then the services from their images")
        self._compose(*SERVICES_TOO, "up", "--detach", "--quiet-pull")
        for name, port in self._ports.services.items():
            if not wait_for(partial(is_ready, port), READY_LIMIT_SECONDS):
                said = self._compose(*SERVICES_TOO, "logs", "--tail", LINES_SHOWN, name)
                raise StartError(f"{name} is not ready ({missing_at(port)}):\n{said}")
            report.say(name, f"ready on http://{LOOPBACK}:{port}")

    def stop(self, report: Report) -> None:
        """Remove the containers and keep their volumes."""
        report.say("containers", "stopping all of them")
        self._compose(*SERVICES_TOO, "down")

    def destroy(self) -> None:
        """Remove the containers and their volumes."""
        self._compose(*SERVICES_TOO, "down", "--volumes")

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

    def following(self, names: Sequence[str]) -> list[str]:
        """Return the command that follows the containers' logs."""
        return self._command(*SERVICES_TOO, "logs", "--follow", "--tail", LINES_SHOWN, *names)

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment that such a command needs."""
        return environment_with(compose_environment(self._ports, self._home))

    def _command(self, *words: str) -> list[str]:
        return ["docker", "compose", "-p", self._project, "-f", str(COMPOSE_FILE), *words]

    def _compose(self, *words: str) -> str:
        done = subprocess.run(
            self._command(*words),
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise StackError(f"docker compose {' '.join(words)} failed: {done.stderr.strip()}")
        return done.stdout.strip()


def _require_compose() -> None:
    if not compose_is_there():
        raise MissingToolError(
            "Docker is here without its compose plugin: install docker-compose-plugin,"
            " or use Java and Maven instead with MADOGUCHI_STACK=local."
        )


def compose_environment(ports: Ports, home: Path) -> dict[str, str]:
    """Return the variables that compose.yaml refers to."""
    services = {
        f"MADOGUCHI_{name.upper()}_PORT": str(port) for name, port in ports.services.items()
    }
    return {
        "MADOGUCHI_HOME": str(home),
        "MADOGUCHI_KAFKA_PORT": str(ports.kafka),
        "MADOGUCHI_POSTGRES_PORT": str(ports.postgres),
        "MADOGUCHI_SMTP_PORT": str(ports.smtp),
        **services,
    }


def write_secrets(home: Path) -> None:
    """Write what compose.yaml hands to containers as files, under the names of the settings they are."""
    generated_secret(home / "secrets" / "postgres")
    password = generated_secret(home / "secrets" / ROLE)
    inside = PostgresAddress("postgres", 5432, ROLE, password)
    folder = home / "secrets" / "containers"
    write_for_containers(folder / "madoguchi_password", password)
    write_for_containers(folder / "madoguchi_database", inside.url(DATABASE))
    write_for_containers(
        folder / "madoguchi_privacy_key", generated_secret(home / "secrets" / "privacy")
    )
