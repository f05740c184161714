"""Containers and processes are the same stack: what one is told, the other is told."""

from pathlib import Path

import msgspec
import pytest
import yaml

from local_stack.containers import kafka_environment
from local_stack.engine import COMPOSE_FILE, image_of
from local_stack.java import kafka_version
from local_stack.kafka import HEAP
from local_stack.layout import ROOT, SERVICES, Ports
from local_stack.postgres import SETTINGS

# What keeps data through a restart and memory small; a test's broker needs neither.
ONLY_IN_COMPOSE = {"KAFKA_HEAP_OPTS", "KAFKA_LOG_DIRS"}
# The image listens on every address of its own network, on a socket, and on its own port.
ONLY_FOR_A_PROCESS = {"listen_addresses", "unix_socket_directories"}


class Container(msgspec.Struct):
    """What these tests read of a service in compose.yaml."""

    image: str
    ports: list[str]
    healthcheck: dict[str, object]
    environment: dict[str, str | int] = {}
    command: list[str] = []


class Compose(msgspec.Struct):
    """compose.yaml."""

    services: dict[str, Container]


@pytest.fixture
def compose() -> Compose:
    text = COMPOSE_FILE.read_text()
    ports = Ports()
    for name, port in (("KAFKA", ports.kafka), ("POSTGRES", ports.postgres)):
        default = f"${{MADOGUCHI_{name}_PORT:-{port}}}"
        assert default in text, f"compose.yaml does not publish {name} on {port}"
        text = text.replace(default, str(port))
    return msgspec.convert(yaml.safe_load(text), Compose)


def test_the_broker_in_a_container_has_the_settings_of_the_process(compose: Compose) -> None:
    environment = compose.services["kafka"].environment

    shared = {
        name: str(value) for name, value in environment.items() if name not in ONLY_IN_COMPOSE
    }
    assert shared == kafka_environment(Ports().kafka)
    assert environment["KAFKA_HEAP_OPTS"] == f"-Xms{HEAP} -Xmx{HEAP}"


def test_the_database_in_a_container_has_the_settings_of_the_process(compose: Compose) -> None:
    _, *words = compose.services["postgres"].command

    settings = dict(word.removeprefix("-c").split("=", 1) for word in words)
    assert settings == {
        name: value for name, value in SETTINGS.items() if name not in ONLY_FOR_A_PROCESS
    }


def test_kafka_is_one_release_everywhere() -> None:
    assert image_of("apache/kafka") == f"apache/kafka:{kafka_version()}"


def test_images_are_pinned_and_watched_and_reachable_from_this_machine_only(
    compose: Compose,
) -> None:
    for name, service in compose.services.items():
        assert ":" in service.image, name
        assert "latest" not in service.image, name
        assert service.healthcheck, name
        assert all(str(port).startswith("127.0.0.1:") for port in service.ports), name


def test_the_stack_starts_every_service_that_there_is() -> None:
    folders = {path.parent.name for path in Path(ROOT).glob("services/*/pyproject.toml")}

    assert folders == set(SERVICES)
