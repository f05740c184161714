"""Servers and scratch space for every test.

Session (synchronous; one server for all workers of a run, started when first asked for):
    kafka_server      bootstrap address "host:port" of a real broker; topics must be created
    servers           SharedServers: `.scratch()` is a folder for servers and services of one's own;
                      what is left running below it (Daemon, Stack, …) is killed with the session
    postgres_server   SharedPostgres: `.admin` (superuser's address), `.url(database)` (ordinary role)

Per test:
    database_url      URL of a new, empty database owned by an ordinary role; dropped afterwards
    make_database     (migrations, schema) -> URL of a new database that holds a service's schema
    topic_prefix      unique text to put before every topic and consumer group
    make_topic        TopicMaker: async (name, partitions=1) -> prefixed name of a new topic
    server_folder     a scratch folder of this test
    own_kafka         KafkaServer that only this test has: .stop() .start() .kill() .restart()
    own_postgres      PostgresServer that only this test has, likewise
"""

import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import xdist.workermanage
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from hypothesis import settings

from common.edges.migrations import migrate
from local_stack.database import execute
from local_stack.engine import uses_docker
from local_stack.kafka import KafkaServer
from local_stack.ports import free_port
from local_stack.postgres import SETTINGS, THROWAWAY, PostgresServer
from local_stack.shared_servers import (
    ROLE,
    Backend,
    LocalProcesses,
    SharedPostgres,
    SharedServers,
    TopicMaker,
    end_forgotten_sessions,
    folder_of_this_session,
)

# A law must hold on a busy machine too; how fast it is checked is not part of it.
settings.register_profile("laws", deadline=None)
settings.load_profile("laws")

TESTS = Path(__file__).parent
SERVERS = pytest.StashKey[SharedServers]()
MARKED_FOLDERS = ("integration", "e2e")
ONE_WORKER = "e2e"  # its tests share a whole stack, and one of those is enough for a machine
# Likewise, of services only.
ONE_STACK = ("test_http_surfaces", "test_authorisation_matrix", "test_follow_example")


def backend() -> Backend:
    """Return containers where a Docker engine answers, processes of this machine elsewhere."""
    if not uses_docker():
        return LocalProcesses()
    from local_stack.containers import Containers  # noqa: PLC0415 -- half a second for nothing without an engine

    return Containers()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--people",
        type=int,
        default=1_000,
        help="in the crowd of test_crowd.py; events are ten times",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Give this process, or the worker's controller, a place for the session's servers."""
    given = getattr(config, "workerinput", {}).get("servers")
    if not given:
        end_forgotten_sessions()
    config.stash[SERVERS] = SharedServers(Path(given or folder_of_this_session()), backend)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: xdist.workermanage.WorkerController) -> None:
    """Tell each worker of pytest-xdist where the session's servers are."""
    node.workerinput["servers"] = str(node.config.stash[SERVERS].folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the servers with the session, Ctrl-C included; workers leave that to their controller."""
    if not hasattr(config, "workerinput"):
        config.stash[SERVERS].end()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by the folder they lie in, before pytest-xdist reads the groups."""
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        if folder in MARKED_FOLDERS:
            item.add_marker(folder)
        if folder == ONE_WORKER:
            item.add_marker(pytest.mark.xdist_group(folder))
        if item.path.stem in ONE_STACK:
            item.add_marker(pytest.mark.xdist_group(ONE_STACK[0]))


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> SharedServers:
    return pytestconfig.stash[SERVERS]


@pytest.fixture(scope="session")
def kafka_server(servers: SharedServers) -> str:
    return servers.kafka()


@pytest.fixture(scope="session")
def postgres_server(servers: SharedServers) -> SharedPostgres:
    return servers.postgres()


@pytest.fixture
def database_url(postgres_server: SharedPostgres) -> Iterator[str]:
    name = f"test_{secrets.token_hex(6)}"
    # Four times as fast as the default way on a server that needs no fsync.
    execute(postgres_server.admin, [f"CREATE DATABASE {name} OWNER {ROLE} STRATEGY file_copy"])
    yield postgres_server.url(name)
    execute(postgres_server.admin, [f"DROP DATABASE {name} WITH (FORCE)"])


@pytest.fixture(scope="session")
def templates(postgres_server: SharedPostgres) -> Iterator[dict[str, str]]:
    """Names of databases with one migrated schema each, by schema; filled by `make_database`."""
    names: dict[str, str] = {}
    yield names
    for name in names.values():
        execute(postgres_server.admin, [f"DROP DATABASE {name} WITH (FORCE)"])


@pytest.fixture
def make_database(
    postgres_server: SharedPostgres, templates: dict[str, str]
) -> Iterator[Callable[[Path, str], str]]:
    """Return what makes a new database that holds a service's schema, and returns its URL.

    It is a copy of one that was migrated once: a tenth of the time of migrating each.
    """
    made: list[str] = []

    def make(migrations: Path, schema: str) -> str:
        if schema not in templates:
            template = f"template_{secrets.token_hex(6)}"
            execute(postgres_server.admin, [f"CREATE DATABASE {template} OWNER {ROLE}"])
            migrate(migrations, postgres_server.url(template), schema)
            templates[schema] = template
        name = f"test_{secrets.token_hex(6)}"
        copy = f"TEMPLATE {templates[schema]} STRATEGY file_copy"
        execute(postgres_server.admin, [f"CREATE DATABASE {name} OWNER {ROLE} {copy}"])
        made.append(name)
        return postgres_server.url(name)

    yield make
    for name in made:
        execute(postgres_server.admin, [f"DROP DATABASE {name} WITH (FORCE)"])


@pytest.fixture
def topic_prefix() -> str:
    return f"t{secrets.token_hex(6)}-"


@pytest.fixture
def make_topic(kafka_server: str, topic_prefix: str) -> TopicMaker:
    async def make(name: str, partitions: int = 1) -> str:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka_server)
        await admin.start()
        try:
            await admin.create_topics([NewTopic(topic_prefix + name, partitions, 1)])
        finally:
            await admin.close()
        return topic_prefix + name

    return make


@pytest.fixture
def server_folder(servers: SharedServers) -> Iterator[Path]:
    # Not tmp_path: pytest keeps that private to its user, and PostgreSQL may run as another.
    folder = servers.scratch()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def own_kafka(server_folder: Path) -> Iterator[KafkaServer]:
    server = KafkaServer(server_folder, free_port(), free_port())
    server.start()
    yield server
    server.kill()


@pytest.fixture
def own_postgres(server_folder: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(server_folder, free_port(), settings={**SETTINGS, **THROWAWAY})
    server.start()
    yield server
    server.destroy()
