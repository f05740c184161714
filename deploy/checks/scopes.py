"""Which scope opens which door: docs/contract/scopes.md, made from the services' own OpenAPI documents.

python -m checks.scopes            # write it
python -m checks.scopes --check    # exit 1 if it is out of date
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from router.settings import Settings as RouterSettings
from router.wiring import build as build_router
from timeline.settings import Settings as TimelineSettings
from timeline.wiring import build as build_timeline

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "contract" / "scopes.md"
METHODS = ("get", "post", "put", "patch", "delete")
INTRODUCTION = """\
# Scopes · スコープ

Which scope of a bearer token opens which request: any one that is marked is enough. `make contract` writes this page from the
services' OpenAPI documents, `make check` holds it to them, and
[a test](../../tests/contract/test_authorisation_matrix.py) tries every request with every scope. What the scopes are for, and who
should have them: [the API](../api.md).
"""

Document = Mapping[str, Any]


class Operation(Struct, frozen=True):
    """A request, what it is for, and the scopes of which any one is enough; none: it needs no token."""

    request: str
    summary: str
    scopes: frozenset[str]


def documents() -> dict[str, Document]:
    """Return the OpenAPI document of each service that wants tokens; nothing is connected to."""
    return {
        "timeline": build_timeline(TimelineSettings()).app.openapi(),
        "router": build_router(
            RouterSettings(rules=ROOT / "deploy/local/rules.yaml")
        ).app.openapi(),
    }


def operations(document: Document) -> Iterator[Operation]:
    """Yield what can be asked, in the document's order."""
    for path, methods in document["paths"].items():
        for method in METHODS:
            if said := methods.get(method):
                scopes = (scope for each in said.get("security", ()) for scope in each["bearer"])
                request = f"{method.upper()} {path}"
                yield Operation(request, said.get("summary", ""), frozenset(scopes))


def page(all_documents: Mapping[str, Document]) -> str:
    """Return the whole page."""
    sections = (section(name, list(operations(each))) for name, each in all_documents.items())
    return "\n".join((INTRODUCTION, *sections))


def section(service: str, found: Sequence[Operation]) -> str:
    """Return a service's table, and what of it needs no token."""
    columns = sorted({scope for one in found for scope in one.scopes})
    head = ["request", "", *(f"`{scope}`" for scope in columns)]
    rule = ["---", "---", *(":-:" for _ in columns)]
    rows = [head, rule, *(row(one, columns) for one in found if one.scopes)]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
    open_ones = ", ".join(f"`{one.request}`" for one in found if not one.scopes)
    return f"## {service}\n\n{table}\n\nWithout a token: {open_ones}.\n"


def row(one: Operation, columns: Sequence[str]) -> list[str]:
    """Return the cells of an operation."""
    marks = ("●" if scope in one.scopes else " " for scope in columns)
    return [f"`{one.request}`", one.summary, *marks]


def main(arguments: Sequence[str]) -> int:
    """Write the page, or tell whether it is what it should be."""
    wanted = page(documents())
    if "--check" not in arguments:
        PAGE.write_text(wanted, "utf-8")
    elif not PAGE.exists() or PAGE.read_text("utf-8") != wanted:
        print(f"{PAGE.name} is out of date: run `make contract`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
