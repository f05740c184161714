"""What the environment tells the local stack; the package's only reader of it."""

import os
from collections.abc import Mapping


def environment_with(extra: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with `extra` laid over it, for a program to start."""
    return {**os.environ, **extra}


def chosen_backend() -> str:
    """Return `MADOGUCHI_STACK`: "local", "docker", "images", or "" to let the machine decide."""
    return os.environ.get("MADOGUCHI_STACK", "")


def java_home() -> str:
    """Return `JAVA_HOME`, or "" where there is none."""
    return os.environ.get("JAVA_HOME", "")
