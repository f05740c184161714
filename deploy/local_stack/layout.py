"""Where the local stack keeps things, and which ports it uses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local_stack.ports import free_port

ROOT = Path(__file__).parents[2]
HOME = ROOT / ".local"
JARS_FOLDER = HOME / "kafka"

SERVICES = ("ingest_email", "ingest_sms", "ingest_social", "router", "timeline")
SERVICE_PORTS = {name: port for port, name in enumerate(SERVICES, start=8101)}


@dataclass(frozen=True)
class Ports:
    """The loopback ports of one stack; the defaults are those of `make up`."""

    kafka: int = 29092
    controller: int = 29093
    postgres: int = 25432
    smtp: int = 2525
    services: Mapping[str, int] = field(default_factory=lambda: SERVICE_PORTS)

    @classmethod
    def free(cls) -> "Ports":
        """Return ports that nobody uses at this moment, for a second stack beside the first."""
        services = {name: free_port() for name in SERVICES}
        return cls(free_port(), free_port(), free_port(), free_port(), services)
