"""One Apache Kafka broker in KRaft mode as a local process."""

import socket
import struct
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from local_stack.daemons import Daemon
from local_stack.errors import StartError
from local_stack.java import POM, find_java, kafka_jars
from local_stack.layout import JARS_FOLDER
from local_stack.ports import LOOPBACK, require_free

CLUSTER_ID = "TWFkb2d1Y2hpLWxvY2FsMQ"  # 16 bytes in URL-safe base64, as StorageTool wants it
START_LIMIT_SECONDS = 90
STOP_LIMIT_SECONDS = 30
# Measured: after 600,000 records of 1.1 KB in and out, 50 MB of it are live; the rest is short-lived.
HEAP = "512m"
LOG_SETTINGS = POM.with_name("log4j2.properties")
# Metadata v1 for no topics: length, api key 3, version 1, correlation id, no client id, [].
METADATA_REQUEST = struct.pack(">ihhihi", 14, 3, 1, 1, -1, 0)
ANSWER_HEAD_BYTES = 12


class KafkaServer:
    """A broker with its data in `<folder>/kafka`; `stop`, `kill` and `restart` keep that data.

    `settings` are the broker's, beside ours; `format_options` are StorageTool's, for users with SCRAM.
    """

    def __init__(
        self,
        folder: Path,
        port: int,
        controller_port: int,
        *,
        jars_folder: Path = JARS_FOLDER,
        settings: Mapping[str, str | int] | None = None,
        format_options: Sequence[str] = (),
    ) -> None:
        self.folder = folder.absolute() / "kafka"
        self.port = port
        self.controller_port = controller_port
        self.jars_folder = jars_folder.absolute()
        self.settings = settings or {}
        self.format_options = format_options
        self.daemon = Daemon("kafka", folder)

    @property
    def bootstrap(self) -> str:
        """Return the address clients connect to, `host:port`."""
        return f"{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Start the broker if it does not run, and return when it takes requests."""
        if not self.daemon.identity:
            require_free(self.port, "Kafka")
            require_free(self.controller_port, "Kafka's controller")
            self.daemon.launch([find_java(), *self._options(), "kafka.Kafka", self._configure()])
        self.daemon.wait_until(self.is_ready, limit=START_LIMIT_SECONDS)

    def stop(self) -> None:
        """Shut down in order: the log is flushed, clients are told."""
        self.daemon.stop(limit=STOP_LIMIT_SECONDS)

    def kill(self) -> None:
        """End the broker as a power cut would."""
        self.daemon.kill()

    def restart(self) -> None:
        """Stop in order if it runs, then start on the same data and port."""
        self.stop()
        self.start()

    def is_ready(self) -> bool:
        """Tell whether the broker takes requests."""
        return is_broker_ready(self.port)

    def _options(self) -> list[str]:
        return [
            *(f"-Xms{HEAP}", f"-Xmx{HEAP}", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20"),
            *("-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true"),
            # The second compiler pays after hours: a broker that lives for minutes takes a third less without.
            "-XX:TieredStopAtLevel=1",
            f"-Dlog4j2.configurationFile={LOG_SETTINGS}",
            *("-cp", f"{kafka_jars(self.jars_folder)}/*"),
        ]

    def _configure(self) -> str:
        self.folder.mkdir(parents=True, exist_ok=True)
        data, settings = self.folder / "data", self.folder / "server.properties"
        settings.write_text(render_properties(self._settings(data)))
        if not (data / "meta.properties").exists():
            self._format(settings)
        return str(settings)

    def _format(self, settings: Path) -> None:
        tool = [find_java(), *self._options(), "kafka.tools.StorageTool", "format", "--standalone"]
        done = subprocess.run(
            [*tool, "--cluster-id", CLUSTER_ID, "--config", str(settings), *self.format_options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise StartError(f"Kafka's storage could not be formatted: {done.stdout.strip()}")

    def _settings(self, data: Path) -> dict[str, str | int]:
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{LOOPBACK}:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.bootstrap.servers": f"{LOOPBACK}:{self.controller_port}",
            "log.dirs": str(data),
            **SINGLE_NODE,
            **self.settings,
        }


SINGLE_NODE: dict[str, str | int] = {
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 8,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 4,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "share.coordinator.state.topic.num.partitions": 1,
    "default.replication.factor": 1,
    "min.insync.replicas": 1,
    # A topic is made by `python -m common topics apply`; a misspelt name must fail, not appear.
    "auto.create.topics.enable": "false",
    # Nobody else will join: do not hold the first member back for three seconds.
    "group.initial.rebalance.delay.ms": 0,
    # A killed broker is not taken back before its old session ends; the default is nine seconds.
    "broker.session.timeout.ms": 3000,
    "broker.heartbeat.interval.ms": 500,
    # A killed consumer is noticed by tests in seconds; the default minimum is six.
    "group.min.session.timeout.ms": 1000,
    "num.network.threads": 2,
    "num.io.threads": 4,
    "num.recovery.threads.per.data.dir": 2,
    "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
}


def is_broker_ready(port: int) -> bool:
    """Tell whether a broker on a loopback port answers and counts itself a live member of its cluster."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=2) as connection:
            connection.sendall(METADATA_REQUEST)
            return live_brokers(connection.recv(ANSWER_HEAD_BYTES)) > 0
    except OSError:
        return False


def render_properties(settings: dict[str, str | int]) -> str:
    """Return Java properties, a line each, in the order given."""
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def live_brokers(answer: bytes) -> int:
    """Return how many brokers the head of a Metadata v1 answer counts: length, correlation id, count."""
    return int(struct.unpack(">iii", answer)[2]) if len(answer) == ANSWER_HEAD_BYTES else 0
