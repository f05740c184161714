"""The servers of a test session as containers, where a Docker engine is there."""

import secrets
from collections.abc import Callable
from pathlib import Path

from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from local_stack.database import accepts_logins
from local_stack.engine import image_of
from local_stack.errors import StartError
from local_stack.kafka import CLUSTER_ID, SINGLE_NODE, is_broker_ready
from local_stack.ports import LOOPBACK, free_port
from local_stack.postgres import SUPERUSER, PostgresAddress
from local_stack.shared_servers import CONTAINERS
from local_stack.waiting import wait_for

START_LIMIT_SECONDS = 120
LOG_SHOWN = 2000
# Inside the container; outside, Kafka must be reached at the very port it advertises.
CLIENT_PORT, BROKER_PORT, CONTROLLER_PORT = 9092, 9094, 9093


class Containers:
    """Servers in containers; `end_containers` removes them by the ids kept in the session's folder."""

    def start_kafka(self, folder: Path) -> str:
        """Start Apache Kafka's own image on a free port."""
        port = free_port()
        container = DockerContainer(image_of("apache/kafka")).with_bind_ports(CLIENT_PORT, port)
        container.with_envs(**kafka_environment(port))
        _start(container, folder, lambda: is_broker_ready(port))
        return f"{LOOPBACK}:{port}"

    def start_postgres(self, folder: Path) -> PostgresAddress:
        """Start PostgreSQL's official image on a free port."""
        address = PostgresAddress(LOOPBACK, free_port(), SUPERUSER, secrets.token_urlsafe(16))
        container = DockerContainer(image_of("postgres")).with_bind_ports(5432, address.port)
        container.with_env("POSTGRES_PASSWORD", address.password)
        _start(container, folder, lambda: accepts_logins(address))
        return address


def kafka_environment(port: int, name: str = "localhost") -> dict[str, str]:
    """Return the settings of a single broker in a container whose clients connect to loopback `port`.

    By `name` it is known to itself, and to other containers on its network.
    """
    settings = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "listeners": f"PLAINTEXT://:{CLIENT_PORT},BROKER://:{BROKER_PORT},CONTROLLER://:{CONTROLLER_PORT}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port},BROKER://{name}:{BROKER_PORT}",
        "inter.broker.listener.name": "BROKER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": f"1@localhost:{CONTROLLER_PORT}",
        **SINGLE_NODE,
    }
    named = {environment_name(name): str(value) for name, value in settings.items()}
    return {"CLUSTER_ID": CLUSTER_ID, **named}


def environment_name(setting: str) -> str:
    """Return the variable by which Apache Kafka's image takes a broker setting."""
    return "KAFKA_" + setting.replace(".", "_").upper()


def _start(container: DockerContainer, folder: Path, ready: Callable[[], bool]) -> None:
    # The reaper would end them with the worker that started them, while others still use them.
    testcontainers_config.ryuk_disabled = True
    container.start()
    known = folder / CONTAINERS
    known.mkdir(exist_ok=True)
    (known / container.get_container_id()).touch()
    if not wait_for(ready, START_LIMIT_SECONDS):
        said = b"".join(container.get_logs()).decode(errors="replace")
        limit = f"was not ready after {START_LIMIT_SECONDS} s"
        raise StartError(f"{container.image} {limit}; the end of its log: {said[-LOG_SHOWN:]}")
