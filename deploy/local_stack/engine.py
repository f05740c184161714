"""Whether a Docker engine does the servers' work, and with which images."""

import re
import subprocess
from pathlib import Path

from local_stack.errors import StackError
from local_stack.settings import chosen_backend

COMPOSE_FILE = Path(__file__).parents[1] / "compose.yaml"
BACKENDS = ("local", "docker", "images")


def uses_docker() -> bool:
    """Tell whether the servers run in containers: as MADOGUCHI_STACK says, else if an engine answers."""
    chosen = chosen_backend()
    if chosen and chosen not in BACKENDS:
        raise StackError(f"MADOGUCHI_STACK is {chosen!r}; it must be local, docker or images.")
    return chosen in BACKENDS[1:] or (not chosen and engine_answers())


def uses_images() -> bool:
    """Tell whether the services, too, run in containers, as MADOGUCHI_STACK=images asks for."""
    return chosen_backend() == "images"


def engine_answers() -> bool:
    """Tell whether a Docker engine can be reached, with the compose plugin."""
    return _succeeds("info") and compose_is_there()


def compose_is_there() -> bool:
    """Tell whether Docker has its compose plugin."""
    return _succeeds("compose", "version")


def image_is_there(image: str) -> bool:
    """Tell whether the engine holds an image."""
    return _succeeds("image", "inspect", image)


def _succeeds(*words: str) -> bool:
    try:
        asked = subprocess.run(["docker", *words], capture_output=True, timeout=30, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


def image_of(name: str) -> str:
    """Return the pinned image called `name` in compose.yaml, such as "apache/kafka" or "postgres"."""
    found = re.search(rf"image: ({re.escape(name)}:\S+)", COMPOSE_FILE.read_text())
    if not found:
        raise StackError(f"{COMPOSE_FILE} names no image {name}.")
    return found[1]
