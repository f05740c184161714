"""etcd and kube-apiserver, built once from their Go modules into build/tools."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from local_stack.errors import MissingToolError
from local_stack.layout import ROOT
from local_stack.settings import environment_with

SOURCE = Path(__file__).parent / "go"
TOOLS = ROOT / "build" / "tools"
NAMES = ("etcd", "kube-apiserver")


def kubernetes_version() -> str:
    """Return the release that go.mod names, such as v1.37.0."""
    [version] = re.findall(
        r"^\tk8s.io/kubernetes (v\S+)$", (SOURCE / "go.mod").read_text(), re.MULTILINE
    )
    return str(version)


def folder() -> Path:
    """Return where the programs of this release are, or will be."""
    return TOOLS / f"kubernetes-{kubernetes_version()}"


def are_built() -> bool:
    """Tell whether a server can be started without building anything."""
    return all((folder() / name).exists() for name in NAMES)


def find_go() -> str:
    """Return the path of Go; raise MissingToolError where there is none."""
    go = shutil.which("go")
    if not go:
        raise MissingToolError(
            "an API server is built from its Go modules and there is no Go: install 1.26 or later"
            " (an older one from 1.21 on fetches it by itself unless GOTOOLCHAIN=local)."
        )
    return go


def build() -> None:
    """Build what is not there yet, in sight of the user. Raises MissingToolError, CalledProcessError."""
    version = kubernetes_version()
    major, minor, _ = version.removeprefix("v").split(".")
    # Otherwise it calls itself v0.0.0-master, which no chart is made for.
    told = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    stamps = [f"-X k8s.io/component-base/version.{name}={text}" for name, text in told.items()]
    folder().mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        if not (folder() / name).exists():
            compile_one(name, stamps)


def compile_one(name: str, stamps: Sequence[str]) -> None:
    """Build one program; it is there once it is whole."""
    partial = folder() / f"{name}.partial"
    options = ["-buildvcs=false", "-trimpath", "-ldflags", " ".join(["-s -w", *stamps])]
    subprocess.run(
        [find_go(), "build", *options, "-o", str(partial), f"./{name}"],
        cwd=SOURCE,
        env=environment_with({"CGO_ENABLED": "0"}),
        check=True,
    )
    partial.rename(folder() / name)
