"""Secrets on disk: readable by their owner only, from the first byte."""

import secrets
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write `text` to a file with mode 600 in a folder with mode 700."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)


def generated_secret(path: Path) -> str:
    """Return the secret kept in `path`, making one the first time. It needs no quoting anywhere."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24))
    return path.read_text()
