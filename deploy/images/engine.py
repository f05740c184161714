"""What the Docker engine is asked about images."""

import json
import subprocess
import tomllib
from dataclasses import dataclass

from local_stack.errors import StackError
from local_stack.layout import ROOT
from local_stack.settings import environment_with

LIST_IN_IMAGE = "/opt/madoguchi/sbom.cdx.json"
MB = 1e6  # as `docker images` counts
LIMIT_MB = 250


@dataclass(frozen=True)
class Image:
    """What the engine says of an image: bytes by layer, the system's first, and the layers' digests."""

    sizes: tuple[int, ...]
    layers: tuple[str, ...]

    @property
    def megabytes(self) -> float:
        """Return how much room the image takes."""
        return sum(self.sizes) / MB


def look_at(tag: str) -> Image:
    """Return what the engine says of an image; raise StackError if it has none of this name."""
    layers = json.loads(docker("image", "inspect", "--format", "{{json .RootFS.Layers}}", tag))
    told = docker("history", "--human=false", "--format", "{{.Size}}", tag)
    sizes = [int(size) for size in reversed(told.split()) if int(size)]
    return Image(tuple(sizes), tuple(layers))


def tag_of(service: str) -> str:
    """Return the name of a service's image, which carries the service's version."""
    project = tomllib.loads((ROOT / "services" / service / "pyproject.toml").read_text())
    return f"madoguchi/{service}:{project['project']['version']}"


def docker(*words: str) -> str:
    """Run Docker's command line and return what it printed; raise StackError if it fails."""
    return said_by("docker", *words)


def said_by(*command: str) -> str:
    """Run a program at the repository's root and return what it printed; raise StackError if it fails."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment_with({"DOCKER_BUILDKIT": "1"}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise StackError(f"{' '.join(command[:2])} failed:\n{done.stdout}{done.stderr}".strip())
    return done.stdout.strip()
