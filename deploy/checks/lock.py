"""Do the locks fit the pyproject files, each other and what is installed? Asks no registry.

    python -m checks.lock

`make lock` writes the lock; this says when it must be written again: every dependency that a
pyproject names is locked at a version it accepts, every locked package is wanted by somebody, is
installed at exactly that version, and has its hashes. A service's own lock, from which its image
is made, is the part of it that the service leads to.
"""

import re
import sys
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"
OURS = "madoguchi-"

Versions = Mapping[NormalizedName, str]
Needs = Mapping[NormalizedName, Sequence[Requirement]]


@dataclass(frozen=True)
class Pin:
    """One package in the lock."""

    requirement: Requirement
    hashes: int

    @property
    def name(self) -> NormalizedName:
        """Return the package's canonical name."""
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        """Return the one version that the lock allows."""
        return next(iter(self.requirement.specifier)).version

    @property
    def applies_here(self) -> bool:
        """Tell whether this machine's Python and system need the package."""
        return not self.requirement.marker or self.requirement.marker.evaluate()


def blocks_of(text: str) -> list[str]:
    """Return a lock's blocks: a requirement a line, its hashes on continued lines below."""
    return re.split(r"\n(?=\S)", text.strip())


def parse_lock(text: str) -> list[Pin]:
    """Return the pins of a lock."""
    return [
        Pin(
            Requirement(block.partition("\\")[0].partition("--hash")[0].strip()),
            block.count("--hash="),
        )
        for block in blocks_of(text)
    ]


def named_in(pyproject: Mapping[str, Any]) -> list[Requirement]:
    """Return what a pyproject names: its project's dependencies and those of its groups."""
    project: list[str] = pyproject.get("project", {}).get("dependencies", [])
    groups: list[list[str]] = list(pyproject.get("dependency-groups", {}).values())
    lines = [*project, *(line for group in groups for line in group)]
    return [Requirement(line) for line in lines if not line.startswith(OURS)]


def unmet(named: Iterable[Requirement], locked: Versions) -> list[str]:
    """Return a complaint for each requirement that the lock does not satisfy."""
    complaints = []
    for requirement in named:
        version = locked.get(canonicalize_name(requirement.name))
        if version is None:
            complaints.append(f"{requirement} is not in the lock")
        elif not requirement.specifier.contains(version, prereleases=True):
            complaints.append(f"{requirement} is locked at {version}")
    return complaints


def uninstalled(pins: Iterable[Pin], installed: Versions) -> list[str]:
    """Return a complaint for each pin that is not installed here as it says."""
    return [
        f"{pin.name} {pin.version} is locked and {installed.get(pin.name, 'nothing')} is installed"
        for pin in pins
        if pin.applies_here and installed.get(pin.name) != pin.version
    ]


def reached(named: Iterable[Requirement], needs: Needs) -> set[NormalizedName]:
    """Return all packages that the named requirements lead to, by the installed packages' needs."""
    wanted: set[NormalizedName] = set()
    ahead = [canonicalize_name(requirement.name) for requirement in named]
    while ahead:
        name = ahead.pop()
        if name not in wanted:
            wanted.add(name)
            ahead += [canonicalize_name(need.name) for need in needs.get(name, ())]
    return wanted


def unwanted(pins: Iterable[Pin], wanted: Collection[NormalizedName]) -> list[str]:
    """Return a complaint for each pin that nobody leads to."""
    return [f"{pin.name} is locked and nobody needs it" for pin in pins if pin.name not in wanted]


def not_a_part(name: str, part: str, whole: str) -> list[str]:
    """Return a complaint for each block of a service's lock that the whole lock has not just so."""
    known = set(blocks_of(whole))
    return [
        f"{name}: {block.partition(' ')[0]} is not so in the whole lock"
        for block in blocks_of(part)
        if block not in known
    ]


def unhashed(pins: Iterable[Pin]) -> list[str]:
    """Return a complaint for each pin whose files could be anybody's."""
    return [f"{pin.name} is locked without a hash" for pin in pins if not pin.hashes]


def complaints() -> list[str]:
    """Compare this repository's files with what is installed here."""
    text = LOCK.read_text()
    pins = parse_lock(text)
    named = named_by(ROOT / "pyproject.toml", *ROOT.glob("*/*/pyproject.toml"))
    here = {canonicalize_name(found.name): found for found in distributions()}
    needs = {
        name: [Requirement(need) for need in found.requires or ()] for name, found in here.items()
    }
    return [
        *unmet(named, {pin.name: pin.version for pin in pins}),
        *uninstalled(pins, {name: found.version for name, found in here.items()}),
        *unwanted(pins, reached(named, needs)),
        *unhashed(pins),
        *(["it holds a registry's address"] if "://" in text else []),
        *(one for folder in sorted(ROOT.glob("services/*")) for one in of_service(folder, text)),
    ]


def of_service(folder: Path, whole: str) -> list[str]:
    """Return what is wrong with the lock from which a service's image is made."""
    text = (folder / LOCK.name).read_text()
    locked = {pin.name: pin.version for pin in parse_lock(text)}
    named = named_by(ROOT / "libs" / "common" / "pyproject.toml", folder / "pyproject.toml")
    said = [f"{folder.name}: {one}" for one in unmet(named, locked)]
    return [*said, *not_a_part(folder.name, text, whole)]


def named_by(*files: Path) -> list[Requirement]:
    """Return what these pyproject files name."""
    return [item for file in files for item in named_in(tomllib.loads(file.read_text()))]


def main() -> int:
    """Print each difference; 1 if there is one."""
    found = complaints()
    for complaint in found:
        print(f"requirements.lock: {complaint}", file=sys.stderr)
    if found:
        print("run `make lock`, then `make install`", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
