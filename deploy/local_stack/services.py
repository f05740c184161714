"""Madoguchi's own services as processes that can be started, killed and watched."""

import hashlib
import http.client
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from local_stack.daemons import Daemon
from local_stack.errors import StackError
from local_stack.layout import ROOT, Ports
from local_stack.ports import LOOPBACK, require_free
from local_stack.settings import environment_with

READY_LIMIT_SECONDS = 120
# Longer than the services' own drain limit (MADOGUCHI_DRAIN_SECONDS), which should decide.
STOP_LIMIT_SECONDS = 25
TOOL_LIMIT_SECONDS = 120
LINES_SHOWN = 20


class ServiceProcess:
    """One service: `python -m <name> serve` with its HTTP surface on `port`."""

    def __init__(self, name: str, port: int, environment: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self.port = port
        self.environment = {**environment, "MADOGUCHI_PORT": str(port)}
        self.daemon = Daemon(name, folder)
        self._code_file = self.daemon.pid_file.with_suffix(".code")

    @property
    def is_running(self) -> bool:
        """Tell whether the process is alive, ready or not."""
        return self.daemon.identity is not None

    @property
    def is_outdated(self) -> bool:
        """Tell whether code or settings changed since the running process was started."""
        known = self._code_file.read_text() if self._code_file.exists() else ""
        return known != self.code_mark()

    def code_mark(self) -> str:
        """Return a text that changes whenever the service's code or settings do."""
        mark = hashlib.sha256(json.dumps(self.environment, sort_keys=True).encode())
        for source in (ROOT / "libs" / "common" / "src", ROOT / "services" / self.name / "src"):
            for path in sorted(source.rglob("*.py")):
                mark.update(f"{path}:{path.stat().st_mtime_ns};".encode())
        return mark.hexdigest()

    def start(self) -> None:
        """Start the process unless it runs; `wait_until_ready` says when it can work."""
        if self.is_running:
            return
        require_free(self.port, self.name)
        mark = self.code_mark()
        self.daemon.launch(
            [sys.executable, "-m", self.name, "serve"], environment=self.environment, folder=ROOT
        )
        self._code_file.write_text(mark)

    def wait_until_ready(self, limit: float = READY_LIMIT_SECONDS) -> None:
        """Return when `/readyz` says 200; raise StartError with the log's end if it never does."""
        self.daemon.wait_until(lambda: not self.missing(), limit=limit)

    def stop(self) -> bool:
        """SIGTERM, so that it drains; tell whether it ended by itself in time."""
        return self.daemon.stop(limit=STOP_LIMIT_SECONDS)

    def kill(self) -> None:
        """SIGKILL, as a crash."""
        self.daemon.kill()

    def restart(self) -> None:
        """Stop in order, start, and wait until it is ready."""
        self.stop()
        self.start()
        self.wait_until_ready()

    def migrate(self) -> None:
        """Bring the service's schema up to date; raise StackError if that fails."""
        run_tool([sys.executable, "-m", self.name, "migrate"], self.environment)

    def missing(self) -> str:
        """Return what keeps the service from being ready in its own words, "" once it is."""
        return missing_at(self.port)


def is_ready(port: int) -> bool:
    """Tell whether the service on a loopback port says that it can do its work."""
    return not missing_at(port)


def missing_at(port: int) -> str:
    """Return what the service on a loopback port says that it misses, "" once it is ready."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return "" if answer.status == http.HTTPStatus.OK else what_is_missing(answer.read())
    except (OSError, http.client.HTTPException):
        return "no answer yet"
    finally:
        connection.close()


def run_tool(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run one of our command lines to its end and return what it printed; raise StackError if it fails."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment_with(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TOOL_LIMIT_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        said = "\n    ".join(done.stdout.splitlines()[-LINES_SHOWN:])
        raise StackError(f"python {' '.join(command[1:])} failed:\n    {said}")
    return done.stdout


def what_is_missing(body: bytes) -> str:
    """Return the complaints of a `/readyz` body as one line: {"missing": {"kafka": "…"}} -> "kafka: …"."""
    try:
        missing = json.loads(body)["missing"]
        return ", ".join(f"{name}: {complaint}" for name, complaint in missing.items())
    except (ValueError, KeyError, AttributeError, TypeError):
        return "an answer that says nothing"


def service_environment(home: Path, ports: Ports, *, database: str, jwks: Path) -> dict[str, str]:
    """Return the settings that every service of a stack in `home` is started with."""
    return {
        "MADOGUCHI_KAFKA": f"{LOOPBACK}:{ports.kafka}",
        "MADOGUCHI_DATABASE": database,
        "MADOGUCHI_OBJECTS": str(home.absolute() / "objects"),
        "MADOGUCHI_JWKS": str(jwks.absolute()),
        "MADOGUCHI_ACCOUNTS": str(ROOT / "deploy" / "local" / "accounts.yaml"),
        "MADOGUCHI_RULES": str(ROOT / "deploy" / "local" / "rules.yaml"),
        "MADOGUCHI_SMTP_PORT": str(ports.smtp),
        # Nobody else has to hear that a service ends: there is no other to go to.
        "MADOGUCHI_LINGER_SECONDS": "0",
    }
