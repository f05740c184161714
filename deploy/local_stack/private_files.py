"""Secrets on disk: readable by their owner only, from the first byte."""

import secrets
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write `text` to a file with mode 600 in a folder with mode 700."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)


def write_for_containers(path: Path, text: str) -> None:
    """Write `text` to a file that any user may read, in a folder that only its owner may enter.

    An engine hands a file on with its owner and mode, and a container's user is another one.
    """
    write_private(path, text)
    path.chmod(0o644)


def generated_secret(path: Path) -> str:
    """Return the secret kept in `path`, making one the first time. It needs no quoting anywhere."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24))
    return path.read_text()
