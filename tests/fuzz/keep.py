"""`python -m tests.fuzz.keep [TARGET …]`: commit a small choice of what brought the last runs furthest."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.fuzz.__main__ import FOUND
from tests.fuzz.targets import CORPUS, TARGETS

MOST_BYTES = 5_000  # for all inputs of a target
MOST_INPUTS = 16
LARGEST_BYTES = 1_000  # a reader should see what an input is about
# What grew out of mails that others collected stays theirs: it is never committed.
OTHERS = frozenset(("mail", "mail-authentication", "mail-header-block"))


def main() -> None:
    """Keep inputs of every target, or of those named, that was fuzzed."""
    for name in sys.argv[1:] or TARGETS:
        if name not in OTHERS and (FOUND / name / "corpus").is_dir():
            keep(name)


def keep(name: str) -> None:
    """Add the smallest inputs that reach most to a target's corpus, as many as there is room for."""
    kept = CORPUS / name
    kept.mkdir(exist_ok=True)
    there = [path.stat().st_size for path in kept.iterdir()]
    room, places = MOST_BYTES - sum(there), MOST_INPUTS - len(there)
    for path in sorted(_merged(name), key=lambda path: path.stat().st_size):
        size = path.stat().st_size
        if places > 0 and size <= min(room, LARGEST_BYTES):
            room, places = room - size, places - 1
            content = path.read_bytes()
            (kept / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)


def _merged(name: str) -> list[Path]:
    """Return the inputs without which a target's corpus would reach less than all that was found."""
    merged = FOUND / name / "merged"
    shutil.rmtree(merged, ignore_errors=True)
    merged.mkdir()
    had = [path.read_bytes() for path in (CORPUS / name).iterdir()]
    folders = map(str, (merged, CORPUS / name, FOUND / name / "corpus"))
    command = (sys.executable, "-m", "tests.fuzz.harness", name, "-merge=1", *folders)
    subprocess.run(command, capture_output=True, check=True)
    return [path for path in merged.iterdir() if path.read_bytes() not in had]


if __name__ == "__main__":
    main()
