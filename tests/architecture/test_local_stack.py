"""Containers and processes are the same stack: what one is told, the other is told."""

import re
from pathlib import Path

import msgspec
import pytest
import yaml

from images.engine import tag_of
from local_stack.compose import compose_environment
from local_stack.containers import kafka_environment
from local_stack.engine import COMPOSE_FILE, image_of
from local_stack.java import kafka_version
from local_stack.kafka import HEAP
from local_stack.layout import HOME, ROOT, SERVICES, Ports
from local_stack.postgres import KEEPS_MEMORY, SETTINGS
from local_stack.services import service_environment

# What keeps data through a restart and memory small; a test's broker needs neither.
ONLY_IN_COMPOSE = {"KAFKA_HEAP_OPTS", "KAFKA_LOG_DIRS"}
# The image listens on every address of its own network, on a socket, and on its own port.
ONLY_FOR_A_PROCESS = {"listen_addresses", "unix_socket_directories"}
VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")
# Where a container keeps what a process of this machine has elsewhere; the image says it.
SAID_BY_THE_IMAGE = {"MADOGUCHI_OBJECTS"}
SECRETS = {"madoguchi_database", "madoguchi_privacy_key"}


class Container(msgspec.Struct):
    """What these tests read of a service in compose.yaml."""

    image: str
    healthcheck: dict[str, object]
    ports: list[str] = []
    environment: dict[str, str | int] = {}
    command: list[str] = []
    depends_on: dict[str, dict[str, str]] = {}
    profiles: list[str] = []
    secrets: list[str] = []
    read_only: bool = False
    cap_drop: list[str] = []
    security_opt: list[str] = []


class Compose(msgspec.Struct):
    """compose.yaml."""

    services: dict[str, Container]

    @property
    def ours(self) -> dict[str, Container]:
        """The containers of our own images: services, and jobs before them."""
        return {name: one for name, one in self.services.items() if "services" in one.profiles}


@pytest.fixture
def compose() -> Compose:
    text = VARIABLE.sub(lambda found: found[2], COMPOSE_FILE.read_text())
    return msgspec.convert(yaml.safe_load(text), Compose)


def test_what_the_file_leaves_open_is_what_the_stack_says_and_else_what_the_stack_would() -> None:
    defaults = dict(VARIABLE.findall(COMPOSE_FILE.read_text()))
    told = compose_environment(Ports(), HOME)

    assert defaults.keys() == told.keys() | {"MADOGUCHI_VERSION"}
    assert (COMPOSE_FILE.parent / defaults["MADOGUCHI_HOME"]).resolve() == HOME
    ports = {name: port for name, port in told.items() if name.endswith("_PORT")}
    assert {name: defaults[name] for name in ports} == ports


def test_the_broker_in_a_container_has_the_settings_of_the_process(compose: Compose) -> None:
    environment = compose.services["kafka"].environment

    shared = {
        name: str(value) for name, value in environment.items() if name not in ONLY_IN_COMPOSE
    }
    assert shared == kafka_environment(Ports().kafka, "kafka")
    assert environment["KAFKA_HEAP_OPTS"] == f"-Xms{HEAP} -Xmx{HEAP}"


def test_the_database_in_a_container_has_the_settings_of_the_process(compose: Compose) -> None:
    _, *words = compose.services["postgres"].command

    settings = dict(word.removeprefix("-c").split("=", 1) for word in words)
    assert settings == {
        name: value for name, value in SETTINGS.items() if name not in ONLY_FOR_A_PROCESS
    }
    assert KEEPS_MEMORY.items() <= compose.services["postgres"].environment.items()


def test_the_database_of_the_chart_keeps_its_memory_too() -> None:
    chart = (ROOT / "deploy/helm/madoguchi/templates/operators.yaml").read_text()

    for name, value in KEEPS_MEMORY.items():
        assert f'{{name: {name}, value: "{value}"}}' in chart


def test_kafka_is_one_release_everywhere() -> None:
    assert image_of("apache/kafka") == f"apache/kafka:{kafka_version()}"


def test_images_are_pinned_and_watched_and_reachable_from_this_machine_only(
    compose: Compose,
) -> None:
    for name, service in compose.services.items():
        assert ":" in service.image, name
        assert "latest" not in service.image, name
        assert service.healthcheck, name
        assert "no-new-privileges:true" in service.security_opt, name
        assert all(str(port).startswith("127.0.0.1:") for port in service.ports), name


def test_a_service_in_a_container_is_told_what_the_process_is_and_its_secrets_by_file(
    compose: Compose,
) -> None:
    told = service_environment(HOME, Ports(), database="", jwks=HOME / "jwks.json")
    open_names = told.keys() - SAID_BY_THE_IMAGE - {name.upper() for name in SECRETS}

    for name, service in compose.ours.items():
        environment = service.environment
        assert open_names <= environment.keys(), name
        assert environment["MADOGUCHI_LINGER_SECONDS"] == told["MADOGUCHI_LINGER_SECONDS"], name
        assert not environment.keys() & {secret.upper() for secret in SECRETS}, name
        assert set(service.secrets) == SECRETS, name


def test_a_service_in_a_container_can_write_nothing_and_become_nobody_else(
    compose: Compose,
) -> None:
    for name, service in compose.ours.items():
        assert service.read_only, name
        assert service.cap_drop == ["ALL"], name


def test_services_in_containers_have_the_ports_of_the_processes_and_the_version_of_the_sources(
    compose: Compose,
) -> None:
    ports = Ports()

    for name in SERVICES:
        service = compose.services[name]
        assert service.image == tag_of(name)
        assert f"127.0.0.1:{ports.services[name]}:8080" in service.ports
    assert f"127.0.0.1:{ports.smtp}:2525" in compose.services["ingest_email"].ports


def test_topics_and_schemas_are_there_before_a_service_starts(compose: Compose) -> None:
    done, healthy = "service_completed_successfully", "service_healthy"

    assert compose.services["topics"].depends_on == {"kafka": {"condition": healthy}}
    for name in SERVICES:
        schema = compose.services[f"{name}-schema"]
        assert schema.image == tag_of(name)
        assert schema.command == ["migrate"]
        assert schema.depends_on == {"postgres": {"condition": healthy}}
        before = {"topics": {"condition": done}, f"{name}-schema": {"condition": done}}
        assert compose.services[name].depends_on == before


def test_the_stack_starts_every_service_that_there_is() -> None:
    folders = {path.parent.name for path in Path(ROOT).glob("services/*/pyproject.toml")}

    assert folders == set(SERVICES)
