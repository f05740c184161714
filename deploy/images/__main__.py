"""`make images`: an image of each service, its list of parts in build/sbom, and what each weighs.

    python -m images [--twice] [SERVICE ...]

With `--twice` each is built a second time without what the engine remembers: the layers must be the same.
"""

import argparse
import sys
from pathlib import Path

from images.engine import LIMIT_MB, LIST_IN_IMAGE, MB, Image, docker, look_at, said_by, tag_of
from local_stack.errors import StackError
from local_stack.layout import ROOT, SERVICES

DOCKERFILE = "deploy/images/Dockerfile"
LISTS = ROOT / "build" / "sbom"


def main() -> int:
    """Build what was asked for; 1 if an image is too large or differs when it is built again."""
    wanted = _arguments()
    good = [_make(service, twice=wanted.twice, ca=wanted.ca) for service in wanted.services]
    return 0 if all(good) else 1


def _arguments() -> argparse.Namespace:
    root = argparse.ArgumentParser(prog="python -m images", description=__doc__)
    root.add_argument("services", nargs="*", default=SERVICES)
    root.add_argument("--twice", action="store_true", help="build again and compare the layers")
    root.add_argument("--ca", default="", help="certificates that the build trusts")
    return root.parse_args()


def _make(service: str, *, twice: bool, ca: str) -> bool:
    tag = tag_of(service)
    _build(service, tag, ca=ca)
    docker("tag", tag, f"madoguchi/{service}:latest")
    _take_list(tag, LISTS / f"{service}.cdx.json")
    image = look_at(tag)
    system, *ours = image.sizes
    parts = f"system {system / MB:.0f}, needed and own {sum(ours) / MB:.1f}"
    print(f"{tag:<32} {image.megabytes:4.0f} MB: {parts}", flush=True)
    if image.megabytes > LIMIT_MB:
        print(f"{tag} is larger than {LIMIT_MB} MB", file=sys.stderr)
    same = not twice or _is_built_alike(service, image, ca=ca)
    return image.megabytes <= LIMIT_MB and same


def _build(service: str, tag: str, *more: str, ca: str) -> None:
    told = {
        "SERVICE": service,
        "VERSION": tag_of(service).rpartition(":")[2],
        "REVISION": said_by("git", "rev-parse", "HEAD"),
        # When the image says that it was made; its layers are dated in the Dockerfile.
        "SOURCE_DATE_EPOCH": said_by("git", "log", "-1", "--format=%ct"),
    }
    words = [word for name, value in told.items() for word in ("--build-arg", f"{name}={value}")]
    secret = ["--secret", f"id=ca,src={ca}"] if ca else []
    docker(
        *("build", "--quiet", "--network", "host", *secret, "--file", DOCKERFILE),
        *(*words, *more, "--tag", tag, "."),
    )


def _is_built_alike(service: str, first: Image, *, ca: str) -> bool:
    tag = f"madoguchi/{service}:again"
    _build(service, tag, "--no-cache", ca=ca)
    again = look_at(tag)
    docker("rmi", tag)
    for one, other in zip(first.layers, again.layers, strict=True):
        print(f"  {one} {'twice' if one == other else f'and then {other}'}", flush=True)
    return first.layers == again.layers


def _take_list(tag: str, where: Path) -> None:
    where.parent.mkdir(parents=True, exist_ok=True)
    container = docker("create", tag)
    try:
        docker("cp", f"{container}:{LIST_IN_IMAGE}", str(where))
    finally:
        docker("rm", container)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StackError as error:
        sys.exit(f"images: {error}")
