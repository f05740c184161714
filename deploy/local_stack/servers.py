"""Kafka and PostgreSQL of a stack as processes of this machine, and what containers must offer alike."""

from pathlib import Path
from typing import Protocol

from local_stack.java import find_java, jars_are_here, kafka_jars, kafka_version
from local_stack.kafka import KafkaServer
from local_stack.layout import JARS_FOLDER, Ports
from local_stack.parallel import side_by_side
from local_stack.ports import LOOPBACK
from local_stack.postgres import PostgresAddress, PostgresServer
from local_stack.report import Report


class Servers(Protocol):
    """The two servers of a stack. Every method may be called again without harm."""

    def prepare(self, report: Report) -> None:
        """Do what both servers need before either is started."""

    def start_kafka(self, report: Report) -> None:
        """Return when the broker takes requests."""

    def start_postgres(self, report: Report) -> PostgresAddress:
        """Return where PostgreSQL is, once it takes connections."""

    def stop(self, report: Report) -> None:
        """End both; their data stays."""

    def destroy(self) -> None:
        """End both and delete their data."""

    def states(self) -> dict[str, str]:
        """Return, for each server, whether it runs and where."""


class ProcessServers:
    """Both servers as processes of this machine."""

    def __init__(self, home: Path, ports: Ports) -> None:
        self.home = home.absolute()
        self.kafka = KafkaServer(home, ports.kafka, ports.controller)
        self.postgres = PostgresServer(home, ports.postgres)

    @property
    def are_running(self) -> bool:
        """Tell whether one of them is alive."""
        return bool(self.kafka.daemon.identity or self.postgres.daemon.identity)

    def prepare(self, report: Report) -> None:
        """Find what the servers run on, and say where data goes if not below the stack's folder."""
        if not self.kafka.daemon.identity:
            find_java()
        if self.postgres.home.parent != self.home:
            where = f"data goes to {self.postgres.home}: its account may not enter {self.home}"
            report.say("PostgreSQL", where)

    def start_kafka(self, report: Report) -> None:
        """Start the broker, fetching its jars the first time."""
        if not jars_are_here(JARS_FOLDER):
            report.say("Kafka", f"fetching {kafka_version()} with Maven (45 MB, once)")
            kafka_jars(JARS_FOLDER)
        if not self.kafka.daemon.identity:
            report.say("Kafka", f"starting {kafka_version()} on {self.kafka.bootstrap}")
        self.kafka.start()
        report.say("Kafka", "ready")

    def start_postgres(self, report: Report) -> PostgresAddress:
        """Start the cluster, creating it the first time."""
        if not self.postgres.daemon.identity:
            report.say("PostgreSQL", f"starting on {LOOPBACK}:{self.postgres.port}")
        self.postgres.start()
        report.say("PostgreSQL", "ready")
        return self.postgres.address

    def stop(self, report: Report) -> None:
        """Stop in order what runs, both at once."""
        if self.are_running:
            report.say("servers", "stopping Kafka and PostgreSQL")
            side_by_side([self.kafka.stop, self.postgres.stop])

    def destroy(self) -> None:
        """Stop and delete."""
        self.kafka.kill()
        self.postgres.destroy()

    def states(self) -> dict[str, str]:
        """Return each server's pid and address."""
        addresses = {"kafka": self.kafka.bootstrap, "postgres": f"{LOOPBACK}:{self.postgres.port}"}
        daemons = {"kafka": self.kafka.daemon, "postgres": self.postgres.daemon}
        return {
            name: f"{addresses[name]}  pid {known.pid}" if (known := daemon.identity) else "stopped"
            for name, daemon in daemons.items()
        }
