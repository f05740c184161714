"""Where the local stack keeps things, and which ports it uses."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from local_stack.errors import StackError
from local_stack.ports import PORTS_FILE, free_port

ROOT = Path(__file__).parents[2]
HOME = ROOT / ".local"
JARS_FOLDER = HOME / "kafka"
DATABASE = ROLE = "madoguchi"

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
    def of(cls, home: Path) -> "Ports":
        """Return the ports of the stack in `home`: the usual ones but for those that its file names.

        Raises StackError for a file that is no JSON object of known names and numbers.
        """
        told = _read(home / PORTS_FILE)
        servers = {one.name for one in fields(cls)} - {"services"}
        if unknown := told.keys() - servers - SERVICE_PORTS.keys():
            known = ", ".join(sorted(servers | SERVICE_PORTS.keys()))
            raise StackError(f"{PORTS_FILE} names {', '.join(sorted(unknown))}; known: {known}.")
        services = {name: told.get(name, port) for name, port in SERVICE_PORTS.items()}
        return cls(**{name: told[name] for name in servers & told.keys()}, services=services)

    @classmethod
    def free(cls) -> "Ports":
        """Return ports that nobody uses at this moment, for a second stack beside the first."""
        services = {name: free_port() for name in SERVICES}
        return cls(free_port(), free_port(), free_port(), free_port(), services)


def _read(file: Path) -> dict[str, int]:
    try:
        told = json.loads(file.read_text()) if file.exists() else {}
    except ValueError as error:
        raise StackError(f"{file} is no JSON: {error}.") from error
    if not isinstance(told, dict) or not all(isinstance(port, int) for port in told.values()):
        raise StackError(f'{file} should be like {{"router": 9104}}.')
    return told
