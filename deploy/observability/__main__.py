"""`python -m observability [--check]`: writes the dashboards and docs/metrics.md, or says what is old."""

import json
import sys
from pathlib import Path

from local_stack.layout import ROOT
from observability.dashboards import DASHBOARDS
from observability.metric_page import metric_page
from observability.panels import rendered

FOLDER = Path(__file__).parent
PAGE = ROOT / "docs" / "metrics.md"


def documents() -> dict[Path, str]:
    """Return what is to stand in which file."""
    dashboards = {
        FOLDER / "grafana" / f"{one.name}.json": json.dumps(rendered(one), indent=1) + "\n"
        for one in DASHBOARDS
    }
    return {PAGE: metric_page(), **dashboards}


def outdated() -> list[Path]:
    """Return the files that do not say what they should."""
    return [
        path
        for path, text in documents().items()
        if not path.exists() or path.read_text("utf-8") != text
    ]


def main(arguments: list[str]) -> int:
    """Write, or check; return the exit status."""
    old = outdated()
    if "--check" in arguments:
        for path in old:
            print(f"out of date, run `make observability`: {path.relative_to(ROOT)}")
        return bool(old)
    wanted = documents()
    for path in old:
        path.write_text(wanted[path], "utf-8")
    print(f"wrote {len(old)} of {len(wanted)} files")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
