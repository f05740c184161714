"""`python -m tests.fuzz.harness TARGET [libFuzzer's options and folders]`: one target under atheris."""

import sys
from functools import partial
from pathlib import Path

import atheris

with atheris.instrument_imports(
    include=[
        "common",
        "ingest_email",
        "ingest_sms",
        "ingest_social",
        "router",
        "timeline",
        # What reads strangers' bytes for us.
        "aiosmtpd",
        "dkim",
        "imapclient",
        "spf",
    ]
):
    from tests.fuzz.targets import TARGETS, timely


def main() -> None:
    """Fuzz until libFuzzer's options say that it is enough; a finding ends the process."""
    _, name, *options = sys.argv
    atheris.Setup([launcher(name), *options], partial(timely, TARGETS[name]))
    atheris.Fuzz()


def launcher(name: str) -> str:
    """Return a program that is this one: to merge, libFuzzer starts itself anew by its name alone."""
    path = Path("build/fuzz") / name / "harness"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\nexec {sys.executable} -m tests.fuzz.harness {name} "$@"\n')
    path.chmod(0o700)
    return str(path)


if __name__ == "__main__":
    main()
