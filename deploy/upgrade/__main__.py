"""`python -m upgrade` tells whether this version may be rolled out beside the one before, and back."""

import shlex
import sys
from typing import Annotated

import typer

from common.core.contract import breaking_changes
from local_stack.errors import StackError
from local_stack.layout import ROOT
from local_stack.report import Report
from upgrade.before import (
    VersionBefore,
    before_newest_migration,
    checked_out,
    exchange,
    schemas,
)


def main(
    before: Annotated[
        str, typer.Argument(help="tag or commit; the one before the newest migration by default")
    ] = "",
    workers: Annotated[int, typer.Option(help="test processes at once")] = 2,
    tests: Annotated[str, typer.Option(help="further words for its pytest")] = "",
) -> None:
    """Run the version before on this one's schema, and each one's readers on the other's events."""
    report = Report()
    try:
        with checked_out(before or before_newest_migration(), report) as version:
            complaints = contract_complaints(version)
            report.say("contract", f"{len(schemas(version.contract))} types, both ways")
            report.say("tests", "its own, on the schema of this version")
            if not version.run_suites(workers, shlex.split(tests)):
                complaints.append("its tests fail on the schema of this version")
    except StackError as error:
        complaints = [str(error)]
    for complaint in complaints:
        report.show(f"NOT COMPATIBLE: {complaint}")
    report.show("compatible" if not complaints else "do not roll this out beside it")
    sys.exit(bool(complaints))


def contract_complaints(version: VersionBefore) -> list[str]:
    """Return what each version's readers cannot read of the other's events."""
    older, newer = schemas(version.contract), schemas(ROOT / "docs" / "contract")
    gone = [f"{name} is gone" for name in older.keys() - newer.keys()]
    changed = [
        f"{name}: {line}"
        for name in older.keys() & newer.keys()
        for line in breaking_changes(older[name], newer[name])
    ]
    ours = exchange(sys.executable, "write", "")
    refused = exchange(sys.executable, "read", version.events()).splitlines()
    return [
        *gone,
        *changed,
        *(f"it cannot read our {line}" for line in version.refusals(ours)),
        *(f"we cannot read its {line}" for line in refused),
    ]


if __name__ == "__main__":
    typer.run(main)
