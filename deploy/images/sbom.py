"""The list of what is in an image (CycloneDX), made and checked while the image is built.

    python -m images.sbom LIST LOCK SERVICE VERSION

LIST is what `cyclonedx-py environment` wrote of the Python packages. Python itself and the system's
packages are added. The build fails where a package is not the one that the lock names, says no
licence, or has one that would bind our users.
"""

import json
import platform
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

Component = dict[str, Any]  # an object of CycloneDX's JSON schema

OURS = "madoguchi-"
# What a package says in its files only, or in words that no list of licences knows.
SAID_IN_FILES = {
    "ahocorasick-rs": "Apache-2.0",
    "dkimpy": "Zlib",
    "imapclient": "BSD-3-Clause",
    "protobuf": "BSD-3-Clause",
}
# Also where it stands beside another licence: a person must decide then. The lesser one is none of them.
REFUSED = re.compile(r"\bA?GPL|GNU (Affero )?General Public|SSPL|BUSL", re.IGNORECASE)
DPKG_STATUS = Path("/var/lib/dpkg/status")


def locked_versions(lock: str) -> dict[str, str]:
    """Return the versions that a lock names, by canonical name."""
    pins = re.findall(r"^([\w.-]+)==([^\s;\\]+)", lock, re.MULTILINE)
    return {canonical(name): version for name, version in pins}


def canonical(name: str) -> str:
    """Return a package's name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def complaints(packages: Iterable[Component], locked: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the Python packages of an image."""
    return [one for package in packages for one in _complaints_of(package, locked)]


def _complaints_of(package: Component, locked: Mapping[str, str]) -> list[str]:
    name, version = canonical(package["name"]), package["version"]
    found = []
    if not name.startswith(OURS) and locked.get(name) != version:
        found.append(f"{name} {version} is not what the lock names ({locked.get(name)})")
    said = licences_of(package)
    if not said:
        found.append(f"{name} says no licence")
    return found + [f"{name}: licence {one} binds our users" for one in said if REFUSED.search(one)]


def licences_of(package: Component) -> list[str]:
    """Return the names, ids or expressions under which a component lists its licences."""
    said = []
    for one in package.get("licenses", []):
        licence = one.get("license", {})
        said.append(one.get("expression") or licence.get("id") or licence.get("name") or "")
    return [one for one in said if one]


def with_licence(package: Component) -> Component:
    """Return the component with the licence that only its files say."""
    known = SAID_IN_FILES.get(canonical(package["name"]))
    return {**package, "licenses": [{"license": {"id": known}}]} if known else package


def system_packages(status: str) -> list[Component]:
    """Return the Debian packages that dpkg's status file counts as installed."""
    blocks = [
        dict(re.findall(r"^(Package|Version|Architecture|Status): (.+)$", block, re.MULTILINE))
        for block in status.split("\n\n")
    ]
    return [
        _library(
            block["Package"],
            block["Version"],
            f"pkg:deb/debian/{block['Package']}@{quote(block['Version'])}?arch={block['Architecture']}",
        )
        for block in blocks
        if block.get("Status", "").endswith(" installed")
    ]


def python_itself(version: str) -> Component:
    """Return the interpreter as a component."""
    python = _library("cpython", version, f"pkg:generic/cpython@{version}")
    return {**python, "licenses": [{"license": {"id": "PSF-2.0"}}]}


def _library(name: str, version: str, purl: str) -> Component:
    return {"type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl}


def completed(document: dict[str, Any], image: Component, others: Iterable[Component]) -> str:
    """Return the list as text: the image as its subject, all components in the order of their names."""
    packages = [with_licence(package) for package in document.get("components", [])]
    parts = sorted([*packages, *others], key=lambda part: (part["name"], part["bom-ref"]))
    metadata = {**document.get("metadata", {}), "component": image}
    # The image says when it was made; its layers are the same whenever that was.
    metadata.pop("timestamp", None)
    told = {**document, "metadata": metadata, "components": parts}
    return json.dumps(told, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def main() -> int:
    """Check and complete the list that the command line names; 1 if something is wrong."""
    path, lock, service, version = sys.argv[1:]
    document = json.loads(Path(path).read_text())
    packages = [with_licence(package) for package in document.get("components", [])]
    found = complaints(packages, locked_versions(Path(lock).read_text()))
    for complaint in found:
        print(complaint, file=sys.stderr)
    image = {
        "type": "container",
        "name": f"madoguchi/{service}",
        "version": version,
        "bom-ref": f"madoguchi/{service}",
        "licenses": [{"license": {"id": "Apache-2.0"}}],
    }
    others = [python_itself(platform.python_version()), *system_packages(DPKG_STATUS.read_text())]
    Path(path).write_text(completed(document, image, others))
    print(f"{len(packages)} Python packages as locked, {len(others)} of the system")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
