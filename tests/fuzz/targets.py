"""What is fuzzed: functions that may meet any bytes. Each returns, or raises only what it promises to."""

import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.fuzz import (
    bus_targets,
    mail_targets,
    service_targets,
    session_targets,
    sms_targets,
    webhook_targets,
)
from tests.fuzz.laws import Target
from tests.samples.golden import ADAPTERS, FOLDER

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
DEPLOY = HERE.parents[1] / "deploy"

LONGEST_SECONDS = 2  # of the processor's time, so that a busy machine finds nothing
_WORD = re.compile(rb"[A-Za-z][A-Za-z0-9_./:@-]{2,39}")
_MOST_WORDS = 400


def timely(target: Target, data: bytes) -> None:
    """Run a target on an input, which must not take long."""
    begun = time.process_time()
    target(data)
    taken = time.process_time() - begun
    assert taken < LONGEST_SECONDS, f"{taken:.1f} s for {len(data)} bytes"


PARTS = (
    mail_targets,
    session_targets,
    webhook_targets,
    sms_targets,
    bus_targets,
    service_targets,
)
TARGETS: Mapping[str, Target] = {
    name: target for part in PARTS for name, target in part.TARGETS.items()
}
_SAMPLES: Mapping[str, list[Path]] = {
    "mail": [FOLDER / "mail"],
    "mail-authentication": [FOLDER / "mail" / "stalwart"],
    "mail-header-block": [FOLDER / "mail" / "stalwart"],
    "mail-reply": [FOLDER / "mail" / "replies-ja"],
    "accounts": [DEPLOY / "local"],
    "rules": [DEPLOY / "local"],
    "entry": [CORPUS / "structured-event"],
}


def seeds(name: str) -> list[Path]:
    """Return the folders whose files a target begins with."""
    samples = _SAMPLES.get(name, [])
    if name.startswith("webhook-"):
        provider = name.removeprefix("webhook-")
        samples = [FOLDER / service / provider for service in ADAPTERS]
    folders = (CORPUS / name, *samples)
    return [folder for folder in folders if folder.is_dir() and any(folder.iterdir())]


def dictionary(name: str) -> str:
    """Return the words of a target's seeds as libFuzzer reads a dictionary."""
    found = dict.fromkeys(word for content in _contents(name) for word in _WORD.findall(content))
    words = [word.decode() for word in list(found)[:_MOST_WORDS]]
    return "".join(f'"{word}"\n' for word in words)


def _contents(name: str) -> Iterator[bytes]:
    for folder in seeds(name):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.name.endswith(".expected.json"):
                yield path.read_bytes()
