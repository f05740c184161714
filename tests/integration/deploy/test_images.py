"""What is in the images of `make images`; skips without a Docker engine that has them."""

import json

import pytest

from images.engine import LIMIT_MB, LIST_IN_IMAGE, docker, look_at, tag_of
from images.sbom import REFUSED, licences_of, locked_versions
from local_stack.engine import engine_answers
from local_stack.errors import StackError
from local_stack.layout import ROOT, SERVICES

HARDENED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true")
# What builds, installs or is not found where it should not be. `env` is there, so that an answer is one.
LOOK = """
import importlib.util, os, shutil, sys
tools = [name for name in ("cc", "gcc", "ld", "make", "pip", "pip3", "uv", "env") if shutil.which(name)]
print(os.getuid(), tools, importlib.util.find_spec("pip"), importlib.util.find_spec("ensurepip"))
"""


@pytest.fixture(params=SERVICES)
def image(request: pytest.FixtureRequest) -> str:
    tag = tag_of(request.param)
    if not engine_answers():
        pytest.skip("no Docker engine answers")
    try:
        look_at(tag)
    except StackError:
        pytest.skip(f"the engine has no {tag}: make images builds it")
    return tag


def run(image: str, *command: str, options: tuple[str, ...] = ()) -> str:
    return docker("run", "--rm", "--network", "none", *HARDENED, *options, image, *command)


def test_an_image_is_small(image: str) -> None:
    assert look_at(image).megabytes < LIMIT_MB


def test_an_image_runs_its_service_as_nobody_on_a_file_system_that_it_cannot_write(
    image: str,
) -> None:
    service = image.partition("/")[2].partition(":")[0]

    said = run(image, "--help")

    assert "serve" in said
    assert "migrate" in said
    imported = run(image, "-c", f"import {service}.wiring", options=("--entrypoint", "python"))
    assert imported == ""


def test_nothing_in_an_image_compiles_or_installs(image: str) -> None:
    said = run(image, "-c", LOOK, options=("--entrypoint", "python"))

    assert said == "10001 ['env'] None None"


def test_the_list_in_an_image_names_what_is_installed_and_nothing_that_binds_users(
    image: str,
) -> None:
    service = image.partition("/")[2].partition(":")[0]
    shown = f"print(open({LIST_IN_IMAGE!r}).read())"
    listed = json.loads(run(image, "-c", shown, options=("--entrypoint", "python")))
    installed = "import importlib.metadata as m; print(*(f'{d.name}=={d.version}' for d in m.distributions()), sep='\\n')"
    there = locked_versions(run(image, "-c", installed, options=("--entrypoint", "python")))

    packages = [part for part in listed["components"] if part["bom-ref"].find("==") > 0]
    named = locked_versions("\n".join(f"{part['name']}=={part['version']}" for part in packages))
    lock = locked_versions((ROOT / "services" / service / "requirements.lock").read_text())

    assert listed["metadata"]["component"]["name"] == f"madoguchi/{service}"
    assert named == there
    assert {name for name in there if there[name] != lock.get(name)} == {
        "madoguchi-common",
        f"madoguchi-{service.replace('_', '-')}",
    }
    assert all(licences_of(part) for part in packages)
    assert not [one for part in packages for one in licences_of(part) if REFUSED.search(one)]


def test_an_image_says_what_it_is_and_how_its_health_is_asked(image: str) -> None:
    config = json.loads(docker("image", "inspect", "--format", "{{json .Config}}", image))

    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["/opt/madoguchi/bin/madoguchi"]
    assert "/livez" in config["Healthcheck"]["Test"][-1]
    labels = config["Labels"]
    assert labels["org.opencontainers.image.version"] == image.rpartition(":")[2]
    assert len(labels["org.opencontainers.image.revision"]) == 40
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
