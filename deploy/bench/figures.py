"""What was measured: printed as a table and merged into build/bench.json."""

import json
import os
import platform
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct, json as msgjson
from rich.console import Console
from rich.table import Table

FILE = Path("build/bench.json")


class Figure(Struct, frozen=True):
    """One measurement. `limit` is what the same machine can do without the step that is measured."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Return value / limit."""
        return round(self.value / self.limit, 3) if self.limit else None

    def as_row(self) -> dict[str, object]:
        """Return the figure as it stands in the file."""
        return {
            "name": self.name,
            "value": round(self.value, 2),
            "unit": self.unit,
            "limit": round(self.limit, 2) if self.limit else None,
            "ratio": self.ratio,
            "note": self.note,
        }


def merge(figures: Iterable[Figure], path: Path = FILE) -> None:
    """Write the figures into the file; others that it holds stay."""
    known = json.loads(path.read_text("utf-8"))["figures"] if path.exists() else []
    rows = {row["name"]: row for row in known} | {item.name: item.as_row() for item in figures}
    path.parent.mkdir(exist_ok=True)
    document = {"figures": list(rows.values()), "machine": machine()}
    path.write_bytes(msgjson.format(msgjson.encode(document), indent=2) + b"\n")


def machine() -> dict[str, object]:
    """Return what the figures were measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "processor": _processor(),
    }


def show(figures: Iterable[Figure]) -> None:
    """Print the table."""
    table = Table(title="Madoguchi on this machine", title_justify="left")
    for column in ("figure", "value", "unit", "limit", "ratio", "what the limit is"):
        right = column in ("value", "limit", "ratio")
        table.add_column(column, justify="right" if right else "left")
    for item in figures:
        limit = f"{item.limit:,.0f}" if item.limit else "–"
        ratio = f"{item.ratio:.2f}" if item.ratio else "–"
        table.add_row(item.name, f"{item.value:,.1f}", item.unit, limit, ratio, item.note)
    Console(width=None if os.isatty(1) else 140).print(table)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
