"""`python -m tests.fuzz.harness TARGET [libFuzzer's options and folders]`: one target under atheris."""

import sys

import atheris

with atheris.instrument_imports(
    include=["common", "ingest_email", "ingest_sms", "ingest_social", "router", "timeline"]
):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Fuzz until libFuzzer's options say that it is enough; a finding ends the process."""
    program, name, *options = sys.argv
    atheris.Setup([program, *options], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
