"""A newcomer's clone: the repository with a `.local` of its own, brought up by `make demo`."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import replace

from local_stack.java import kafka_jars
from local_stack.layout import HOME, JARS_FOLDER, ROOT, Ports
from local_stack.ports import LOOPBACK, PORTS_FILE
from local_stack.settings import environment_with
from local_stack.shared_servers import SharedServers

# What must not be a link to the repository's own: servers' data, and folders of tools.
OWN = {".local", ".git", ".venv", "build"}
STAMP = ".installed"
# Every refusal ends a block, and so does an answer that never comes; "try again" is heeded.
CURLRC = "fail-with-body\nmax-time = 60\nretry = 5\n"


class Clone(Struct, frozen=True):
    """Where the reader is, what his shell knows, where the stack is, and what `make demo` said."""

    folder: Path
    environment: Mapping[str, str]
    ports: Ports
    demo: str

    def addressed(self, text: str) -> str:
        """Return commands with the addresses of the documents turned into those of this stack."""
        ours, theirs = _flat(self.ports), _flat(Ports())
        for name, port in theirs.items():
            text = text.replace(f"{LOOPBACK}:{port}", f"{LOOPBACK}:«{name}»")
        for name, port in ours.items():
            text = text.replace(f"«{name}»", str(port))
        return text


@pytest.fixture(scope="module")
def clone(servers: SharedServers) -> Iterator[Clone]:
    """The stack is ready, and has heard the story that the demonstration tells.

    It ends with the last page: a stack that only waits takes a third of a processor.
    """
    folder, ports = servers.scratch(), Ports.free()
    _link(folder)
    _settle(folder / HOME.name, ports)
    environment = _environment(folder, ports)
    demo = _make("demo", folder, environment)
    yield Clone(folder, environment, ports, demo)
    _make("down", folder, environment)


@pytest.fixture
def apart(clone: Clone, servers: SharedServers) -> Clone:
    """A second clone, without a stack: for pages that would spoil the first one's."""
    folder = servers.scratch()
    _link(folder)
    return replace(clone, folder=folder, environment={**clone.environment, "HOME": str(folder)})


def _link(folder: Path) -> None:
    for path in ROOT.iterdir():
        if path.name not in OWN:
            (folder / path.name).symlink_to(path)
    (folder / ".venv").mkdir()
    for path in (ROOT / ".venv").iterdir():
        if path.name != STAMP:
            (folder / ".venv" / path.name).symlink_to(path)
    (folder / ".venv" / STAMP).touch()  # new: `make` installs nothing while tests run from there
    (folder / HOME.name).mkdir()
    (folder / ".curlrc").write_text(CURLRC)


def _settle(home: Path, ports: Ports) -> None:
    """Have the stack find Kafka's jars, which are fetched but once, and its ports."""
    jars = kafka_jars(JARS_FOLDER)
    (home / JARS_FOLDER.name).mkdir()
    (home / JARS_FOLDER.name / jars.name).symlink_to(jars)
    (home / PORTS_FILE).write_text(json.dumps(_flat(ports)))


def _environment(folder: Path, ports: Ports) -> Mapping[str, str]:
    return environment_with(
        {
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "110",
            "MADOGUCHI_STACK": "local",
            "PYTEST_ADDOPTS": "--collect-only --quiet",
            "BASE": f"http://{LOOPBACK}:{ports.services['timeline']}",
            "ROUTER": f"http://{LOOPBACK}:{ports.services['router']}",
            "SMTP": f"smtp://{LOOPBACK}:{ports.smtp}",
        }
    )


def _make(target: str, folder: Path, environment: Mapping[str, str]) -> str:
    make = shutil.which("make")
    assert make
    done = subprocess.run(  # noqa: S603 - our own words
        [make, target],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def _flat(ports: Ports) -> dict[str, int]:
    """Return the ports by name, as `.local/ports.json` has them."""
    servers = {name: port for name, port in asdict(ports).items() if name != "services"}
    return {**servers, **ports.services}
